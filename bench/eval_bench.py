"""Measures `cambium eval` beside lm-evaluation-harness's `hf` model on the CPU and prints a Markdown table.

usage: eval_bench.py MODEL_FOLDER --data-root DIR [--cambium build/release/bin/cambium] [--threads N] [--rounds N] [--batch-size N]
                     [--dtype bfloat16] [--only csqa,hellaswag,gsm8k,heads] [--no-peer] [--times FILE]

DIR holds commonsense_qa/, hellaswag/ and gsm8k/ as tasks/README.md names them. Task files that both programs read are written into a
temporary folder. Times are of the evaluation alone (requests, tokenization, computing, scores): both programs have loaded the model
before; the best of the rounds counts. The floor is what this machine needs at the least for the tokens that have to be computed:
their floating-point operations at the rate that a loop of nothing but bfloat16 (or float32) dot products reaches, and for generations
the reading of the weights once a step at the rate of a loop that only reads (bench/engine_bench measures both). lm_eval 0.4.13 must be
importable by the Python that runs this. With --times every measurement is kept in FILE as it is made: a bench that was stopped, or
ran with --no-peer, goes on with the same command and measures only what is missing.

The case `heads` is a study of every attention head on 50 questions with two options: the whole command `cambium heads` beside one
evaluation of the same questions for each head, by the command `cambium eval` (as a whole, the best of five) and by lm_eval.
"""
import argparse
import glob
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

AIMS = {"csqa": 8, "hellaswag": 2, "gsm8k": 4}


def rows(root, *names):
    for name in names:
        for path in (pathlib.Path(root) / name, pathlib.Path(root) / (name + ".gz")):
            if path.exists():
                with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
                    return [json.loads(line) for line in file if line.strip()]
    sys.exit(f"eval_bench: none of {', '.join(names)} below {root}")


def hellaswag_text(text):
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def csqa_row(row):
    return {"question": row["question"], "choices": row["choices"]["text"], "gold": row["choices"]["label"].index(row["answerKey"])}


def two_options(row):
    """The right answer and the one after it, in the order of the question."""
    kept = sorted({row["gold"], (row["gold"] + 1) % len(row["choices"])})
    return {"question": row["question"], "choices": [row["choices"][i] for i in kept], "gold": kept.index(row["gold"])}


def hellaswag_row(row):
    context = row["ctx_a"] + " " + row["ctx_b"].capitalize()
    return {"query": hellaswag_text(row["activity_label"] + ": " + context), "choices": [hellaswag_text(e) for e in row["endings"]],
            "gold": int(row["label"])}


def task_file(name, **entries):
    files = {"train": f"{name}_train.jsonl", "test": f"{name}_test.jsonl"}
    common = {"task": f"bench_{name}", "dataset_path": "json", "dataset_kwargs": {"data_files": files}, "training_split": "train",
              "test_split": "test", "fewshot_split": "train", "fewshot_config": {"sampler": "first_n"}}
    return json.dumps({**common, **entries}, indent=1)  # JSON is YAML


