#!/usr/bin/env python3
"""Invents data in the layout that tasks/README.md describes, and records what lm-evaluation-harness 0.4.13's tasks of the
same names make of it: prompts, targets, scores of invented answers.

    python make_prompts.py       # in this folder; writes data/ and prompts.json.gz; needs lm_eval (no model)
"""
import gzip
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lm_eval_features"))
from make_features import answer, plain  # noqa: E402
import lm_eval.tasks  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402
from lm_eval.tasks._yaml_loader import load_yaml  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REFERENCE = pathlib.Path(lm_eval.tasks.__file__).parent
SHIPPED = HERE.parents[2] / "tasks"
rnd = random.Random(7)
NOUNS = "lamp river orange violin clock harbour goat cloud kettle ladder".split()
ADJECTIVES = "small bright old quiet heavy green".split()
LETTERS = "ABCDE"


def thing():
    return f"{rnd.choice(ADJECTIVES)} {rnd.choice(NOUNS)}"


def things(n):
    made = []
    while len(made) < n:
        one = thing()
        if one not in made:
            made.append(one)
    return made


def gsm8k():
    a, b = rnd.randrange(3, 40), rnd.randrange(1000, 3000)
    return {"question": f"Nil has {a} {thing()}s and buys {b} more. How many are there? ",
            "answer": f"There are {a}+{b}=<<{a}+{b}={a + b}>>{a + b}.\n#### {a + b:,}"}


def commonsense_qa():
    return {"id": f"{rnd.getrandbits(64):x}", "question": f" Where would one keep a {thing()}?", "question_concept": thing(),
            "choices": {"label": list(LETTERS), "text": things(5)}, "answerKey": rnd.choice(LETTERS)}


def hellaswag():
    return {"ind": rnd.randrange(99), "activity_label": "Mending a roof", "ctx_a": f"[header] How to carry a {thing()} [title] Lift it.",
            "ctx_b": "she", "ctx": "", "endings": [f"puts down the {t} [substeps] Now [step] rest." for t in things(4)],
            "source_id": "x", "split": "val", "split_type": "indomain", "label": str(rnd.randrange(4))}


def arc_test(n=4):
    return {"id": f"q{rnd.randrange(999)}", "query": f"Question: What does a {thing()} need?\nAnswer:", "choices": things(n), "gold": rnd.randrange(n)}


def arc_validation(digits=False):
    labels = list("1234" if digits else "ABCD")
    return {"id": f"v{rnd.randrange(999)}", "question": f"Which is nearest to a {thing()}?", "choices": {"text": things(4), "label": labels},
            "answerKey": rnd.choice(labels)}


def openbook_validation():
    row = arc_validation()
    row["question_stem"] = row.pop("question")
    return row


def piqa():
    return {"goal": f"move a {thing()}", "sol1": f"use a {thing()}.", "sol2": f"wait for the {thing()}.", "label": rnd.randrange(2)}


def winogrande():
    a, b = things(2)
    return {"sentence": f"The {a} would not fit behind the {b} because the _ was too wide. ", "option1": a, "option2": b,
            "answer": rnd.choice("12")}


def boolq():
    return {"question": f"is a {thing()} a machine", "answer": rnd.random() < 0.5, "passage": f"A {thing()} stood there. It was a machine."}


def truthfulqa():
    a = things(5)
    return {"question": f"What happens to a {thing()}?", "mc1_targets": {t: int(i == 0) for i, t in enumerate(a[:4])},
            "mc2_targets": {t: int(i < 2) for i, t in enumerate(a)}}


def mmlu(subject):
    return {"question": f" Which {subject[:4]} is a {thing()}?\n", "subject": subject, "choices": things(4), "answer": rnd.randrange(4)}


def bbh():
    return {"input": f"Is a {thing()} before a {thing()}?\nOptions:\n- Yes\n- No", "target": rnd.choice(["Yes", "No"])}


def aqua():
    return {"question": f"How many {thing()}s weigh as much as two?", "options": [f"{c}){rnd.randrange(99)}" for c in LETTERS],
            "rationale": "Weigh them.", "correct": rnd.choice(LETTERS)}


def strategyqa():
    return {"query": f"Q: Could a {thing()} swim?\nA:", "choices": ["Yes", "No"], "gold": rnd.randrange(2)}


def ifeval():
    return {"key": rnd.randrange(1000, 9999), "prompt": f"Describe a {thing()} in capital letters, without commas.",
            "instruction_id_list": ["punctuation:no_comma", "change_case:english_capital"], "kwargs": [{}, {}]}


def svamp():
    a = rnd.randrange(10, 40)
    return {"ID": f"chal-{a}", "Body": f"A {thing()} costs {a} coins", "Question": "What do 2 cost?", "Equation": f"( {a}.0 * 2.0 )",
            "Answer": 2.0 * a, "Type": "Multiplication"}


