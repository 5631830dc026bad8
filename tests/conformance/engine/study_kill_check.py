#!/usr/bin/env python3
"""A study killed at random moments and resumed gives the numbers of an undisturbed one; so do two steps side by side, and
every step started by hand. A step that fails leaves the others going; changed inputs, a folder in use and wrong study files are told.

usage: study_kill_check.py CAMBIUM [--kills 12] [--seed 0]
The study is a tiny one: a world of a few rows, a base of 0.3 M parameters tuned on it, a graft tuned on pictures, a way back in a
sweep. The base of each run comes from its own tuning (no cache), so that every step is killed at one time or another. Weights are
compared by SHA-256, scores and contrasts to the last digit.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

STUDY = """
study: tiny
title: A study to be killed
seeds: [1]
values: {rate: 0.002, pictures: pictures/train.json}
world: {seed: "${seed}", pictures: 40, clips: 3, sounds: 3, train-rows: 60, test-rows: 12, test-media: 6, models: llama-0.3m}
bases:
  llama: {model: "${world}/initial/llama-0.3m"}
evaluate: [--threads, 1, --include_path, "${world}/tasks", --data_root, "${world}", --apply_chat_template]
tasks:
  language: {title: Language, tasks: [lab_facts, lab_deduction]}
  vision: {title: Pictures, tasks: [lab_colour, lab_shape]}
arms:
  base:
    evaluate: [language]
    tune:
      model: "${base.model}"
      output: "${out}"
      dtype: float32
      seed: "${seed}"
      context: 128
      threads: 1
      sources: [{name: skills, path: "${world}/text/skills.json", share: 1, repeat: unlimited}]
      mixture: {budget: 8000}
      train: {batch_tokens: 256, micro_tokens: 256, learning_rate: "${rate}"}
      checkpoint: {every_steps: 4}
  grafted:
    from: base
    evaluate: []
    graft:
      language: "${model}"
      seed: "${seed}"
      image: {tower: {hidden_size: 32, intermediate_size: 64, layers: 1, heads: 2, image_size: 32, patch_size: 8}}
  tuned:
    from: grafted
    tune:
      model: "${model}"
      output: "${out}"
      dtype: float32
      seed: "${seed}"
      context: 128
      threads: 1
      sources: [{name: pictures, path: "${world}/${pictures}", media: "${world}", share: 1, repeat: unlimited}]
      mixture: {budget: 8000}
      train: {batch_tokens: 256, micro_tokens: 256, learning_rate: 0.002}
      checkpoint: {every_steps: 4}
sweeps:
  back:
    grid: {alpha: [0.3, 0.8]}
    recipe: {merge_method: recover, base_model: "${arm.tuned}", models: [{model: "${arm.base}"}], parameters: {alpha: "${alpha}", density: 1}}
    reference: tuned
    target: base
    keep: vision
    gain: language
contrasts:
- {name: Pictures cost language, first: base, second: tuned, group: language, expect: lower}
measures:
  shift: {kind: shift, title: Shift, command: [shift, --base, "${arm.base}", "${arm.tuned}", --by, tensor, --json]}
