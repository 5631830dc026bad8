#!/usr/bin/env python3
"""Makes cases.json and cases.safetensors: single tensors merged by mergekit 0.1.5 on the CPU, for each method, type and several parameters.

    pip install mergekit==0.1.5 torch safetensors; python make_merge_methods.py

cases.safetensors: `in::SHAPE::MODEL` (float32), `out::CASE` in the case's type, `mask::CASE::MODEL` (uint8) where masks were drawn at random.
cases.json: method, type, inputs with their parameters, shared parameters, and `ambiguous`: elements that equal a magnitude at which the
method cuts, where an unstable sort may keep any of several.
"""
import json
import torch
import mergekit.sparsify as sparsify
from mergekit import merge_methods
from mergekit.merge_methods.base import TensorEntry, TensorGroup
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.manual_seed(7)
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHAPES = {"matrix": (24, 40), "vector": (33,), "wide": (3, 101)}
TENSORS = {}
for key, shape in SHAPES.items():
    base = torch.randn(shape) * 0.25
    common = torch.randn(shape) * 0.05
    TENSORS[key] = {"base": base}
    for i, size in enumerate((0.12, 0.2, 0.06)):
        change = (torch.randn(shape) * torch.rand(shape) ** 2 * size + 0.4 * common) * (torch.rand(shape) > 0.15)
        TENSORS[key][f"ft{i + 1}"] = base + change

drawn = []
original = torch.bernoulli


def note(probabilities, *args, **kwargs):
    mask = original(probabilities, *args, **kwargs)
    drawn.append(mask.to(torch.uint8))
    return mask


torch.bernoulli = note
cases, out = [], {}


def ambiguous(method, dtype, tensors, per_input):
    """Elements whose magnitude equals one at which the method's sort is cut."""
    found = set()
    if "base" not in tensors:
        return []
    base = tensors["base"].to(dtype)
    if method == "sce":
        return []
    for model, parameters in per_input.items():
        density = parameters.get("density", 1)
        if model == "base" or not 0 < density < 1:
            continue
        size = (tensors[model].to(dtype) - base).abs().float().reshape(-1)
        n = size.numel()
        order = size.sort(descending=True).values
        if method == "ties":
            cuts = [max(1, int(density * n))]
        elif method.startswith("breadcrumbs"):
            keep, top = int(density * n), int(parameters.get("gamma", 0.01) * n)
            top = min(top, n - keep)
            cuts = [top, top + keep]
        else:
            cuts = []
        for cut in cuts:
            if 0 < cut < n and order[cut - 1] == order[cut]:
                found |= {int(i) for i in (size == order[cut]).nonzero().reshape(-1)}
    return sorted(found)


def add(method, models, per_input=None, shape="matrix", types=("float32", "bfloat16", "float16"), seed=None, **shared):
    """per_input: parameter -> one value per input that takes it."""
    implementation = merge_methods.get(method)
    per_input = per_input or {}
    for name in types:
        dtype = TYPES[name]
        tensors = {m: TENSORS[shape][m] for m in models}
        entries = tuple(TensorEntry(id=m, tensor=t.to(dtype), is_base=m == "base") for m, t in tensors.items())
        parameters = dict(shared)
        takers = {}
        for spec in implementation.spec.input_parameters:
            takers[spec.name] = [m for m in models if m != "base" or spec.scope.value == "input"]
        by_model = {m: {} for m in models}
        for parameter, values in per_input.items():
            parameters[parameter] = dict(zip(takers[parameter], values))
            for m, value in zip(takers[parameter], values):
                by_model[m][parameter] = float(value)
        drawn.clear()
        if seed is not None:
            torch.manual_seed(seed)
        (result,) = implementation((TensorGroup(entries=entries),), parameters=parameters)
        case = f"{len(cases):03d}"
        out[f"out::{case}"] = result.to(dtype).clone().contiguous()
        masks = iter(list(drawn))
        masked = []
        for m in models:
            density = by_model[m].get("density", 1)
            if seed is not None and m != "base" and density < 1 and not (method.startswith("della") and density <= 0):
                out[f"mask::{case}::{m}"] = next(masks).reshape(SHAPES[shape]).contiguous()
                masked.append(m)
        cases.append({"method": method, "shape": shape, "dtype": name, "masked": masked,
                      "inputs": [{"model": m, "base": m == "base", "parameters": by_model[m]} for m in models],
                      "parameters": {k: float(v) for k, v in shared.items()},
                      "ambiguous": ambiguous(method, dtype, tensors, by_model)})