def strategyqa_dev():
    return {"qid": f"{rnd.getrandbits(40):x}", "term": thing(), "description": "a thing", "question": f"Is a {thing()} alive?",
            "answer": rnd.random() < 0.5, "facts": [], "decomposition": [], "evidence": []}


def vqa():
    return {"question_id": rnd.randrange(9999), "image_id": 17, "image": "images/17.jpg", "question": f"Where is the {thing()}?",
            "answers": [{"answer": "left", "answer_id": i} for i in range(10)], "multiple_choice_answer": "left"}


def subjects():
    return sorted(path.stem[len("mmlu_"):] for path in (SHIPPED / "mmlu").glob("mmlu_*.yaml"))


def families():
    return sorted(path.stem[len("bbh_cot_fewshot_"):] for path in (SHIPPED / "bbh").glob("bbh_cot_fewshot_*.yaml"))


def invent():
    """Local file: its rows."""
    data = {
        "gsm8k/train_200.jsonl": [gsm8k() for _ in range(30)], "gsm8k/test.jsonl": [gsm8k() for _ in range(3)],
        "commonsense_qa/dev.jsonl": [commonsense_qa() for _ in range(8)],
        "hellaswag/val_2000.jsonl": [hellaswag() for _ in range(5)],
        "arc_easy/validation.jsonl": [arc_validation(i == 1) for i in range(4)], "arc_easy/test.jsonl": [arc_test() for _ in range(3)] + [arc_test(3)],
        "arc_challenge/validation.jsonl": [arc_validation() for _ in range(4)], "arc_challenge/test.jsonl": [arc_test(), arc_test(5)],
        "openbookqa/validation.jsonl": [openbook_validation() for _ in range(4)], "openbookqa/test.jsonl": [arc_test() for _ in range(3)],
        "piqa/train.jsonl": [piqa() for _ in range(4)], "piqa/validation.jsonl": [piqa() for _ in range(3)],
        "winogrande/validation.jsonl": [winogrande() for _ in range(5)], "boolq/validation.jsonl": [boolq() for _ in range(5)],
        "truthfulqa/mc.jsonl": [truthfulqa() for _ in range(3)],
        "mmlu/dev.jsonl": [mmlu(s) for s in subjects() for _ in range(2)], "mmlu/test.jsonl": [mmlu(s) for s in subjects()],
        "aqua/test.jsonl": [aqua() for _ in range(3)], "strategyqa/bigbench.jsonl": [strategyqa() for _ in range(4)],
        "ifeval/input_data.jsonl": [ifeval() for _ in range(2)], "svamp/test.jsonl": [svamp() for _ in range(3)],
        "strategyqa/dev.jsonl": [strategyqa_dev() for _ in range(4)], "vqa/validation.jsonl": [vqa() for _ in range(2)],
        "fsdd/index.jsonl": [{"file": f"recordings/{d}_ann_0.wav", "digit": d, "speaker": "ann"} for d in (3, 0)],
    }
    for family in families():
        data[f"bbh/{family}.jsonl"] = [bbh()]
    return data


def arc_like(row, question="question"):
    """A row with query, choices and gold as the data set's own."""
    if "query" not in row:
        return row
    labels = list(LETTERS[: len(row["choices"])])
    return {"id": row["id"], question: row["query"][len("Question: "):-len("\nAnswer:")],
            "choices": {"text": row["choices"], "label": labels}, "answerKey": labels[row["gold"]]}


def listed(row):
    """TruthfulQA's mappings as lists."""
    return {k: {"choices": list(v), "labels": list(v.values())} if isinstance(v, dict) else v for k, v in row.items()}


def agieval(row):
    choices = [f"({o}" for o in row["options"]]
    return {"query": f"Q: {row['question']} Answer Choices: {' '.join(choices)}\nA: Among A through E, the answer is",
            "choices": choices, "gold": [LETTERS.index(row["correct"])]}


def bigbench(row):
    return {"inputs": row["query"], "targets": [row["choices"][row["gold"]]], "multiple_choice_targets": row["choices"],
            "multiple_choice_scores": [int(i == row["gold"]) for i in range(2)]}


def same(row):
    return row


