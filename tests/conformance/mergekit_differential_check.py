#!/usr/bin/env python3
"""Random recipes over tiny random models, merged by mergekit and by cambium: the same tensors, or both refuse.

usage: mergekit_differential_check.py CAMBIUM [--recipes 30] [--seed 0] [--keep DIR]
Models of several families (tied and untied heads, biases, transposed and fused matrices; not GPT-NeoX, for which mergekit asks for
tensors that are no longer saved) in float32, bfloat16 and float16; every method whose masks
are not drawn at random, with slices, filters, gradients, dtype and out_dtype. Which recipes are drawn depends on --seed alone. Exits 77
where mergekit is not installed.
"""
import argparse
import json
import logging
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
try:
    import torch
    import transformers
    import yaml
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions
    from safetensors.torch import load_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

LAYERS = 3
SMALL = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=LAYERS, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=32)
FAMILIES = {
    "llama": lambda: transformers.LlamaConfig(**SMALL),
    "llama_tied": lambda: transformers.LlamaConfig(**SMALL, tie_word_embeddings=True),
    "mistral": lambda: transformers.MistralConfig(**SMALL),
    "qwen2": lambda: transformers.Qwen2Config(**SMALL),
    "qwen3": lambda: transformers.Qwen3Config(**SMALL, head_dim=4),
    "gemma2": lambda: transformers.Gemma2Config(**SMALL, head_dim=4),
    "phi3": lambda: transformers.Phi3Config(**SMALL, pad_token_id=0),
    "gpt2": lambda: transformers.GPT2Config(vocab_size=32, n_embd=16, n_layer=LAYERS, n_head=4, n_positions=32),
}
DTYPES = ("float32", "bfloat16", "float16")
PRECISION = {"float32": 1e-6, "bfloat16": 2.0 ** -7, "float16": 2.0 ** -10}


def make_models(work):
    """Folders FAMILY_DTYPE_NUMBER: a random model and two that lie near it."""
    for family, config in FAMILIES.items():
        torch.manual_seed(hash_of(family))
        model = transformers.AutoModelForCausalLM.from_config(config())
        transformers.utils.logging.disable_progress_bar()
        start = {name: value.clone() for name, value in model.state_dict().items()}
        for number in range(3):
            moved = {name: value + 0.02 * (number > 0) * torch.randn_like(value) if value.is_floating_point() else value
                     for name, value in start.items()}
            for dtype in DTYPES if number < 2 else DTYPES[:2]:
                model.load_state_dict(moved)
                model.to(getattr(torch, dtype)).save_pretrained(work / f"{family}_{dtype}_{number}")
                model.to(torch.float32)


def hash_of(text):
    return sum(ord(letter) * 31 ** place for place, letter in enumerate(text)) % 2 ** 31


def number(draw, low, high):
    return round(draw.uniform(low, high), 3)


def setting(draw, low, high):
    """A number, a gradient, or numbers by filter."""
    kind = draw.randrange(6)
    if kind == 0:
        return [number(draw, low, high) for _ in range(draw.randrange(2, 5))]
    if kind == 1:
        return [{"filter": draw.choice(["mlp", "attn", "norm", "embed"]), "value": setting(draw, low, high)},
                {"value": number(draw, low, high)}]
    return number(draw, low, high)


TASK_VECTORS = {"task_arithmetic": None, "ties": "density", "breadcrumbs": "gamma", "breadcrumbs_ties": "gamma"}
METHODS = ["linear", "slerp", "nuslerp", "multislerp", "model_stock", "karcher", "arcee_fusion", "nearswap", "sce", "passthrough",
           *TASK_VECTORS, *TASK_VECTORS]


def shared_parameters(draw, method):
    options = {}
    if method in TASK_VECTORS:
        options = {"normalize": draw.random() < 0.5, "int8_mask": draw.random() < 0.5, "rescale": draw.random() < 0.5,
                   "lambda": setting(draw, 0.3, 1.2)}
    elif method == "slerp":
        return {"t": setting(draw, 0, 1)}
    elif method == "nearswap":
        return {"t": number(draw, 0.001, 0.05)}
    elif method == "linear":
        options = {"normalize": draw.random() < 0.7}
    elif method == "nuslerp":
        options = {"nuslerp_flatten": draw.random() < 0.5, "nuslerp_row_wise": draw.random() < 0.5}
    elif method == "sce":
        options = {"select_topk": number(draw, 0.2, 1)}
    elif method == "model_stock":
        options = {"filter_wise": draw.random() < 0.5}
    elif method == "multislerp":
        options = {"normalize_weights": draw.random() < 0.7}
    return {name: value for name, value in options.items() if draw.random() < 0.7}


def source_parameters(draw, method):
    if method in ("linear", "nuslerp", "multislerp"):
        return {"weight": setting(draw, 0.1, 1)}
    if method == "passthrough":
        return {"scale": setting(draw, 0.5, 1.5)} if draw.random() < 0.5 else {}
    if method not in TASK_VECTORS:
        return {}
    own = {"weight": setting(draw, -0.3, 1)}
    if TASK_VECTORS[method]:
        own["density"] = setting(draw, 0.2, 1.1)
    if TASK_VECTORS[method] == "gamma":
        own["gamma"] = number(draw, 0, 0.1)
    return own


