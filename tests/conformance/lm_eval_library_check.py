#!/usr/bin/env python3
"""Task files of lm-evaluation-harness's own library, asked of one model by the harness and by `cambium eval`.

usage: lm_eval_library_check.py CAMBIUM [MODEL] [--only PART] [--keep FOLDER] [--runs zero,few,chat]

The library's data would have to be downloaded; lm_eval_library_rows.json has a few made-up rows of each data set's form instead. A task of
ours includes the library's file and replaces the data set. Compared are every prompt and continuation (equal bytes), generated texts,
filtered answers, log-likelihoods (1e-3) and metrics (1e-4). Where a task file calls Python that Cambium has no built-in for, one line must
say so. Exits 77 where lm_eval is not installed.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
HERE = pathlib.Path(__file__).resolve().parent
RUNS = {
    "zero": dict(num_fewshot=0),
    "few": dict(num_fewshot=1),
    "own": dict(),
    "chat": dict(num_fewshot=1, apply_chat_template=True, fewshot_as_multiturn=True, system_instruction="Be brief."),
}
SPLITS = re.compile(r"^\s*(?:training_split|validation_split|test_split|fewshot_split|split): *['\"]?([\w.-]+)", re.M)
NEW_TOKENS = 12


def text_with_includes(path):
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"^['\"]?include['\"]?: *['\"]?([^'\"\n]+)", text, re.M):
        text += "\n" + text_with_includes(path.parent / name.strip())
    return text


def write_tasks(library, work, only):
    """Task files in work/tasks; returns {task name: (library file, whether its Python may be unknown)}."""
    tasks = {}
    (work / "tasks").mkdir()
    for key, entry in json.loads((HERE / "lm_eval_library_rows.json").read_text(encoding="utf-8")).items():
        for file in entry["files"]:
            if only and only not in file:
                continue
            source = library / file
            if not source.exists():
                print(f"not in this version of the library: {file}")
                continue
            name = "lib_" + re.sub(r"\W", "_", file.removesuffix(".yaml"))
            # Examples come in another order than questions, so that a mistaken split shows.
            rows = {split: entry["rows"][i:] + entry["rows"][:i]
                    for i, split in enumerate(sorted({s for s in SPLITS.findall(text_with_includes(source)) if s != "null"}))}
            files = {}
            for split, its_rows in rows.items():
                data = work / f"{name}_{split}.jsonl"
                data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in its_rows), encoding="utf-8")
                files[split] = str(data)
            overlay = [f"include: {source}", f"task: {name}", "dataset_path: json", "dataset_name: null",
                       "dataset_kwargs: " + json.dumps({"data_files": files})]
            (work / "tasks" / f"{name}.yaml").write_text("\n".join(overlay) + "\n", encoding="utf-8")
            tasks[name] = (file, entry.get("function", False))
    return tasks


def ours(cambium, model, work, name, run, tasks):
    out = work / f"ours_{name}"
    command = [cambium, "eval", model, "--tasks", *tasks, "--include_path", str(work / "tasks"), "--output_path", str(out), "--log_samples",
               "--dtype", "float32", "--gen_kwargs", f"max_gen_toks={NEW_TOKENS}"]
    if "num_fewshot" in run:
        command += ["--num_fewshot", str(run["num_fewshot"])]
    if run.get("apply_chat_template"):
        command += ["--apply_chat_template", "--fewshot_as_multiturn", "--system_instruction", run["system_instruction"]]
    done = subprocess.run(command, capture_output=True, text=True)
    results = {}
    for file in out.rglob("results_*.json"):
        results = json.loads(file.read_text(encoding="utf-8"))["results"]
    samples = {}
    for file in out.rglob("samples_*.jsonl"):
        samples[re.match(r"samples_(.*)_\d{4}-", file.name).group(1)] = [json.loads(line) for line in file.open(encoding="utf-8")]
    return results, samples, done.stderr


def theirs(model, work, run, tasks):
    import lm_eval
    from lm_eval.tasks import TaskManager
    made = lm_eval.simple_evaluate(model=model, tasks=tasks, task_manager=TaskManager(include_path=str(work / "tasks"), include_defaults=False),
                                   gen_kwargs=f"max_gen_toks={NEW_TOKENS}", bootstrap_iters=0, log_samples=True, **run)
    return made["results"], made["samples"]


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if hasattr(value, "item"):
        value = value.item()
    return value


def close(a, b, limit):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y, limit) for x, y in zip(a, b))
    if str(a) == str(b):
        return True
    try:  # files have log-likelihoods as texts
        a, b = float(a), float(b)
    except (TypeError, ValueError):
        return False
    return abs(a - b) <= limit + 1e-5 * abs(b) or (a != a and b != b)


def arguments_of(sample):
    arguments = sample["arguments"]
    if isinstance(arguments, dict):  # as files have them: {"gen_args_0": {"arg_0": ..., "arg_1": ...}}
        return [[one[key] for key in sorted(one)] for one in arguments.values()]
    return [list(one) for one in arguments]


def compare(task, want, got, failures):
    """Samples of the harness and ours, sorted by filter and document."""
    key = lambda sample: (str(sample["filter"]), sample["doc_id"])
    want, got = sorted(want, key=key), sorted(got, key=key)
    if [key(s) for s in want] != [key(s) for s in got]:
        failures.append(f"{task}: samples {[key(s) for s in got]} for {[key(s) for s in want]}")
        return
    for a, b in zip(want, got):
        where = f"{task} {key(a)}"
        for i, (x, y) in enumerate(zip(arguments_of(a), arguments_of(b))):
            if [v for v in x if isinstance(v, str)] != [v for v in y if isinstance(v, str)]:
                failures.append(f"{where}: request {i}: {y!r} for {x!r}")
                return
        if len(arguments_of(a)) != len(arguments_of(b)):
            failures.append(f"{where}: {len(arguments_of(b))} requests for {len(arguments_of(a))}")
        for field in ("resps", "filtered_resps", "target"):
            if not close(plain(b[field]), plain(a[field]), 1e-3):
                failures.append(f"{where}: {field}: {b[field]!r} for {a[field]!r}")
                return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cambium")
    parser.add_argument("model", nargs="?", default=str(HERE.parent / "golden/lm_eval/tiny_llama"))
    parser.add_argument("--only", help="part of a library file's name")
    parser.add_argument("--keep", help="folder for the files that are written")
    parser.add_argument("--runs", default="own,few,chat")
    options = parser.parse_args()
    try:
        import lm_eval
        from lm_eval.models.huggingface import HFLM
    except ImportError:
        print("lm_eval is not installed")
        sys.exit(77)
    import logging
    logging.disable(logging.WARNING)
    import torch
    torch.set_num_threads(1)

    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(options.keep or temporary)
        work.mkdir(parents=True, exist_ok=True)
        os.environ["HF_DATASETS_CACHE"] = str(work / "cache")
        import datasets
        datasets.config.HF_DATASETS_CACHE = work / "cache"
        datasets.disable_progress_bars()
        tasks = write_tasks(pathlib.Path(lm_eval.__file__).parent / "tasks", work, options.only)
        model = HFLM(pretrained=options.model, dtype="float32", device="cpu", batch_size=1)
        failures, equal, python = [], 0, set()
        for name in options.runs.split(","):
            results, samples, message = ours(options.cambium, options.model, work, name, RUNS[name], list(tasks))
            known = []
            for task, (file, may_need_python) in tasks.items():
                if task in results:
                    known.append(task)
                    continue
                lines = [line for line in message.splitlines() if f"'{task}'" in line]
                if len(lines) == 1 and "Python code" in lines[0] and may_need_python:
                    python.add(file)
                else:
                    failures.append(f"{name}: {file}: no result: {lines or message[-300:]}")
            want, want_samples = theirs(model, work, RUNS[name], known)
            for task in known:
                before = len(failures)
                compare(f"{name}: {tasks[task][0]}", want_samples[task], samples.get(task, []), failures)
                for metric, value in want[task].items():
                    if "," not in metric or "stderr" in metric or not isinstance(plain(value), (int, float)):
                        continue
                    if not close(results[task].get(metric), plain(value), 1e-4):
                        failures.append(f"{name}: {tasks[task][0]}: {metric}: {results[task].get(metric)} for {value}")
                equal += len(failures) == before
    for failure in failures:
        print(failure[:1500])
    print(f"{equal} tasks equal in {options.runs}, {len(failures)} differences; Python without built-in: {', '.join(sorted(python)) or 'none'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
