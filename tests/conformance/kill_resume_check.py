#!/usr/bin/env python3
"""A merge killed at random moments and resumed gives the bytes of an undisturbed one; so do 1, 2 and 4 threads.

usage: kill_resume_check.py CAMBIUM [--kills 20] [--seed 0]
The models come from make_pair, which lies beside the program. Each of three recipes (sums, ranks, random masks over a vocabulary of its
own) is run undisturbed first; then it is killed (SIGKILL) after a random part of that time, twice in a row now and then, and resumed with
another number of threads. Every file of the output must have the same SHA-256 as before. Moments are counted as kills only if the
merge was still running.
"""
import argparse
import hashlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

RECIPES = {
    "ties": "merge_method: ties\nbase_model: base\nparameters: {weight: 0.5, density: 0.3}\n"
            "models: [{model: ft1}, {model: ft2}]\ndtype: bfloat16\n",
    "della": "merge_method: della\nbase_model: base\nparameters: {weight: 0.5, density: 0.5, epsilon: 0.1}\n"
             "models: [{model: ft1}, {model: ft2}]\ndtype: float32\n",
    "recover": "merge_method: recover\nbase_model: base\nmodels: [{model: mllm}]\n"
               "parameters: {alpha: 0.5, density: 0.2}\nscope: model\n",
}
failures = []


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def merge(cambium, work, recipe, out, *options):
    return subprocess.run([cambium, "merge", recipe, "-o", out, *options], cwd=work, capture_output=True, text=True)


def check(good, message):
    if not good:
        failures.append(message)


def killed_once(cambium, work, recipe, out, delay, *options):
    """Starts a merge and kills it after `delay` seconds. Was it still running?"""
    process = subprocess.Popen([cambium, "merge", recipe, "-o", out, *options], cwd=work, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(delay)
    running = process.poll() is None
    process.kill()
    process.wait()
    return running


def check_recipe(cambium, work, name, kills, moments):
    recipe = f"{name}.yml"
    (work / recipe).write_text(RECIPES[name])
    # The folder's own name stands in the model card: the outputs to compare have the same.
    reference, other, out = (work / place / "merged" for place in ("reference", "other", "out"))
    for folder in (reference, other, out):
        folder.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    result = merge(cambium, work, recipe, reference, "--threads", "2")
    seconds = time.monotonic() - began
    if result.returncode != 0:
        failures.append(f"{name}: {result.stderr.strip()}")
        return 0
    want = digests(reference)
    for threads in ("1", "4"):
        merge(cambium, work, recipe, other, "--threads", threads)
        check(digests(other) == want, f"{name}: {threads} threads give other bytes than 2")
        shutil.rmtree(other)

    killed = attempts = 0
    while killed < kills and attempts < 5 * kills:
        attempts += 1
        running = killed_once(cambium, work, recipe, out, moments.uniform(0, seconds), "--threads", "1")
        killed += running
        if running and attempts % 3 == 0:
            killed += killed_once(cambium, work, recipe, out, moments.uniform(0, seconds), "--threads", "4", "--resume")
        check(not out.exists() or digests(out) == want, f"{name}: a killed merge left something else under the final name")
        if not out.exists():
            result = merge(cambium, work, recipe, out, "--resume", "--threads", moments.choice("124"))
            check(result.returncode == 0, f"{name}: resuming failed: {result.stderr.strip()}")
            check(out.exists() and digests(out) == want, f"{name}: other bytes after resuming")
        check([file.name for file in out.parent.iterdir()] == ["merged"], f"{name}: something is left behind")
        shutil.rmtree(out.parent)
        out.parent.mkdir()
    shutil.rmtree(reference)
    return killed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cambium", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=20, help="over all recipes, at least")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cambium = args.cambium.resolve()
    moments = random.Random(args.seed)
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_pair = cambium.parent / "make_pair"
        for seed, (llm, mllm) in enumerate((("base", "mllm"), ("ft1", "unused1"), ("ft2", "unused2"))):
            subprocess.run([make_pair, f"pair{seed}", "--hidden", "512", "--seed", str(seed)], cwd=work, check=True,
                           capture_output=True)
            (work / f"pair{seed}/base").rename(work / llm)
            (work / f"pair{seed}/mllm").rename(work / mllm)
        for name in RECIPES:
            killed += check_recipe(cambium, work, name, -(-args.kills // len(RECIPES)), moments)
    check(killed >= args.kills, f"only {killed} merges were still running when they were killed")
    print("\n".join(failures) or f"{killed} killed merges resumed to the same bytes; 1, 2 and 4 threads agree")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