ALL = ["base", "ft1", "ft2", "ft3"]
TUNED = ["ft1", "ft2", "ft3"]
for shape in SHAPES:
    add("linear", ALL, {"weight": (0.25, 0.5, -0.3, 0.4)}, shape)
    add("linear", TUNED, {"weight": (1.7, 0.5, 0.4)}, shape, normalize=False)
    add("linear", ["ft1", "ft2", "base", "ft3", "ft1"][:4], {"weight": (0.1, 0.2, 0.3, 0.45)}, shape)
    for t in (0, 0.3, 0.75, 1, 1.2):
        add("slerp", ["base", "ft2"], shape=shape, t=t)
    add("slerp", ["ft1", "base"], shape=shape, t=0.4)
    add("nuslerp", ["ft1", "ft2"], {"weight": (0.7, 0.4)}, shape)
    add("nuslerp", ["ft1", "base", "ft2"], {"weight": (0.7, 0.4)}, shape)
    for row_wise in (False, True):
        add("nuslerp", ["ft1", "ft3"], {"weight": (1, 2)}, shape, nuslerp_flatten=False, nuslerp_row_wise=row_wise)
        add("nuslerp", ["base", "ft1", "ft3"], {"weight": (1, 2)}, shape, nuslerp_flatten=False, nuslerp_row_wise=row_wise)
    add("multislerp", TUNED, {"weight": (0.5, 0.3, 0.4)}, shape)
    add("multislerp", ALL, {"weight": (0.5, 0.3, 0.4)}, shape, normalize_weights=False)
    add("multislerp", ["base", "ft2"], {"weight": (0.5,)}, shape)
    add("task_arithmetic", ALL, {"weight": (0.5, 0.3, -0.4)}, shape)
    add("task_arithmetic", ALL, {"weight": (0.5, 0.3, 0.4)}, shape, normalize=True, **{"lambda": 0.7})
    add("ties", ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.5, 0.3, 0.9)}, shape)
    add("ties", ALL, {"weight": (1, 1, 1), "density": (0.2, 0.2, 0.2)}, shape, normalize=False, rescale=True)
    add("ties", ALL, {"weight": (0.5, -0.8, 1), "density": (1, 0, 0.01)}, shape, **{"lambda": 1.5})
    for method in ("breadcrumbs", "breadcrumbs_ties"):
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.5, 0.85, 0.3), "gamma": (0.1, 0.05, 0)}, shape)
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.5, 0.97, 0)}, shape, rescale=True, normalize=True)
    for i, method in enumerate(("dare_linear", "dare_ties")):
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.5, 0.6, 1)}, shape, seed=10 + i)
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.2, 0.6, 0)}, shape, seed=20 + i, rescale=False, normalize=True)
    for i, method in enumerate(("della", "della_linear")):
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.5, 0.6, 1)}, shape, seed=30 + i)
        add(method, ALL, {"weight": (0.5, 0.8, 0.3), "density": (0.3, 0.6, 0), "epsilon": (0.2, 0.3, 0.1)}, shape, seed=40 + i,
            rescale=False)
    for share in (1.0, 0.4, 0.1, 0):
        add("sce", ALL, shape=shape, select_topk=share)
    for filter_wise in (False, True):
        add("model_stock", ALL, shape=shape, filter_wise=filter_wise)
        add("model_stock", ["ft1", "ft2", "base"], shape=shape, filter_wise=filter_wise)
    add("karcher", TUNED, shape=shape)
    add("karcher", ["ft1", "ft2"], shape=shape, max_iter=3, tol=1e-9)
    add("arcee_fusion", ["base", "ft1"], shape=shape)
    add("arcee_fusion", ["ft3", "base"], shape=shape)
    add("nearswap", ["base", "ft1"], shape=shape, t=0.02)
    add("nearswap", ["ft2", "base"], shape=shape, t=0.1)
    add("ram", ALL, shape=shape, epsilon=0.02)
    add("ram", ALL, shape=shape)
    add("ramplus_tl", ALL, shape=shape, r=0.3, alpha=0.5, epsilon=0.01)
    add("ramplus_tl", ALL, shape=shape, epsilon=0.05)
    add("passthrough", ["ft1"], shape=shape)
    add("passthrough", ["ft1"], {"scale": (0.7,)}, shape)

for key, models in TENSORS.items():
    for model, tensor in models.items():
        out[f"in::{key}::{model}"] = tensor.contiguous()
save_file(out, "cases.safetensors")
with open("cases.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
