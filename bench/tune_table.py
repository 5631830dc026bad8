"""Tuning steps here and in transformers, alternating on one machine; prints a Markdown table.

  python tune_table.py MODEL --bench build/release/bin/tune_bench [--python PYTHON] [--repeats 5] [--only all,part,mixed]

MODEL is a Hugging Face folder that both load (docs/performance.md: SmolLM2-135M in bfloat16). Tokens are those of the rows,
padding not counted. The best of the repeats counts: other work on the machine only ever adds time.
"""
import argparse
import json
import random
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--bench", default="build/release/bin/tune_bench")
parser.add_argument("--python", default=sys.executable, help="with torch and transformers")
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--threads", type=int, default=0)
parser.add_argument("--only", default="all,part,mixed")
args = parser.parse_args()

draw = random.Random(1)
# Instruction data: answers and questions of very different lengths, 16 rows a step, the longest at the limit of 256.
mixed = sorted(min(256, max(8, int(draw.lognormvariate(3.9, 0.8)))) for _ in range(15)) + [256]
draw.shuffle(mixed)
CASES = {
    "all": ("4 x 256, all labelled", {"lengths": [256] * 4, "labelled": 1.0}, 1.5),
    "part": ("4 x 256, 30 % labelled", {"lengths": [256] * 4, "labelled": 0.3}, 1.8),
    "mixed": ("16 rows of 8 to 256, 50 % labelled", {"lengths": mixed, "labelled": 0.5}, 3.0),
}


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.model = json.loads(self.process.stdout.readline())
        self.peak = 0

    def step(self, case, seed):
        self.process.stdin.write(json.dumps({**case, "seed": seed}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.peak = max(self.peak, answer["peak_mib"])
        return answer


threads = [str(args.threads)] if args.threads else []
ours = Side([args.bench, args.model] + (["--threads"] + threads if threads else []))
theirs = Side([args.python, __file__.replace("tune_table.py", "tune_peer.py"), args.model] + threads)
print(f"{ours.model['parameters'] / 1e6:.0f} M parameters, {ours.model['threads']} threads\n")
print("| step | here, tokens/s | transformers, tokens/s | ratio | asked | here, GFLOP/s | optimizer, share |")
print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
for name in args.only.split(","):
    title, case, asked = CASES[name]
    best_ours, best_theirs = None, None
    for repeat in range(args.repeats + 1):  # the first warms up
        a, b = ours.step(case, repeat), theirs.step(case, repeat)
        if repeat and (best_ours is None or a["seconds"] < best_ours["seconds"]):
            best_ours = a
        if repeat and (best_theirs is None or b["seconds"] < best_theirs["seconds"]):
            best_theirs = b
    tokens = sum(case["lengths"])
    here, there = tokens / best_ours["seconds"], tokens / best_theirs["seconds"]
    print(f"| {title} | {here:.0f} | {there:.0f} | {here / there:.2f} | {asked} | {best_ours['flops'] / best_ours['seconds'] / 1e9:.0f} "
          f"| {100 * best_ours['optimizer_seconds'] / best_ours['seconds']:.0f} % |", flush=True)
print(f"\nPeak memory: {ours.peak:.0f} MiB here, {theirs.peak:.0f} MiB there.")
