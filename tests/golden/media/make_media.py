#!/usr/bin/env python3
"""Goldens of src/media. usage: make_media.py PREPROCESSING_FIXTURES (Pillow, numpy, safetensors)

Copies pictures, their 8-bit forms just before rescaling (torchvision's and Pillow's resizer, transformers 5.23) and the log-mel frames of
tone.wav from the fixtures; makes small pictures of the modes that decoders disagree on, each with Pillow's reading as NAME.rgb.png.
"""
import os
import shutil
import sys

import numpy as np
from PIL import Image, ImageOps
from safetensors import safe_open

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = ("clip224_crop", "llava15_pad", "siglip224_bilinear", "siglip384")


def copy(fixtures):
    for name in ("a.jpg", "a.decoded.png", "b.png", "c.png", "tone.wav"):
        shutil.copy(os.path.join(fixtures, "images", name), HERE)
    for image in "abc":
        for config in CONFIGS:
            for backend in ("", ".pillow"):
                if backend and image != "a":
                    continue
                shutil.copy(os.path.join(fixtures, "expected", f"{image}.{config}{backend}.png"), HERE)
    with safe_open(os.path.join(fixtures, "expected", "values.safetensors"), "np") as values:
        values.get_tensor("tone.wav.mel80.torch").astype("<f4").tofile(os.path.join(HERE, "tone.mel80.f32"))
        values.get_tensor("a.siglip224_bilinear.torchvision.grid").astype("<f4").tofile(os.path.join(HERE, "a.siglip224_bilinear.grid.f32"))
    for name in os.listdir(HERE):
        os.chmod(os.path.join(HERE, name), 0o644)


def as_rgb(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255,) * 4), image)
    return image.convert("RGB")


def odd_pictures():
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:11, 0:17]
    rgb = np.stack([x * 15, y * 23, (x * y) % 256], -1).astype(np.uint8)
    alpha = ((x + y) * 9 % 256).astype(np.uint8)
    picture = Image.fromarray(rgb)
    saved = {
        "gray_alpha.png": Image.merge("LA", (Image.fromarray(rgb[..., 0]), Image.fromarray(alpha))),
        "one_bit.png": Image.fromarray(((x + y) % 2 * 255).astype(np.uint8)).convert("1"),
        "gray16.png": Image.fromarray((x * 40 + y * 3000).astype(np.uint16)),
        "palette.png": picture.quantize(16),
        "cmyk.jpg": picture.convert("CMYK"),
        "gray.jpg": Image.fromarray(rgb[..., 1]),
        "lossless.webp": Image.fromarray(np.dstack([rgb, alpha])),
        "lossy.webp": picture,
        "still.gif": picture.quantize(32),
    }
    for name, image in saved.items():
        image.save(os.path.join(HERE, name), **({"lossless": True} if name == "lossless.webp" else {}))
    picture.quantize(8).save(os.path.join(HERE, "palette_key.png"), transparency=3)
    picture.save(os.path.join(HERE, "rgb_key.png"), transparency=(15, 0, 0))
    for turn in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        Image.fromarray(rng.integers(0, 256, (5, 9, 3), dtype=np.uint8)).save(os.path.join(HERE, f"turn{turn}.png"), exif=exif)
        saved[f"turn{turn}.png"] = None
    for name in [*saved, "palette_key.png", "rgb_key.png"]:
        as_rgb(os.path.join(HERE, name)).save(os.path.join(HERE, name + ".rgb.png"))
    frames = [Image.fromarray(np.roll(rgb, k * 3, axis=1)) for k in range(3)]
    frames[0].quantize(64).save(os.path.join(HERE, "clip.gif"), save_all=True, append_images=[f.quantize(64) for f in frames[1:]], duration=100)
    clip = Image.open(os.path.join(HERE, "clip.gif"))
    for k in range(3):
        clip.seek(k)
        clip.convert("RGB").save(os.path.join(HERE, f"clip.gif.{k}.rgb.png"))


if __name__ == "__main__":
    copy(sys.argv[1])
    odd_pictures()
