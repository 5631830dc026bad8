#!/usr/bin/env python3
"""Copies a tiny LLaVA-1.5 checkpoint and transformers' values for it out of the model fixtures. usage: make_llava.py FIXTURES/models

The three layouts of names hold the same bfloat16 weights; config.json and the goldens are those of the main fixture."""
import os
import shutil
import sys

from safetensors import safe_open
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = ("input_ids", "attention_mask", "pixel_values", "tower_output", "image_features", "logits")

source = sys.argv[1]
for layout in ("llava_15-pre452", "llava_15-module", "llava_15-original"):
    target = os.path.join(HERE, layout)
    os.makedirs(target, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(os.path.join(source, layout, name), os.path.join(target, name))
with safe_open(os.path.join(source, "llava_15", "golden.safetensors"), "pt") as golden:
    save_file({name: golden.get_tensor(f"image.{name}").contiguous() for name in KEPT}, os.path.join(HERE, "llava_15.image.safetensors"))