def reference_tasks():
    """Shipped name: reference file, splits, conversion of a row."""
    tasks = {
        "gsm8k": ("gsm8k/gsm8k.yaml", {"train": "gsm8k/train_200.jsonl", "test": "gsm8k/test.jsonl"}, same),
        "commonsense_qa": ("commonsense_qa/default.yaml", {"validation": "commonsense_qa/dev.jsonl"}, same),
        "hellaswag": ("hellaswag/hellaswag.yaml", {"validation": "hellaswag/val_2000.jsonl"}, same),
        "arc_easy": ("arc/arc_easy.yaml", {"validation": "arc_easy/validation.jsonl", "test": "arc_easy/test.jsonl"}, arc_like),
        "arc_challenge": ("arc/arc_challenge.yaml", {"validation": "arc_challenge/validation.jsonl", "test": "arc_challenge/test.jsonl"}, arc_like),
        "openbookqa": ("openbookqa/openbookqa.yaml", {"validation": "openbookqa/validation.jsonl", "test": "openbookqa/test.jsonl"},
                       lambda row: arc_like(row, "question_stem")),
        "piqa": ("piqa/piqa.yaml", {"train": "piqa/train.jsonl", "validation": "piqa/validation.jsonl"}, same),
        "winogrande": ("winogrande/default.yaml", {"validation": "winogrande/validation.jsonl"}, same),
        "boolq": ("super_glue/boolq/default.yaml", {"validation": "boolq/validation.jsonl"}, lambda row: {**row, "label": int(row["answer"])}),
        "truthfulqa_mc1": ("truthfulqa/truthfulqa_mc1.yaml", {"validation": "truthfulqa/mc.jsonl"}, listed),
        "truthfulqa_mc2": ("truthfulqa/truthfulqa_mc2.yaml", {"validation": "truthfulqa/mc.jsonl"}, listed),
        "aqua": ("agieval/aqua-rat.yaml", {"test": "aqua/test.jsonl"}, agieval),
        "strategyqa": ("bigbench/multiple_choice/strategyqa.yaml", {"default": "strategyqa/bigbench.jsonl"}, bigbench),
        "ifeval": ("ifeval/ifeval.yaml", {"train": "ifeval/input_data.jsonl"}, same),
    }
    for subject in subjects():
        tasks[f"mmlu_{subject}"] = (f"mmlu/default/mmlu_{subject}.yaml", {"dev": "mmlu/dev.jsonl", "test": "mmlu/test.jsonl"},
                                    lambda row, subject=subject: row if row["subject"] == subject else None)
    for family in families():
        tasks[f"bbh_cot_fewshot_{family}"] = (f"bbh/cot_fewshot/{family}.yaml", {"test": f"bbh/{family}.jsonl"}, same)
    return tasks


def reference_task(file, splits, convert, data, folder):
    config = load_yaml(REFERENCE / file, resolve_func=True)
    files = {}
    for split, local in splits.items():
        rows = [row for row in map(convert, data[local]) if row is not None]
        files[split] = os.path.join(folder, f"{split}.jsonl")
        with open(files[split], "w") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
    config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": files})
    for key in ("training_split", "validation_split"):
        if config.get(key) not in files:
            config.pop(key, None)
    return ConfigurableTask(config=config)


def record(name, file, splits, convert, data):
    runs = {}
    for shots in (None, 2) if name != "aqua" else (None,):  # the reference has no few-shot form of that one
        with tempfile.TemporaryDirectory() as folder:
            task = reference_task(file, splits, convert, data, folder)
            if shots is not None and task.get_config("num_fewshot") != 0:
                task.set_config("num_fewshot", shots)
            elif task.get_config("num_fewshot") is None:
                task.set_config("num_fewshot", 0)
            task.set_fewshot_seed(seed=1234)
            task.build_all_requests()
            rows = []
            for doc_id, doc in task.doc_iterator():
                insts = sorted((i for i in task.instances if i.doc_id == doc_id), key=lambda i: i.idx)
                for inst in insts:
                    inst.resps = [answer(task, inst.request_type, doc, inst.idx, 0)] if name != "ifeval" else ["A LAMP\nIS A LAMP"]
                rows.append({"arguments": [list(i.arguments) for i in insts], "resps": [i.resps[0] for i in insts]})
            task.apply_filters()
            for doc_id, doc in task.doc_iterator():
                insts = sorted((i for i in task.instances if i.doc_id == doc_id), key=lambda i: i.idx)
                rows[doc_id]["metrics"] = {key: task.process_results(doc, [i.filtered_resps[key] for i in insts]) for key in insts[0].filtered_resps}
            runs["plain" if shots is None else "two"] = rows
    return runs


def main():
    os.chdir(HERE)
    shutil.rmtree("data", ignore_errors=True)
    data = invent()
    for file, rows in data.items():
        path = HERE / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    visual = HERE / "data/easy_vqa/data/test/questions.json"
    visual.parent.mkdir(parents=True, exist_ok=True)
    visual.write_text(json.dumps([["what colour has the shape?", "red", 0], ["is there a circle?", "no", 0], ["what shape is shown?", "circle", 1]]))
    golden = {name: record(name, *reference, data) for name, reference in reference_tasks().items()}
    with open("prompts.json.gz", "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write(json.dumps(golden, ensure_ascii=False, default=plain).encode())
    print(len(golden), "tasks")
    print(json.dumps(golden["aqua"]["plain"][0], indent=1, ensure_ascii=False, default=plain))


if __name__ == "__main__":
    main()
