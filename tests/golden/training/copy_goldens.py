"""Makes the training goldens small: `copy_goldens.py FIXTURES` (the folder with models/ and training/).

Models become bfloat16 (their weights are exact in it), batches lose their logits, golden.json keeps the numbers that the
tests read. The runs themselves were made with transformers 5.23 and torch 2.15 (AdamW, float32, eager attention).
"""
import json
import os
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file

fixtures = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
for name in ("llama", "llava_15"):
    source, target = os.path.join(fixtures, "models", name), os.path.join(here, name)
    os.makedirs(target, exist_ok=True)
    weights = load_file(os.path.join(source, "model.safetensors"))
    small = {k: v.to(torch.bfloat16) for k, v in weights.items()}
    assert all(torch.equal(small[k].to(v.dtype), v) for k, v in weights.items())
    save_file(small, os.path.join(target, "model.safetensors"), metadata={"format": "pt"})
    for extra in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "processor_config.json"):
        if os.path.exists(os.path.join(source, extra)):
            shutil.copyfile(os.path.join(source, extra), os.path.join(target, extra))
for name in ("llama_full", "llava_15_tune", "llama_lora"):
    source, target = os.path.join(fixtures, "training", name), os.path.join(here, name)
    os.makedirs(target, exist_ok=True)
    batch = load_file(os.path.join(source, "batch.safetensors"))
    save_file({k: v for k, v in batch.items() if not k.startswith("logits")}, os.path.join(target, "batch.safetensors"))
    golden = json.load(open(os.path.join(source, "golden.json")))
    kept = {k: golden[k] for k in ("loss", "grad_norm", "loss_after", "step1_grad_norm_by_tensor", "hyper")}
    json.dump(kept, open(os.path.join(target, "golden.json"), "w"), indent=1)
    for extra in ("final.safetensors", "merged.safetensors"):
        if os.path.exists(os.path.join(source, extra)):
            shutil.copyfile(os.path.join(source, extra), os.path.join(target, extra))
    for folder in ("init", "final"):
        if os.path.isdir(os.path.join(source, folder)):
            os.makedirs(os.path.join(target, folder), exist_ok=True)
            for entry in os.listdir(os.path.join(source, folder)):
                shutil.copyfile(os.path.join(source, folder, entry), os.path.join(target, folder, entry))
