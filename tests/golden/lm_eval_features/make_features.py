#!/usr/bin/env python3
"""Records what lm-evaluation-harness 0.4.13 makes of tasks/*.yaml here: prompts, scores of invented answers, groups.

    python make_features.py      # in this folder; writes features.json.gz; needs lm_eval (no model)
"""
import gzip
import hashlib
import json
import logging
import os
import random
import warnings
from collections import defaultdict

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["HF_DATASETS_CACHE"] = "/tmp/cambium_features_cache"
os.environ["DISABLE_MULTIPROC"] = "1"
from lm_eval.evaluator_utils import _process_results  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

RUNS = [
    {"name": "plain", "num_fewshot": None},
    {"name": "two", "num_fewshot": 2},
    {"name": "chat", "num_fewshot": 1, "chat": True, "multiturn": False, "system": "Be brief."},
    {"name": "turns", "num_fewshot": 2, "chat": True, "multiturn": True},
]


def chat_template(messages, add_generation_prompt=True):
    text = "".join(f"<{m['role']}>{m['content']}</{m['role']}>\n" for m in messages)
    if add_generation_prompt:
        return text + "<assistant>"
    return text[: text.rindex("</")]


def answer(task, kind, doc, index, repeat):
    """An answer invented from a hash, so that both programs score the same."""
    seed = hashlib.sha256(f"{task.config.task}|{json.dumps(doc, sort_keys=True, default=str)}|{index}|{repeat}".encode()).digest()
    rnd = random.Random(int.from_bytes(seed[:8], "big"))
    if kind == "loglikelihood":
        return (-rnd.randrange(1, 4000) / 256, rnd.random() < 0.4)
    if kind == "loglikelihood_rolling":
        return -rnd.randrange(1, 40000) / 256
    target = task.doc_to_target(doc)
    if task.config.doc_to_choice is not None:
        target = task.doc_to_choice(doc)[target]
    if isinstance(target, list):
        target = target[-1]
    return rnd.choice([f" {target}", f"The answer is {target}.", f"#### {target}\n", f"It is ({target}), I think", str(target).upper(),
                       "no idea", f"Answer: {str(target)[:1]}", f"{target} 7 and 12,5", "12", " ".join(str(target).split()[::-1])])


def build(tasks, run):
    out = {}
    for name, task in tasks.items():
        if run["num_fewshot"] is not None:
            if task.get_config("num_fewshot") != 0:
                task.set_config("num_fewshot", run["num_fewshot"])
        elif task.get_config("num_fewshot") is None:
            task.set_config("num_fewshot", 0)
        task.set_fewshot_seed(seed=1234)
        task.build_all_requests(system_instruction=run.get("system"), apply_chat_template=bool(run.get("chat")),
                                fewshot_as_multiturn=bool(run.get("multiturn")), chat_template=chat_template if run.get("chat") else None)
        out[name] = task
    return out


def record(run):
    manager = TaskManager(include_path=os.path.join(HERE, "tasks"), include_defaults=False)
    loaded = manager.load(["feat_all", "feat_alone"])
    tasks = build(loaded["tasks"], run)
    acc = {n: {"task": t, "raw_metrics": defaultdict(list), "logged_samples": []} for n, t in tasks.items()}
    result = {"tasks": {}, "groups": list(loaded["groups"])}
    for name, task in tasks.items():
        for inst in task.instances:
            inst.resps = [answer(task, inst.request_type, inst.doc, inst.idx, r) for r in range(inst.repeats)]
        task.apply_filters()
        by_doc = defaultdict(list)
        for inst in task.instances:
            by_doc[inst.doc_id].append(inst)
        rows = []
        for key in task.instances[0].filtered_resps:
            for doc_id, doc in task.doc_iterator():
                insts = sorted(by_doc[doc_id], key=lambda x: x.idx)
                metrics = task.process_results(doc, [i.filtered_resps[key] for i in insts])
                for metric, value in metrics.items():
                    acc[name]["raw_metrics"][(metric, key)].append(value)
                rows.append({"filter": key, "doc_id": doc_id, "target": task.doc_to_target(doc), "arguments": [list(i.arguments) for i in insts],
                             "resps": [i.resps for i in insts], "filtered": [i.filtered_resps[key] for i in insts],
                             "metrics": {k: v for k, v in metrics.items()}})
        result["tasks"][name] = rows
    scored = _process_results(acc, loaded["groups"], 1000)
    result["results"] = {n: {k: v for k, v in m.items() if "," in k} for n, m in scored.metrics.items()}
    return result


def plain(x):
    if hasattr(x, "tolist"):
        return x.tolist()
    return str(x)


def main():
    os.chdir(HERE)
    out = {"runs": [dict(run, **record(run)) for run in RUNS]}
    with open("features.json.gz", "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as gz:
        gz.write(json.dumps(out, ensure_ascii=False, default=plain).encode())
    for run in out["runs"]:
        print(run["name"], {k: len(v) for k, v in run["tasks"].items()})
    print(json.dumps(out["runs"][0]["results"], indent=1)[:4000])


if __name__ == "__main__":
    main()