"""
failures = []


def check(good, message):
    print(("ok   " if good else "FAIL ") + message, flush=True)
    if not good:
        failures.append(message)


class Study:
    def __init__(self, cambium, work):
        self.cambium, self.work = cambium, work
        self.file = work / "tiny.yml"
        self.file.write_text(STUDY)

    def command(self, out, *options):
        return [self.cambium, "study", str(self.file), "--out", str(self.work / out), "--no-cache", *options]

    def run(self, out, *options):
        return subprocess.run(self.command(out, *options), capture_output=True, text=True)

    def start(self, out, *options):
        return subprocess.Popen(self.command(out, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)

    def numbers(self, out):
        """What a report is made of, without times and folders."""
        report = json.loads((self.work / out / "study.json").read_text())
        weights = {}
        for file in sorted((self.work / out / "models").rglob("*.safetensors")):
            if ".tuning" not in str(file):
                weights[str(file.relative_to(self.work / out))] = hashlib.sha256(file.read_bytes()).hexdigest()
        return {"scores": report["scores"], "contrasts": report["contrasts"], "weights": weights}


def run_killed(study, out, kills, moments):
    """Kills the run `kills` times while it is under way, then lets it end. How many kills hit a running one?"""
    hits = 0
    while hits < kills:
        process = study.start(out)
        time.sleep(moments.uniform(0.05, 2.5))
        if process.poll() is not None:
            break
        if moments.random() < 0.5:
            process.kill()  # the runner alone: what it started must not go on behind its back
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        hits += 1
    return hits, study.run(out)


def check_numbers(study, kills, moments):
    first = study.run("reference")
    check(first.returncode == 0, "undisturbed run ends")
    if first.returncode != 0:
        print(first.stdout[-2000:], first.stderr[-2000:])
        return
    reference = study.numbers("reference")
    check(len(reference["weights"]) == 3 and len(reference["scores"]) == 2, "it has three models and both arms' scores")
    hits, last = run_killed(study, "killed", kills, moments)
    check(hits > 0, f"{hits} kills hit a running study")
    check(last.returncode == 0 and study.numbers("killed") == reference, "the same numbers and weights after the kills")
    twice = study.run("side", "--jobs", "2")
    check(twice.returncode == 0 and study.numbers("side") == reference, "the same with --jobs 2")
    plan = json.loads(study.run("hand", "--dry-run", "--json").stdout)
    done = [study.run("hand", "--step", step["step"]).returncode for step in plan["steps"]]
    report = subprocess.run([study.cambium, "report", str(study.work / "hand")], capture_output=True, text=True)
    check(set(done) == {0} and report.returncode == 0 and study.numbers("hand") == reference,
          "the same with every step by hand")
    states = [step["state"] for step in json.loads(study.run("hand", "--dry-run", "--json").stdout)["steps"]]
    check(set(states) == {"done"}, "all is done then")


def check_failures(study):
    broken = study.run("reference", "--set", "values.pictures=pictures/lost.json")
    report = (study.work / "reference/report.md").read_text()
    check(broken.returncode == 1 and "lost.json" in broken.stderr, "a failing step ends with 1 and its reason")
    check("inputs have changed" in broken.stderr and "llama/s1/tuned/tune" in broken.stderr,
          "what has changed is listed")
    base_scores = json.loads((study.work / "reference/study.json").read_text())["scores"]
    check([row["arm"] for row in base_scores] == ["base"], "the arms that do not need it have their scores")
    check("llama/s1/tuned/tune" in report and "lost.json" in report, "the report says what is missing and why")
    repaired = study.run("reference")
    check(repaired.returncode == 0 and study.numbers("reference") == study.numbers("side"),
          "the old inputs again give the old numbers")
    held = study.start("busy")
    deadline = time.time() + 30
    while not (study.work / "busy/.lock").exists() and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    second = study.run("busy")
    still = held.poll() is None
    held.kill()
    held.wait()
    check(not still or (second.returncode == 2 and "in use" in second.stderr), "a folder in use is refused")


def check_wrong_files(study):
    wrong = [
        ("from: grafted", "from: grafed", 1, ["grafed", "grafted", "line"]),
        ("second: tuned", "second: tunes", 1, ["tunes", "tuned"]),
        ("group: language,", "group: langage,", 1, ["langage", "language"]),
        ('base_model: "${arm.tuned}"', 'base_model: "${arm.tunde}"', 1, ["tunde", "tuned"]),
        ("from: base\n", "from: tuned\n", 1, ["needs itself"]),
        ("${rate}", "${rat}", 1, ["rat", "rate"]),
        ("tasks: [lab_facts, lab_deduction]", "tasks: [lab_fact, lab_deduction]", 1, ["lab_fact", "lab_facts"]),
    ]
    for old, new, code, words in wrong:
        study.file.write_text(STUDY.replace(old, new, 1))
        outcome = study.run("wrong", *([] if "lab_fact," in new else ["--dry-run"]))
        check(outcome.returncode == code and all(word in outcome.stderr for word in words),
              f"'{new.strip()}' is refused: {outcome.stderr.strip()[:150]}")
    study.file.write_text(STUDY)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cambium")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Study(str(pathlib.Path(arguments.cambium).resolve()), pathlib.Path(folder))
        check_numbers(study, arguments.kills, random.Random(arguments.seed))
        if not failures:
            check_failures(study)
            check_wrong_files(study)
    print(f"study_kill_check: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
