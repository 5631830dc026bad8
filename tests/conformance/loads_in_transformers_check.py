"""Merged multimodal models load in transformers with no missing, unexpected or mismatched tensors, in every layout of names.

usage: loads_in_transformers_check.py CAMBIUM [MODELS_DIR]
Checked are tiny pairs made on the spot (multimodal_pairs.py), and those of MODELS_DIR: X-base (the language model) and X, X-pre452,
X-module, X-original ... (multimodal models made from it); by default the shared fixtures, where they lie beside the project.
transformers cannot read the LLaVA code base's own layout (X-original). A merge keeps its input's layout, so that the code base can
load what it wrote; there the merged tensors are compared with the merge of a layout that transformers reads, name by name.
Exit 77 where transformers is absent.
"""
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError:
    print("transformers is not installed: skipped")
    sys.exit(77)
import multimodal_pairs

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

RUNS = {
    "recover": ["--alpha", "0.5", "--density", "0.3"],
    "recover, whole model": ["--alpha", "0.5", "--density", "0.3", "--scope", "model"],
    "task arithmetic in float32": ["--method", "task_arithmetic", "--dtype", "float32"],
    "base's embeddings": ["--embeddings", "base"],
}
SHARED = pathlib.Path(__file__).parents[3] / "shared/fixtures/models"
bad = []
left_out = []


def complaints(folder):
    """What transformers has to say about a checkpoint; nothing if it loads cleanly; None if it knows no such class."""
    name = json.load(open(f"{folder}/config.json"))["architectures"][0]
    cls = getattr(transformers, name, None)
    if cls is None:
        return None
    _, info = cls.from_pretrained(folder, output_loading_info=True, dtype="auto")
    return {key: sorted(map(str, value))[:3] for key, value in info.items() if value}


def tensors_of(folder):
    tensors = {}
    for shard in glob.glob(f"{folder}/*.safetensors"):
        tensors.update(load_file(shard))
    return tensors


def recover(cambium, base, model, out, options):
    run = subprocess.run([cambium, "recover", "--base", base, "--model", model, "-o", out, *options],
                         capture_output=True, text=True)
    return run.stderr.strip() if run.returncode else ""


def check_loading(cambium, base, model):
    """Number of merges of this pair that transformers loads cleanly; complaints go to `bad`."""
    if complaints(model) != {}:
        left_out.append(os.path.basename(model))
        return 0
    done = 0
    for what, options in RUNS.items():
        with tempfile.TemporaryDirectory() as work:
            found = recover(cambium, base, model, f"{work}/out", options) or complaints(f"{work}/out")
        done += not found
        if found:
            bad.append(f"{os.path.basename(model)}, {what}: {found}")
    return done


def check_original(cambium, base, original, readable):
    """The merge of X-original has the names, shapes and types of X-original, and the language values of X-pre452's merge.

    X-original has no tokenizer, so that rows are matched by number: X-pre452 is merged without its tokenizer, too."""
    names = {folder: json.load(open(f"{folder}/alignment.json"))["language"] for folder in (original, readable)}
    for what, options in RUNS.items():
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(f"{work}/bare")
            for file in [f"{readable}/config.json", *glob.glob(f"{readable}/*.safetensors*")]:
                os.symlink(os.path.abspath(file), f"{work}/bare/{os.path.basename(file)}")
            found = recover(cambium, base, original, f"{work}/a", options) or \
                recover(cambium, base, f"{work}/bare", f"{work}/b", options)
            if found:
                bad.append(f"{os.path.basename(original)}, {what}: {found}")
                continue
            merged, expected, before = tensors_of(f"{work}/a"), tensors_of(f"{work}/b"), tensors_of(original)
        if {name: tensor.shape for name, tensor in merged.items()} != {name: tensor.shape for name, tensor in before.items()}:
            bad.append(f"{os.path.basename(original)}, {what}: other tensors than before")
        for name, in_original in names[original].items():
            if not torch.equal(merged[in_original], expected[names[readable][name]]):
                bad.append(f"{os.path.basename(original)}, {what}: {in_original} differs from {names[readable][name]}")
        language = set(names[original].values())
        for name in before.keys() - language:
            if not torch.equal(merged[name].float(), before[name].float()):
                bad.append(f"{os.path.basename(original)}, {what}: {name} is not carried as it was")


def check_folder(cambium, models):
    done = 0
    for base in sorted(glob.glob(f"{models}/*-base")):
        pair = f"{models}/{os.path.basename(base).removesuffix('-base')}"
        for model in sorted({pair, *glob.glob(f"{pair}-*")} - {base}):
            if model.endswith("-original"):
                check_original(cambium, base, model, f"{pair}-pre452")
            else:
                done += check_loading(cambium, base, model)
    return done


def main(cambium, models=None):
    with tempfile.TemporaryDirectory() as work:
        multimodal_pairs.write_pairs(work)
        done = check_folder(cambium, work)
    if models or SHARED.exists():
        done += check_folder(cambium, models or str(SHARED))
    print(f"{done} merged models load cleanly; not loadable before the merge: {', '.join(left_out) or 'none'}")
    for line in bad:
        print("FAIL", line)
    return 0 if done and not bad else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
