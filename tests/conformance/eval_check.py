"""`cambium eval` against lm-evaluation-harness 0.4.13. usage: eval_check.py CAMBIUM

- every sample of the recorded runs of tests/golden/lm_eval: prompts equal, log-likelihoods within float32's noise, generations equal
- a run that is killed with SIGKILL and started again computes only what is missing and gives the same numbers
- where lm_eval can be imported: its result and sample files beside ours, hashes included
"""
import glob
import gzip
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/lm_eval"
problems = []


def close(got, wanted):
    return abs(got - wanted) <= 1e-3 + 1e-5 * abs(wanted)


def expect(condition, text):
    if not condition:
        problems.append(text)


def evaluate(cambium, *options, cwd=GOLDEN):
    return subprocess.run([cambium, "eval", *map(str, options)], cwd=cwd, capture_output=True, text=True)


def samples_of(folder, task):
    files = glob.glob(f"{folder}/**/samples_{task}_2*.jsonl", recursive=True)
    return [json.loads(line) for line in open(files[0], encoding="utf-8")] if files else []


def recorded_runs(cambium, work):
    compared = 0
    for run in json.load(open(GOLDEN / "runs.json")):
        out = work / run["name"]
        options = ["tiny_llama", "--tasks", ",".join(run["tasks"]), "--include_path", "tasks", "--num_fewshot", run["num_fewshot"],
                   "--output_path", out, "--log_samples", "--dtype", "float32"]
        options += ["--apply_chat_template"] if run.get("chat") else []
        options += ["--fewshot_as_multiturn"] if run.get("multiturn") else []
        options += ["--system_instruction", run["system"]] if run.get("system") else []
        options += ["--max_length", run["max_length"]] if run.get("max_length") else []
        done = evaluate(cambium, *options)
        expect(done.returncode == 0, f"{run['name']}: exit {done.returncode}: {done.stderr.strip()}")
        for path in sorted((GOLDEN / "results/tiny_llama" / run["name"]).glob("samples_*.jsonl.gz")):
            task = path.name[len("samples_"):-len(".jsonl.gz")]
            rows = [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]
            ours = samples_of(out, task)
            expect(len(rows) == len(ours), f"{run['name']}/{task}: {len(ours)} samples for {len(rows)}")
            for want, got in zip(rows, ours):
                where = f"{run['name']}/{task}/{want['doc_id']}"
                for i, arguments in enumerate(want["arguments"]):
                    prompt = [got["arguments"][f"gen_args_{i}"][f"arg_{j}"] for j in range(len(arguments))]
                    expect(prompt == arguments, f"{where}: another prompt")
                for a, b in zip(want["resps"], got["resps"]):
                    a, b = a[0], b[0]
                    compared += 1
                    if isinstance(a, str):
                        expect(a == b, f"{where}: generated {b!r} for {a!r}")
                    elif isinstance(a, list):
                        expect(close(float(b[0]), a[0]) and b[1] == str(a[1]), f"{where}: {b} for {a}")
                    else:
                        expect(close(float(b), a), f"{where}: {b} for {a}")
    return compared


