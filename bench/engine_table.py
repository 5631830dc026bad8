"""Measures the engine beside transformers and llama.cpp and prints a Markdown table.

usage: engine_table.py MODEL_FOLDER [--gguf FILE] [--bin build/release/bin] [--threads N] [--rounds N] [--cpu-time] [--only transformers,llama.cpp]

FILE is a GGUF with the same weights in bfloat16 (make_bf16_gguf.py). The engines are processes of their own that wait while another one
works; each round runs every engine once, in turn, on the same case. Speeds are medians over the rounds, ratios medians of each round's
ratio. Decoding is the time of a call with N new tokens less that of a call with one, prefill the time of the latter. --cpu-time
takes processor time for the clock: for a machine that others use too, with --threads 1.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

# name, rows, tokens of each prompt, new tokens
DECODING = [("decode, batch 1", 1, 32, 65), ("decode, batch 4", 4, 32, 49), ("decode, batch 16", 16, 32, 49)]
PREFILL = ("prefill 8 x 512", 8, 512)
SETTLE_SECONDS = 0.3  # threads of an engine that has just worked may still be spinning


class Worker:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.facts = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name}: ended early with status {self.process.wait()}")
        return json.loads(line)

    def run(self, case):
        time.sleep(SETTLE_SECONDS)
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def first_token_seconds(args):
    """Wall seconds from the start of a process to its end, and of loading and the first token in it."""
    whole, inner = [], []
    for _ in range(args.rounds):
        begin = time.perf_counter()
        done = subprocess.run([args.bin / "cambium", "generate", args.model, "--prompt", "Hello", "--max-new-tokens", "1", "--json", "--threads",
                               str(args.threads)], capture_output=True, text=True, check=True)
        whole.append(time.perf_counter() - begin)
        report = json.loads(done.stdout)
        inner.append(report["load_seconds"] + report["seconds"])
    return statistics.median(whole), statistics.median(inner)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--gguf")
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--only", default="transformers,llama.cpp")
    parser.add_argument("--cases", default="decode,prefill", help="parts of the cases' names")
    args = parser.parse_args()
    clock = "cpu_seconds" if args.cpu_time else "seconds"
    peers = pathlib.Path(__file__).with_name("engine_peers.py")
    threads = ["--threads", str(args.threads)]
    workers = [Worker("cambium", [args.bin / "engine_bench", args.model, "--dtype", "bfloat16", *threads])]
    for name, model in (("transformers", args.model), ("llama.cpp", args.gguf)):
        if model and name in args.only.split(","):
            workers.append(Worker(name, [sys.executable, peers, name, model, *threads]))
    facts = workers[0].facts
    rates = {}  # case -> engine -> one rate a round

    def measure(name, rows, prompt, new, context_for, seed):
        return {w: w.run({"rows": rows, "prompt": prompt, "new": new, "context_for": context_for, "seed": seed})[clock] for w in workers}

    wanted = [case for case in DECODING if any(part in case[0] for part in args.cases.split(","))]
    for name, rows, prompt, new in wanted:
        measure(name, rows, prompt, 2, new, 999)  # warm
        for i in range(args.rounds):
            one, many = (measure(name, rows, prompt, n, new, i) for n in (1, new))
            for w in workers:
                rates.setdefault(name, {}).setdefault(w.name, []).append(rows * (new - 1) / (many[w] - one[w]))
    if any(part in PREFILL[0] for part in args.cases.split(",")):
        name, rows, prompt = PREFILL
        for i in range(args.rounds):
            one = measure(name, rows, prompt, 1, 1, i)
            for w in workers:
                rates.setdefault(name, {}).setdefault(w.name, []).append(rows * prompt / one[w])
    for w in workers:
        w.close()

    operations = max(facts["float_operations_per_second"], facts["bf16_operations_per_second"])
    print(f"{args.threads} threads, bfloat16, {args.rounds} rounds, {'processor' if args.cpu_time else 'wall'} time. The machine reads "
          f"{facts['bytes_per_second'] / 1e9:.1f} GB/s and multiplies {operations / 1e9:.0f} GFLOP/s at best.\n")
    names = [w.name for w in workers]
    print("| tokens a second | " + " | ".join(names) + " | " + " | ".join(f"ratio to {n}" for n in names[1:]) + " | share of the machine's best |")
    print("|---" * (2 * len(names) + 1) + "|")
    for name, by_engine in rates.items():
        ours = by_engine["cambium"]
        speed = statistics.median(ours)
        cells = [f"{statistics.median(by_engine[n]):.0f}" for n in names]
        cells += [f"{statistics.median([a / b for a, b in zip(ours, by_engine[n])]):.2f}" for n in names[1:]]
        rows = next((case[1] for case in DECODING if case[0] == name), None)
        if rows is None:
            cells.append(f"{speed * 2 * facts['layer_weights'] / operations:.0%} of its operations")
        else:
            weights = facts["layer_weights"] + facts["head_weights"]
            cells.append(f"{speed / rows * 2 * weights / facts['bytes_per_second']:.0%} of its bytes, "
                         f"{speed * 2 * weights / operations:.0%} of its operations")
        print(f"| {name} | " + " | ".join(cells) + " |")
    whole, inner = first_token_seconds(args)
    print(f"\nTo the first token: {inner:.2f} s of loading and computing, {whole:.2f} s for the whole process.")


main()