def random_recipe(draw, work):
    family, method = draw.choice(sorted(FAMILIES)), draw.choice(METHODS)
    dtype = draw.choice(DTYPES[:2]) if draw.random() < 0.8 else "float16"
    models = [str(work / f"{family}_{dtype}_{n}") for n in range(2 if dtype == "float16" else 3)]
    if draw.random() < 0.15:  # inputs of two types
        models[1] = str(work / f"{family}_{draw.choice(DTYPES)}_1")
    recipe = {"merge_method": method}
    based = method in TASK_VECTORS or method in ("slerp", "model_stock", "arcee_fusion", "nearswap", "sce")
    if based or (method in ("nuslerp", "multislerp") and draw.random() < 0.4):
        recipe["base_model"] = models[0]
    inputs = models[1:] if "base_model" in recipe else models
    if method in ("slerp", "arcee_fusion", "nearswap"):
        inputs = models[:2]
    elif method == "nuslerp":
        inputs = inputs[:2]
    elif method == "passthrough":
        inputs = inputs[:1]
    elif method == "sce" and draw.random() < 0.5:
        inputs = models

    def source(model, **more):
        own = {} if model == recipe.get("base_model") else source_parameters(draw, method)
        return {"model": model, **more, **({"parameters": own} if own else {})}

    if draw.random() < 0.3:
        if "base_model" in recipe and models[0] not in inputs:
            inputs = [models[0], *inputs]
        ranges = draw.choice([[(0, 3)], [(0, 2), (1, 3)], [(0, 1), (0, 1), (2, 3)], [(1, 3)]])
        recipe["slices"] = [{"sources": [source(model, layer_range=list(span)) for model in inputs]} for span in ranges]
    else:
        recipe["models"] = [source(model) for model in inputs]
    shared = shared_parameters(draw, method)
    if shared or method in ("slerp", "nearswap"):
        recipe["parameters"] = shared
    if draw.random() < 0.5:
        recipe["dtype"] = draw.choice(DTYPES)
    if draw.random() < 0.3:
        recipe["out_dtype"] = draw.choice(DTYPES)
    return recipe


def tensors_of(folder):
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    return tensors


def by_mergekit(recipe, out):
    try:
        run_merge(MergeConfiguration.model_validate(recipe), str(out),
                  MergeOptions(quiet=True, copy_tokenizer=False, write_model_card=False))
    except Exception as error:  # whatever it raises is a refusal
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


def difference(want, got, method, precision):
    """What is wrong with the tensors, or None. `precision` is that of the types on the way: a step may round the other way, which
    makes up to two units in the last place of the largest value where the sums of a row go into it. Among equal magnitudes at a cut
    mergekit's sort keeps any: some elements of a tensor may differ there, in a short vector of a small type most."""
    if want.keys() != got.keys():
        return f"other names: {sorted(want.keys() ^ got.keys())[:3]}"
    cuts = method in TASK_VECTORS or method in ("arcee_fusion", "sce")
    for name, tensor in want.items():
        found = got[name]
        # mergekit's arcee_fusion forgets the type it was told to compute in.
        if found.shape != tensor.shape or (found.dtype != tensor.dtype and method != "arcee_fusion"):
            return f"{name}: {found.dtype} {list(found.shape)}, expected {tensor.dtype} {list(tensor.shape)}"
        scale = max(tensor.float().abs().max().item(), 1e-30)
        off = (found.float() - tensor.float()).abs() / scale
        wrong = (off > 2 * precision).sum().item()
        allowed = 0 if not cuts else tensor.numel() if tensor.dim() == 1 and precision > 1e-4 else max(2, 0.03 * tensor.numel())
        if wrong > allowed:
            return f"{name}: {wrong} of {tensor.numel()} elements differ, by up to {off.max().item():.1e} of the largest"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cambium", type=pathlib.Path)
    parser.add_argument("--recipes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for recipes that differ")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    draw = random.Random(args.seed)
    equal = refused = 0
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_models(work)
        for index in range(args.recipes):
            recipe = random_recipe(draw, work)
            file, theirs, ours = work / "recipe.yml", work / f"mergekit{index}", work / f"cambium{index}"
            file.write_text(yaml.safe_dump(recipe, sort_keys=False))
            refusal = by_mergekit(recipe, theirs)
            result = subprocess.run([args.cambium.resolve(), "merge", file, "-o", ours], capture_output=True, text=True)
            if refusal and result.returncode:
                refused += 1
                print(f"{index}: both refuse: {refusal.splitlines()[0][:120]} | {result.stderr.strip()[-160:]}")
                continue
            on_the_way = [recipe.get("dtype"), recipe.get("out_dtype"), *[name for name in DTYPES if f"_{name}_" in str(recipe)]]
            precision = max(PRECISION[name] for name in on_the_way if name)
            if refusal and "validat" in refusal:  # transformers' checks of the config that mergekit writes, not of the merge
                refused += 1
                continue
            wrong = (f"mergekit refuses ({refusal}), cambium does not" if refusal else
                     f"cambium refuses: {result.stderr.strip()}" if result.returncode else
                     difference(tensors_of(theirs), tensors_of(ours), recipe["merge_method"], precision))
            if wrong:
                failures.append(f"{index}: {wrong}\n{json.dumps(recipe).replace(str(work) + '/', '')}")
                if args.keep:
                    args.keep.mkdir(exist_ok=True)
                    (args.keep / f"{index}.yml").write_text(file.read_text())
            else:
                equal += 1
    print("\n".join(failures))
    print(f"{equal} of {args.recipes} recipes give mergekit's tensors, {refused} are refused, {len(failures)} differ")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