def killed_run(cambium, work):
    """Stops a run in its middle, goes on, and compares with a run that was not stopped."""
    folder = work / "killed"
    (folder / "tasks").mkdir(parents=True)
    with open(folder / "rows.jsonl", "w", encoding="utf-8") as file:
        for i in range(4000):
            file.write(json.dumps({"q": f"What is {i} plus {i * 7 % 13}? " * 4, "c": [str(i), str(i + i * 7 % 13), "none"], "a": 1}) + "\n")
    (folder / "tasks/sums.yaml").write_text(json.dumps(
        {"task": "sums", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}}, "test_split": "test",
         "output_type": "multiple_choice", "doc_to_text": "{{q}}", "doc_to_choice": "c", "doc_to_target": "a",
         "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]}))
    options = [GOLDEN / "tiny_llama", "--tasks", "sums", "--include_path", "tasks", "--dtype", "float32", "--json"]
    whole = json.loads(evaluate(cambium, *options, cwd=folder).stdout)
    command = [cambium, "eval", *map(str, options), "--store", "runs.db"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stored = 0
    while process.poll() is None and stored == 0:
        time.sleep(0.05)
        try:
            with sqlite3.connect(f"file:{folder / 'runs.db'}?mode=ro", uri=True, timeout=1) as store:
                stored = store.execute("SELECT count(*) FROM response").fetchone()[0]
        except sqlite3.Error:
            pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(0 < stored < 12000, f"the run was killed with {stored} of 12000 answers stored: nothing is shown by that")
    resumed = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout)
    computed = resumed["cambium_work"]["computed_questions"]
    expect(computed <= 12000 - stored, f"{computed} of 12000 computed again although {stored} were stored")
    expect(resumed["results"] == whole["results"], "a killed and resumed run gives other numbers")
    again = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout)
    expect(again["cambium_work"]["computed_questions"] == 0 and again["results"] == whole["results"], "a third run computes again")
    return stored


def live_files(cambium, work):
    """lm_eval's files of today beside ours."""
    theirs, ours = work / "theirs", work / "ours"
    options = ["--tasks", "cam_group,cam_math,cam_prose", "--include_path", "tasks", "--num_fewshot", "2", "--limit", "3", "--log_samples"]
    environment = dict(os.environ, HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    done = subprocess.run([sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", "pretrained=tiny_llama,dtype=float32",
                           "--device", "cpu", "--output_path", theirs, *options], cwd=GOLDEN, env=environment, capture_output=True, text=True)
    expect(done.returncode == 0, f"lm_eval: {done.stderr[-400:]}")
    done = evaluate(cambium, "tiny_llama", "--dtype", "float32", "--output_path", ours, *options)
    expect(done.returncode == 0, f"cambium: {done.stderr}")
    if problems:
        return
    want, got = (json.load(open(glob.glob(f"{folder}/tiny_llama/results_*.json")[0])) for folder in (theirs, ours))
    for key in ("group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples", "task_hashes", "tokenizer_bos_token",
                "tokenizer_eos_token", "tokenizer_pad_token", "max_length"):
        expect(want[key] == got[key], f"results: {key}: {got[key]} for {want[key]}")
    for part in ("results", "groups"):
        expect(list(want[part]) == list(got[part]), f"results: {part} has {list(got[part])}")
        for name, entries in want[part].items():
            for key, value in entries.items():
                number = got[part][name].get(key)
                same = number == value or (isinstance(value, float) and abs(number - value) <= 1e-4 + 2e-5 * abs(value))
                expect(same or "perplexity_stderr" in key, f"results: {name} {key}: {number} for {value}")
    for task in want["configs"]:
        for key, value in want["configs"][task].items():
            expect(key == "metadata" or got["configs"][task].get(key) == value,
                   f"config of {task}: {key}: {got['configs'][task].get(key)} for {value}")
        for a, b in zip(samples_of(theirs, task), samples_of(ours, task), strict=True):
            expect(list(a) == list(b), f"samples of {task}: keys {list(b)} for {list(a)}")
            for key in ("doc_id", "doc", "target", "arguments", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"):
                expect(a[key] == b[key], f"samples of {task}: {key}: {b[key]!r} for {a[key]!r}")


def main():
    cambium = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        compared = recorded_runs(cambium, pathlib.Path(name))
        stored = killed_run(cambium, pathlib.Path(name))
        try:
            import lm_eval  # noqa: F401
        except ImportError:
            beside = "lm_eval is not installed: no live comparison"
        else:
            live_files(cambium, pathlib.Path(name))
            beside = "files beside lm_eval's compared"
    print(f"eval: {compared} recorded answers; killed with {stored} answers stored; {beside}; {len(problems)} problems")
    print("\n".join(problems[:10]))
    sys.exit(1 if problems or compared < 500 else 0)


if __name__ == "__main__":
    main()
