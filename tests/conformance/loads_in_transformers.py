"""Merged multimodal models load in transformers with no missing, unexpected or mismatched tensors, in every layout of names.

usage: loads_in_transformers.py CAMBIUM MODELS_DIR
MODELS_DIR holds pairs: X-base (the language model) and X, X-pre452, X-module ... (multimodal models made from it).
A layout that transformers itself cannot load cleanly is left out, and said so. Exit 77 where transformers is absent.
"""
import glob, json, os, subprocess, sys, tempfile, warnings

try:
    import torch, transformers
except ImportError:
    print("transformers is not installed: skipped")
    sys.exit(77)
warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

RUNS = {
    "recover": ["--alpha", "0.5", "--density", "0.3"],
    "recover, whole model": ["--alpha", "0.5", "--density", "0.3", "--scope", "model"],
    "task arithmetic in float32": ["--method", "task_arithmetic", "--dtype", "float32"],
    "base's embeddings": ["--embeddings", "base"],
}


def complaints(folder):
    """What transformers has to say about a checkpoint; nothing if it loads cleanly; None if it knows no such class."""
    name = json.load(open(f"{folder}/config.json"))["architectures"][0]
    cls = getattr(transformers, name, None)
    if cls is None:
        return None
    _, info = cls.from_pretrained(folder, output_loading_info=True, dtype="auto")
    return {key: sorted(map(str, value))[:3] for key, value in info.items() if value}


def main(cambium, models):
    done, bad, left_out = 0, [], []
    for base in sorted(glob.glob(f"{models}/*-base")):
        pair = os.path.basename(base).removesuffix("-base")
        for model in sorted(glob.glob(f"{models}/{pair}") + glob.glob(f"{models}/{pair}-*")):
            name = os.path.basename(model)
            if model == base:
                continue
            if complaints(model) != {}:
                left_out.append(name)
                continue
            for what, options in RUNS.items():
                with tempfile.TemporaryDirectory() as work:
                    out = f"{work}/out"
                    run = subprocess.run([cambium, "recover", "--base", base, "--model", model, "-o", out, *options],
                                         capture_output=True, text=True)
                    found = run.stderr.strip() if run.returncode else complaints(out)
                    if found:
                        bad.append(f"{name}, {what}: {found}")
                    else:
                        done += 1
    print(f"{done} merged models load cleanly; not loadable before the merge: {', '.join(left_out) or 'none'}")
    for line in bad:
        print("FAIL", line)
    return 0 if done and not bad else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