def write_cases(folder, root):
    """Name -> (task name, examples, rows)."""
    acc = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
    csqa = [csqa_row(row) for row in rows(root, "commonsense_qa/validation.jsonl", "commonsense_qa/dev.jsonl")]
    hellaswag = [hellaswag_row(row) for row in
                 rows(root, "hellaswag/validation.jsonl", "hellaswag/val.jsonl", "hellaswag/val_2000.jsonl")]
    gsm8k, gsm8k_train = rows(root, "gsm8k/test.jsonl"), rows(root, "gsm8k/train.jsonl", "gsm8k/train_200.jsonl")
    parts = {"csqa": (csqa[100:105], csqa[:100]), "hellaswag": (hellaswag[100:105], hellaswag[:100]),
             "gsm8k": (gsm8k_train[:5], gsm8k[:16]),
             "heads": ([two_options(row) for row in csqa[50:55]], [two_options(row) for row in csqa[:50]])}
    for name, (train, test) in parts.items():
        for part, content in (("train", train), ("test", test)):
            with open(folder / f"{name}_{part}.jsonl", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in content)
    (folder / "tasks").mkdir()
    (folder / "tasks/csqa.yaml").write_text(task_file(
        "csqa", output_type="multiple_choice", doc_to_text="Question: {{question}}\nAnswer:", doc_to_target="gold",
        doc_to_choice="choices", metric_list=acc))
    (folder / "tasks/hellaswag.yaml").write_text(task_file(
        "hellaswag", output_type="multiple_choice", doc_to_text="{{query}}", doc_to_target="gold", doc_to_choice="choices",
        metric_list=acc))
    (folder / "tasks/gsm8k.yaml").write_text(task_file(
        "gsm8k", output_type="generate_until", doc_to_text="Question: {{question}}\nAnswer:", doc_to_target="{{answer}}",
        generation_kwargs={"until": ["Question:"], "do_sample": False, "max_gen_toks": 96},
        filter_list=[{"name": "flexible-extract", "filter": [
            {"function": "regex", "group_select": -1, "regex_pattern": "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {"function": "take_first"}]}],
        metric_list=[{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True,
                      "regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"]}]))
    (folder / "tasks/heads.yaml").write_text(task_file(
        "heads", output_type="multiple_choice", doc_to_text="Question: {{question}}\nAnswer:", doc_to_target="gold",
        doc_to_choice="choices", metric_list=acc))
    return {"csqa": ("bench_csqa", 5, 100), "hellaswag": ("bench_hellaswag", 0, 100), "gsm8k": ("bench_gsm8k", 5, 16),
            "heads": ("bench_heads", 0, 50)}


def value_of(results, task):
    return next(value for key, value in results["results"][task].items() if "," in key and "_stderr" not in key)


def run_ours(args, folder, task, shots):
    command = [args.cambium, "eval", args.model, "--tasks", task, "--include_path", "tasks", "--num_fewshot", str(shots), "--dtype",
               args.dtype, "--threads", str(args.threads), "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"eval_bench: {' '.join(command)}: {done.stderr.strip()}")
    results = json.loads(done.stdout)
    return float(results["total_evaluation_time_seconds"]), value_of(results, task), results["cambium_work"]


PEER = r"""
import json, os, sys, time
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="true")
import logging, torch, lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
model, dtype, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
logging.disable(logging.WARNING)
torch.set_num_threads(threads)
lm = HFLM(pretrained=model, dtype=dtype, device="cpu", batch_size=batch)
tasks = TaskManager(include_path="tasks", include_defaults=False)
print("{}", flush=True)
for line in sys.stdin:
    task, shots = json.loads(line)
    begin = time.perf_counter()
    result = lm_eval.simple_evaluate(model=lm, tasks=[task], num_fewshot=shots, bootstrap_iters=0, task_manager=tasks, log_samples=False)
    print(json.dumps([time.perf_counter() - begin, {"results": {task: {k: v for k, v in result["results"][task].items() if k != "alias"}}}]),
          flush=True)
"""


def command_seconds(args, folder, *words):
    begin = time.perf_counter()
    done = subprocess.run([args.cambium, *words, "--include_path", "tasks", "--dtype", args.dtype, "--threads", str(args.threads), "--json"],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"eval_bench: cambium {' '.join(words)}: {done.stderr.strip()}")
    return time.perf_counter() - begin, json.loads(done.stdout)


def print_heads(args, folder, times, peer, task):
    name = f"heads, {args.dtype}, {args.threads} threads"
    config = json.loads((pathlib.Path(args.model) / "config.json").read_text())
    heads = config["num_hidden_layers"] * config["num_attention_heads"]
    one = min(times.measured(f"{name}: eval", 5, lambda: command_seconds(args, folder, "eval", args.model, "--tasks", task)[0]))
    study = times.measured(f"{name}: study", 1, lambda: command_seconds(args, folder, "heads", args.model, "--tasks", task)[0])[0]
    theirs = peer and min(t[0] for t in times.measured(f"{name}: lm-eval, batch {args.batch_size}", 2, lambda: peer.run(task, 0)))
    print(f"\n{heads} heads, 50 questions with two options: the study {study:.1f} s; {heads} evaluations {heads * one:.1f} s "
          f"({heads * one / study:.2f} x, aim 2.5)" + (f"; {heads} by lm-eval {heads * theirs:.0f} s ({heads * theirs / study:.1f} x)"
                                                      if theirs else ""), flush=True)


class Peer:
    def __init__(self, args, folder):
        self.process = subprocess.Popen([sys.executable, "-c", PEER, args.model, args.dtype, str(args.batch_size), str(args.threads)],
                                        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith(("{}", "[")):
                return json.loads(line)
        sys.exit(f"eval_bench: lm_eval ended early with status {self.process.wait()}")

    def run(self, task, shots):
        self.process.stdin.write(json.dumps([task, shots]) + "\n")
        self.process.stdin.flush()
        seconds, results = self.answer()
        return seconds, value_of(results, task)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ceilings(args):
    """Operations and bytes a second at best, and the model's sizes, from engine_bench."""
    program = pathlib.Path(args.cambium).parent / "engine_bench"
    if not program.exists():
        return None
    process = subprocess.Popen([program, args.model, "--threads", str(args.threads), "--dtype", args.dtype], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    facts = json.loads(process.stdout.readline())
    process.stdin.close()
    process.wait()
    return facts


def floor_seconds(facts, work, name):
    if facts is None:
        return None
    operations = facts["bf16_operations_per_second"] or facts["float_operations_per_second"]
    run = facts["layer_weights"] * (work["computed_tokens"] + work["generated_tokens"])
    computing = 2 * (run + facts["head_weights"] * work["answer_tokens"]) / operations
    if name != "gsm8k":
        return computing
    steps = work["generated_tokens"] / 16
    return computing + steps * 2 * (facts["layer_weights"] + facts["head_weights"]) / facts["bytes_per_second"]


class Times:
    """Measurements by name, kept in a file if there is one."""

    def __init__(self, file):
        self.file = pathlib.Path(file) if file else None
        self.known = json.loads(self.file.read_text()) if self.file and self.file.exists() else {}

    def measured(self, name, rounds, measure):
        made = self.known.setdefault(name, [])
        while len(made) < rounds:
            made.append(measure())
            if self.file:
                partial = self.file.with_suffix(".partial")
                partial.write_text(json.dumps(self.known, indent=1))
                partial.replace(self.file)
        return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--cambium", default="build/release/bin/cambium")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--only", default="csqa,hellaswag,gsm8k")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--times", help="JSON file of measurements, to go on from")
    args = parser.parse_args()
    args.cambium, args.model = os.path.abspath(args.cambium), os.path.abspath(args.model)
    facts = ceilings(args)
    print("| task | lm-eval hf, s | ours, s | ratio | aim | lm-eval's score | ours | tokens asked | computed | generated | floor, s | ours / floor |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        cases = write_cases(folder, args.data_root)
        times, peer = Times(args.times), None
        for case in args.only.split(","):
            task, shots, _ = cases[case]
            if case == "heads":
                peer = peer or (None if args.no_peer else Peer(args, folder))
                print_heads(args, folder, times, peer, task)
                continue
            name = f"{case}, {args.dtype}, {args.threads} threads"
            ours, theirs = [], []
            for done in range(1, args.rounds + 1):  # in turns
                ours = times.measured(f"{name}: ours", done, lambda: run_ours(args, folder, task, shots))
                if args.no_peer:
                    continue
                if peer is None and len(times.known.get(f"{name}: lm-eval, batch {args.batch_size}", [])) < args.rounds:
                    peer = Peer(args, folder)
                time.sleep(0.3)
                theirs = times.measured(f"{name}: lm-eval, batch {args.batch_size}", done, lambda: peer.run(task, shots))
            best, (_, score, work) = min(o[0] for o in ours), ours[0]
            other = min((t[0] for t in theirs), default=None)
            floor = floor_seconds(facts, work, case)
            text = lambda number, form: "-" if number is None else format(number, form)
            print(f"| {case} | {text(other, '.2f')} | {best:.2f} | {text(other and other / best, '.1f')} | >= {AIMS[case]} | "
                  f"{text(theirs[0][1] if theirs else None, '.3f')} | {score:.3f} | {work['prompt_tokens']} | {work['computed_tokens']} | "
                  f"{work['generated_tokens']} | {text(floor, '.2f')} | {text(floor and best / floor, '.2f')} |", flush=True)
        if peer:
            peer.close()


if __name__ == "__main__":
    main()
