"""Records what transformers gives for SmolLM2-135M-Instruct in float32: greedy continuations of ten prompts and the loss of text.txt.

usage: make_golden.py MODEL_FOLDER          (transformers 5.23, torch 2.15; MODEL_FOLDER: the output of `cambium convert SmolLM2-135M-Instruct.Q4_1.gguf`)

Writes golden.json beside itself. tests/unit/model/smollm2_test.cpp reads it where CAMBIUM_TEST_MODELS/smollm2 is that folder.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 64
PROMPTS = [
    "The capital of France is",
    "Once upon a time there was a gardener who",
    "def fibonacci(n):\n",
    "Question: What is 12 times 7?\nAnswer:",
    "The three primary colours are",
    "In the year 1969,",
    "Dear Sir or Madam,\n\nI am writing to",
    "Water boils at 100 degrees because",
    "<|im_start|>user\nName two fruits that grow on trees.<|im_end|>\n<|im_start|>assistant\n",
    "Die Hauptstadt von Deutschland ist",
]

here = pathlib.Path(__file__).parent
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
golden = {"prompts": []}
for prompt in PROMPTS:
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        new = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1, pad_token_id=0)[0, ids.shape[1]:]
    golden["prompts"].append({"prompt": prompt, "ids": ids[0].tolist(), "new": new.tolist(), "text": tokenizer.decode(new, skip_special_tokens=True)})
ids = tokenizer((here / "text.txt").read_text(encoding="utf-8"), return_tensors="pt").input_ids
with torch.no_grad():
    loss = model(ids, labels=ids).loss.double().item()
golden["text"] = {"tokens": ids.shape[1], "loss": loss, "perplexity": float(torch.tensor(loss, dtype=torch.float64).exp())}
(here / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
print(golden["text"])
