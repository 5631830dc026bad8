#!/usr/bin/env python3
"""Writes the 27 task files of BIG-Bench Hard (arXiv:2210.09261) from the prompts of its repository (MIT).

    python make_bbh.py BIG-Bench-Hard/cot-prompts      # in this folder
"""
import pathlib
import sys

QUESTION = "Q: "
THINK = "\nA: Let's think step by step.\n"


def block(text, indent):
    """A YAML literal block; the chomping keeps the text's own line ends."""
    lines = [(" " * indent + line).rstrip() if line.strip() else "" for line in text.split("\n")]
    return "|-\n" + "\n".join(lines)


def task_file(name, prompt):
    description, *shots = prompt.split("\n\n" + QUESTION)
    out = [f"include: _cot_fewshot", f"task: bbh_cot_fewshot_{name}", f"task_alias: {name}",
           f"dataset_kwargs: {{data_files: {{test: bbh/{name}.jsonl}}}}",
           "description: |+", *("  " + line if line else "" for line in description.split("\n")), ""]
    out += ["fewshot_config:", "  sampler: first_n", "  samples:"]
    for shot in shots:
        question, answer = shot.split(THINK)
        out += ["    - input: " + block(question, 8), "      target: " + block(answer.rstrip("\n"), 8)]
    return "\n".join(out) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    names = []
    for path in sorted(folder.glob("*.txt")):
        prompt = path.read_text().split("-----\n", 1)[1]  # a canary stands above the line
        pathlib.Path(f"bbh_cot_fewshot_{path.stem}.yaml").write_text(task_file(path.stem, prompt))
        names.append(path.stem)
    group = ["# 23 families of tasks that were hard for language models, three examples with reasoning each. arXiv:2210.09261.",
             "group: bbh", "task:", *(f"  - bbh_cot_fewshot_{name}" for name in names),
             "aggregate_metric_list:", "  - metric: exact_match", "    aggregation: mean", "    weight_by_size: true",
             "    filter_list: get-answer", "metadata:", "  version: 3.0", ""]
    pathlib.Path("_bbh.yaml").write_text("\n".join(group))


main()
