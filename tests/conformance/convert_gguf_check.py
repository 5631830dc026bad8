#!/usr/bin/env python3
"""Converts GGUF files back and compares with the originals in transformers.

usage: convert_gguf_check.py CAMBIUM [FIXTURES] [--smollm2 FILE.gguf]

FIXTURES is the folder of reference fixtures (models/, tokenizers/, lm_eval/), by default the shared one beside the project. Each tiny text model there is written as a GGUF file the
way llama.cpp's converter does (tests/golden/gguf/make_goldens.py), converted with cambium, and must come back: tensors, config,
generation config, token ids, chat template; transformers must load it without a missing or unexpected key and give the same logits.
With --smollm2 (SmolLM2-135M-Instruct.Q4_1.gguf) every tensor must have the recorded SHA-256, and the tokenizer must give the
recorded ids. Exits 1 with a line for each difference, 77 (skipped) where transformers, gguf, tokenizers or the fixtures are absent.
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import gguf  # noqa: F401 (used by make_goldens.py)
    import torch
    import transformers
    from safetensors import safe_open
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

MAKE = pathlib.Path(__file__).parents[1] / "golden/gguf/make_goldens.py"
# Fixture: arguments of make_goldens.py.
MODELS = {
    "llama": [], "llama3": ["--pre", "llama-bpe"], "mistral": ["--window"], "qwen2": ["--pre", "qwen2"],
    "qwen3": ["--pre", "qwen2", "--parts", "3"], "phi3": [], "gemma2": [], "gemma3_text": [],
}
# Not in a GGUF file, and without effect.
UNSTATED = {"transformers_version", "max_window_layers", "_sliding_window_pattern", "head_dim"}

failures = []


def check(condition: bool, message: str) -> None:
    if not condition:
        failures.append(message)


def tensors_of(folder: pathlib.Path) -> dict:
    tensors = {}
    for shard in sorted(folder.glob("model*.safetensors")):
        tensors.update(load_file(shard))
    return tensors


def json_of(file: pathlib.Path) -> dict:
    return {key: value for key, value in json.loads(file.read_text()).items() if key not in UNSTATED}


def check_model(cambium: str, original: pathlib.Path, work: pathlib.Path, texts: list[str]) -> None:
    name = original.name
    subprocess.run([sys.executable, MAKE, "model", original, work / f"{name}.gguf", *MODELS[name]], check=True,
                   capture_output=True)
    file = next(iter(sorted(work.glob(f"{name}*.gguf"))))
    out = work / name
    result = subprocess.run([cambium, "convert", file, "-o", out, "--dtype", "float32"], capture_output=True, text=True)
    if result.returncode != 0:
        failures.append(f"{name}: {result.stderr.strip()}")
        return
    want, got = tensors_of(original), tensors_of(out)
    check(want.keys() == got.keys(), f"{name}: tensors {sorted(want.keys() ^ got.keys())}")
    for tensor in want.keys() & got.keys():
        check(torch.equal(want[tensor].float(), got[tensor]), f"{name}: tensor {tensor} differs")
    for file in ("config.json", "generation_config.json"):
        want_json, got_json = json_of(original / file), json_of(out / file)
        for key in sorted(want_json.keys() | got_json.keys()):
            check(want_json.get(key) == got_json.get(key),
                  f"{name}: {file} {key}: {got_json.get(key)}, expected {want_json.get(key)}")

    models = []
    for folder in (original, out):
        model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                                        output_loading_info=True)
        check(not any(info.values()), f"{name}: loading {folder}: {info}")
        models.append(model.eval())
    ids = torch.randint(0, models[0].config.vocab_size, (2, 96), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        check(torch.equal(models[0](ids).logits, models[1](ids).logits), f"{name}: logits differ")

    want_tokenizer, got_tokenizer = (transformers.AutoTokenizer.from_pretrained(folder) for folder in (original, out))
    different = [text for text in texts if want_tokenizer(text).input_ids != got_tokenizer(text).input_ids]
    check(not different, f"{name}: ids of {len(different)} texts differ, first {different[:1]}")
    check(want_tokenizer.chat_template == got_tokenizer.chat_template, f"{name}: chat template differs")


def check_smollm2(cambium: str, file: str, fixtures: pathlib.Path, work: pathlib.Path) -> None:
    out = work / "smollm2"
    subprocess.run([cambium, "convert", file, "-o", out], check=True, capture_output=True)
    want = json.loads((fixtures / "lm_eval/smollm2_sha256.json").read_text())["tensors"]
    with safe_open(out / "model.safetensors", "pt") as weights:
        check(set(weights.keys()) == want.keys(), "smollm2: names of tensors differ")
        for name in weights.keys():
            data = weights.get_tensor(name).contiguous().view(torch.int16).numpy().tobytes()
            check(hashlib.sha256(data).hexdigest() == want.get(name), f"smollm2: tensor {name} differs")
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    with gzip.open(fixtures / "tokenizers/smollm2.golden.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if "ids" in row:
                check(tokenizer.encode(row["text"], add_special_tokens=False).ids == row["ids"],
                      f"smollm2: ids of {row['text']!r} differ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cambium")
    parser.add_argument("fixtures", type=pathlib.Path, nargs="?",
                        default=pathlib.Path(__file__).parents[3] / "shared/fixtures")
    parser.add_argument("--smollm2")
    args = parser.parse_args()
    if not args.fixtures.exists():
        print(f"skipped: no {args.fixtures}")
        sys.exit(77)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with gzip.open(args.fixtures / "tokenizers/smollm2.golden.jsonl.gz", "rt", encoding="utf-8") as rows:
        texts = [row["text"] for row in map(json.loads, rows) if "ids" in row]
    with tempfile.TemporaryDirectory() as work:
        for name in MODELS:
            check_model(args.cambium, args.fixtures / "models" / name, pathlib.Path(work), texts)
        if args.smollm2:
            check_smollm2(args.cambium, args.smollm2, args.fixtures, pathlib.Path(work))
    print("\n".join(failures) or f"{len(MODELS)} models come back as they were")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
