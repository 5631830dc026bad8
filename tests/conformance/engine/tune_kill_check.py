#!/usr/bin/env python3
"""A tuning run killed at random moments and resumed gives the losses and the weights of an undisturbed one, bit by bit.

usage: tune_kill_check.py CAMBIUM [--kills 12] [--seed 0]
The model is the small Llama of tests/golden/training. Three runs (all weights with an average of them and a followed text, of which
the best point is kept; an adapter; bfloat16 weights with stochastic rounding) are made undisturbed first; then each is killed (SIGKILL)
after a random part of that time and resumed, again and again. In the end the losses in metrics.jsonl must have the same bits, the
followed curve the same points, and every file of the output the same SHA-256. A moment counts as a kill only if the run was still going.
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "training" / "llama"
RUNS = {
    "averaged": {"dtype": "float32", "train": {"ema": 0.9},
                 "track": {"texts": ["kept.txt"], "every_tokens": 1500, "best": "perplexity kept"}},
    "adapter": {"dtype": "float32", "train": {"lora": {"rank": 4, "targets": ["q_proj", "down_proj"], "dropout": 0.1}}},
    "stochastic": {"dtype": "bfloat16", "train": {"precision": "stochastic"}},
}
failures = []


def check(good, message):
    if not good:
        failures.append(message)
        print("FAILED " + message)


def write_run(work, name, own):
    config = {"model": str(GOLDEN), "output": f"{name}", "seed": 3, "threads": 1, "context": 128,
              "sources": [{"name": "talk", "path": "talk.jsonl", "share": 0.5, "repeat": "unlimited"},
                          {"name": "text", "path": "text.jsonl", "share": 0.5, "repeat": "unlimited"}],
              "mixture": {"budget": 12000}, "checkpoint": {"every_steps": 3}, **own}
    config["train"] = {"batch_tokens": 300, "learning_rate": 2e-3, **own["train"]}
    (work / f"{name}.yml").write_text(json.dumps(config))


def digests(folder):
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def numbers(work, name):
    """Bits of each step's loss and gradient norm, and the points of the curves."""
    rows = [json.loads(line) for line in (work / f"{name}.tuning" / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["step"], float(row["loss"]).hex(), float(row["gradient_norm"]).hex()) for row in rows if "loss" in row]
    return steps, [(row["step"], row["curve"], float(row["value"]).hex()) for row in rows if "curve" in row]


def command(cambium, name, *options):
    return [cambium, "tune", f"{name}.yml", "--json", *options]


def tune(cambium, work, name, *options):
    return subprocess.run(command(cambium, name, *options), cwd=work, capture_output=True, text=True)


def check_run(cambium, work, name, kills, moments):
    began = time.monotonic()
    result = tune(cambium, work, name)
    seconds = time.monotonic() - began
    if result.returncode != 0:
        check(False, f"{name}: {result.stderr.strip()}")
        return 0
    want, want_files = numbers(work, name), digests(work / name)
    shutil.rmtree(work / name)
    shutil.rmtree(work / f"{name}.tuning")
    killed = attempts = 0
    while killed < kills and attempts < 4 * kills:
        attempts += 1
        process = subprocess.Popen(command(cambium, name, "--resume"), cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, seconds))
        running = process.poll() is None
        process.kill()
        process.wait()
        killed += running
        if not running:
            # It came through: compared, and begun anew.
            check(numbers(work, name) == want and digests(work / name) == want_files, f"{name}: other numbers or weights")
            shutil.rmtree(work / name)
            shutil.rmtree(work / f"{name}.tuning")
    result = tune(cambium, work, name, "--resume")
    check(result.returncode == 0, f"{name}: {result.stderr.strip()}")
    got = numbers(work, name)
    check(got[0] == want[0], f"{name}: other losses than undisturbed")
    check(got[1] == want[1], f"{name}: other curves than undisturbed")
    check(digests(work / name) == want_files, f"{name}: other weights than undisturbed")
    left = [file.name for file in (work / f"{name}.tuning").iterdir() if file.name.startswith(("checkpoint", "best", "."))]
    check(not left, f"{name}: left behind {left}")
    return killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cambium")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cambium, moments = str(pathlib.Path(options.cambium).resolve()), random.Random(options.seed)
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        talk = [{"conversations": [{"from": "human", "value": f"what is {i}?"}, {"from": "gpt", "value": f"it is {i * i % 17}"}]} for i in range(50)]
        text = [{"text": f"line {i * 7 % 60} of a short text, {i} words"} for i in range(50)]
        for name, rows in (("talk", talk), ("text", text)):
            (work / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (work / "kept.txt").write_text("some other words that nobody trains on, again and again and again")
        for name, own in RUNS.items():
            write_run(work, name, own)
            killed += check_run(cambium, work, name, max(1, options.kills // len(RUNS)), moments)
    print(f"tune_kill: {killed} kills, {len(failures)} failures")
    sys.exit(bool(failures))


main()
