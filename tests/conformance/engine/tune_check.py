"""usage: tune_check.py CAMBIUM: tuned models load in transformers and PEFT and answer the same; TensorBoard reads the events.

PEFT's and TensorBoard's parts are left out, with a word, in a Python without them; scripts/reference_python makes one that has both.
"""
import json
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor

cambium = os.path.abspath(sys.argv[1])
golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "golden")
failures = []


def expect(name, holds, detail=""):
    if not holds:
        failures.append(name)
        print(f"FAILED {name} {detail}")


def tune(folder, name, model, rows, train):
    data = os.path.join(folder, name + ".jsonl")
    with open(data, "w") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")
    config = {"model": os.path.join(golden, "training", model), "output": os.path.join(folder, name), "dtype": "float32",
              "context": 256, "sources": [{"path": data}], "train": {"batch_samples": 8, "learning_rate": 1e-3, **train}}
    path = os.path.join(folder, name + ".yml")
    json.dump(config, open(path, "w"))
    report = json.loads(subprocess.run([cambium, "tune", path, "--json"], check=True, capture_output=True, text=True).stdout)
    expect(name + ": the loss falls", report["last_loss"] < report["first_loss"], str(report))
    return config["output"], report


def own_logits(folder, model, inputs):
    source, target = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
    save_file({k: v.contiguous() for k, v in inputs.items()}, source)
    subprocess.run([cambium, "forward", model, "--inputs", source, "-o", target, "--dtype", "float32"], check=True)
    return load_file(target)["logits"]


with tempfile.TemporaryDirectory() as folder:
    talk = [{"conversations": [{"from": "human", "value": f"what is {i}?"}, {"from": "gpt", "value": f"it is {i * i % 17}"}]} for i in range(40)]
    ids = torch.arange(24).unsqueeze(0)
    full, _ = tune(folder, "full", "llama", talk, {})
    theirs = AutoModelForCausalLM.from_pretrained(full, dtype=torch.float32)(ids).logits
    expect("full: logits", torch.allclose(own_logits(folder, full, {"input_ids": ids}), theirs, atol=1e-4))

    lora, _ = tune(folder, "lora", "llama", talk, {"lora": {"rank": 4, "targets": ["q_proj", "down_proj"]}, "learning_rate": 1e-2})
    merged = AutoModelForCausalLM.from_pretrained(lora, dtype=torch.float32)(ids).logits
    try:
        from peft import PeftModel
        base = AutoModelForCausalLM.from_pretrained(os.path.join(golden, "training", "llama"), dtype=torch.float32)
        adapted = PeftModel.from_pretrained(base, os.path.join(lora, "adapter"))(ids).logits
        expect("lora: the adapter is what was merged", torch.allclose(merged, adapted, atol=1e-4))
    except ImportError:
        print("left out: peft is not installed")

    pixels = load_file(os.path.join(golden, "training", "llava_15_tune", "batch.safetensors"))
    from PIL import Image
    for i in range(4):
        Image.effect_mandelbrot((40, 30 + i), (-2, -1, 1, 1), 20 + i).convert("RGB").save(os.path.join(folder, f"{i}.png"))
    seen = [{"image": f"{i % 4}.png", "conversations": [{"from": "human", "value": "<image>\nwhich?"}, {"from": "gpt", "value": f"number {i % 4}"}]}
            for i in range(32)]
    llava, report = tune(folder, "llava", "llava_15", seen, {"parts": {"vision_tower": "frozen"}})
    model = AutoModelForImageTextToText.from_pretrained(llava, dtype=torch.float32)
    AutoProcessor.from_pretrained(llava)
    inputs = {k: pixels[k] for k in ("input_ids", "attention_mask", "pixel_values")}
    theirs, kept = model(**inputs).logits, inputs["attention_mask"].bool()
    start = AutoModelForImageTextToText.from_pretrained(os.path.join(golden, "training", "llava_15"), dtype=torch.float32)
    before_logits = start(**inputs).logits
    expect("llava: logits", torch.allclose(own_logits(folder, llava, inputs)[kept], theirs[kept], atol=2e-4))
    before = load_file(os.path.join(golden, "training", "llava_15", "model.safetensors"))
    after = load_file(os.path.join(llava, "model.safetensors"))
    for name in before:
        same = torch.equal(before[name].float(), after[name].float())
        expect(f"llava: {name} is {'frozen' if 'vision_tower' in name else 'trained'}", same or "vision_tower" not in name)

    try:
        from peft import PeftModel
        for name, targets in (("everywhere", ["all-linear"]), ("pattern", [r"model\.(vision_tower|multi_modal_projector)\..*(q_proj|linear_2)"])):
            adapted, _ = tune(folder, name, "llava_15", seen, {"lora": {"rank": 2, "targets": targets}, "learning_rate": 1e-2})
            base = AutoModelForImageTextToText.from_pretrained(os.path.join(golden, "training", "llava_15"), dtype=torch.float32)
            with_adapter = PeftModel.from_pretrained(base, os.path.join(adapted, "adapter"))
            # Layer 2 of the tower lies behind the layer whose features are taken.
            unused = [n for n, p in with_adapter.named_parameters() if "lora_B" in n and "tower.encoder.layers.2." not in n and not p.any()]
            expect(f"{name}: PEFT puts the adapter where it was trained", not unused, str(unused))
            merged = AutoModelForImageTextToText.from_pretrained(adapted, dtype=torch.float32)(**inputs).logits
            expect(f"{name}: the adapter is what was merged", torch.allclose(merged[kept], with_adapter(**inputs).logits[kept], atol=1e-4))
            expect(f"{name}: it learned", not torch.allclose(merged[kept], before_logits[kept], atol=1e-3))
    except ImportError:
        print("left out: peft is not installed")

    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(llava + ".tuning")
        events.Reload()
        losses = [json.loads(line) for line in open(os.path.join(llava + ".tuning", "metrics.jsonl"))]
        expected = [(row["step"], row["loss"]) for row in losses if "loss" in row]
        read = [(e.step, e.value) for e in events.Scalars("train/loss")]
        expect("tensorboard: losses", len(read) == len(expected) and all(a[0] == b[0] and abs(a[1] - b[1]) < 1e-5 for a, b in zip(read, expected)), str(read))
    except ImportError:
        print("left out: tensorboard is not installed")

print(f"tune: {len(failures)} failures")
sys.exit(bool(failures))
