#!/usr/bin/env python3
"""Copies a tiny LLaVA-1.5 checkpoint and transformers' values for it out of the model fixtures. usage: make_llava.py FIXTURES/models

The three layouts of names hold the same bfloat16 weights; config.json and the goldens are those of the main fixture."""
import os
import shutil
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = ("input_ids", "attention_mask", "pixel_values", "tower_output", "image_features", "logits", "generated_ids")

source = sys.argv[1]
for layout in ("llava_15-pre452", "llava_15-module", "llava_15-original"):
    target = os.path.join(HERE, layout)
    os.makedirs(target, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(os.path.join(source, layout, name), os.path.join(target, name))
# The language model it was made from; exact in bfloat16 too.
target = os.path.join(HERE, "llava_15-base")
os.makedirs(target, exist_ok=True)
shutil.copyfile(os.path.join(source, "llava_15-base", "config.json"), os.path.join(target, "config.json"))
with safe_open(os.path.join(source, "llava_15-base", "model.safetensors"), "pt") as base:
    weights = {name: base.get_tensor(name) for name in base.keys()}
assert all(weight.to(torch.bfloat16).to(weight.dtype).equal(weight) for weight in weights.values())
save_file({name: weight.to(torch.bfloat16) for name, weight in weights.items()}, os.path.join(target, "model.safetensors"), {"format": "pt"})
# Tokenizer, processor and a picture, for prompts with pictures.
target = os.path.join(HERE, "llava_15-pre452")
for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json", "chat_template.json"):
    shutil.copyfile(os.path.join(source, "llava_15-pre452", name), os.path.join(target, name))
for picture in ("a.png", "b.png"):
    shutil.copyfile(os.path.join(source, "llava_15", "media", picture), os.path.join(HERE, "llava_15." + picture))
with safe_open(os.path.join(source, "llava_15", "golden.safetensors"), "pt") as golden:
    save_file({name: golden.get_tensor(f"image.{name}").contiguous() for name in KEPT}, os.path.join(HERE, "llava_15.image.safetensors"))
