"""The peer of tune_bench: the same protocol with transformers and torch (AdamW, everything in bfloat16, padded batches).

  python tune_peer.py MODEL [THREADS]
"""
import json
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM

threads = int(sys.argv[2]) if len(sys.argv) > 2 else torch.get_num_threads()
torch.set_num_threads(threads)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.bfloat16)
model.train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), weight_decay=0.0)
vocab = model.config.vocab_size
print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()), "threads": threads}), flush=True)
for line in sys.stdin:
    one = json.loads(line)
    generator = torch.Generator().manual_seed(one["seed"])
    lengths, longest = one["lengths"], max(one["lengths"])
    ids = torch.zeros(len(lengths), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(100, vocab, (length,), generator=generator)
        first = max(int(length * (1 - one["labelled"])), 1)
        labels[row, first:length] = ids[row, first:length]
        mask[row, :length] = 1
    start, cpu = time.perf_counter(), time.process_time()
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu, "loss": float(loss),
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)
