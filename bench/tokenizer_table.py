"""Measures tokenizers beside Hugging Face's `tokenizers`, in one thread each, and prints a Markdown table.

usage: tokenizer_table.py MODEL_FOLDER... [--bin build/release/bin] [--rounds N] [--texts FILE.jsonl] [--megabytes 10]

Without --texts, mixed text is made from a seed: a third prose (documentation that lies beside Python's packages), a third source code
(Python's library), a third words drawn by Zipf's law from vocabularies in eight scripts, with numbers and emoji. Times are processor
time of one thread (other programs do not count); the two take turns, ratios are medians of each round's.
"""
import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile

SCRIPTS = [(0x61, 0x7B), (0xE0, 0xFF), (0x3B1, 0x3CA), (0x430, 0x450), (0x5D0, 0x5EB), (0x627, 0x64B), (0x905, 0x93A), (0x4E00, 0x5000),
           (0x3041, 0x3097), (0xAC00, 0xAE00)]


def pieces_of(files, rng):
    """Endless stretches of these files of 200 to 8,000 characters."""
    files = sorted(files)
    while True:
        text = rng.choice(files).read_text(encoding="utf-8", errors="ignore")
        if len(text) < 200:
            continue
        begin = rng.randrange(max(1, len(text) - 4000))
        yield text[begin:begin + rng.randrange(200, 8000)]


def invented(rng):
    lexicons = []
    for first, last in SCRIPTS:
        longest = 3 if first >= 0x3000 else 11
        lexicons.append(["".join(chr(rng.randrange(first, last)) for _ in range(rng.randrange(1, longest))) for _ in range(5000)])
    weights = [1 / (i + 1) for i in range(5000)]
    while True:
        words = rng.choices(rng.choice(lexicons), weights, k=rng.randrange(40, 600))
        for _ in range(len(words) // 20):
            words[rng.randrange(len(words))] = rng.choice([str(rng.randrange(10 ** rng.randrange(1, 9))), "😀", "👩‍🔬", "—", "…", "\n\n"])
        yield " ".join(words) + ".\n"


def make_texts(file, size):
    rng = random.Random(0)
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    prose = [p for kind in ("md", "rst", "txt") for p in packages.rglob(f"*.{kind}")] + list(packages.rglob("*.dist-info/METADATA"))
    sources = [pieces_of(prose, rng), pieces_of(library.glob("*.py"), rng), invented(rng)]
    written = [0] * len(sources)
    while sum(written) < size:
        at = written.index(min(written))
        text = next(sources[at])
        written[at] += len(text.encode())
        file.write(json.dumps({"text": text}) + "\n")
    file.flush()


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts")
    parser.add_argument("--megabytes", type=float, default=10)
    args = parser.parse_args()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as made:
        if not args.texts:
            make_texts(made, args.megabytes * 1e6)
        texts = args.texts or made.name
        size = sum(len(json.loads(line)["text"].encode()) for line in open(texts, encoding="utf-8"))
        print(f"{size / 1e6:.1f} MB of text, one thread, {args.rounds} rounds\n")
        print("| tokenizer | MB/s | tokenizers: MB/s | encoding: ratio | decoding: ratio | loading: ratio |\n|---|---|---|---|---|---|")
        for model in args.models:
            ours = Worker([args.bin / "tokenizer_bench", model, texts])
            peer = Worker([sys.executable, pathlib.Path(__file__).with_name("tokenizer_peer.py"), model, texts])
            rounds = [(ours.round(), peer.round()) for _ in range(args.rounds)]
            ours.close()
            peer.close()
            if any(a["tokens"] != b["tokens"] for a, b in rounds):
                sys.exit(f"{model}: {rounds[0][0]['tokens']} tokens, but {rounds[0][1]['tokens']} by tokenizers")

            def ratio(key):
                return statistics.median(b[key] / a[key] for a, b in rounds)

            def speed(which):
                return statistics.median(size / 1e6 / one[which]["encode_seconds"] for one in rounds)

            print(f"| {pathlib.Path(model).name} | {speed(0):.1f} | {speed(1):.1f} | {ratio('encode_seconds'):.1f} | "
                  f"{ratio('decode_seconds'):.1f} | {ratio('load_seconds'):.1f} |", flush=True)


main()
