#!/usr/bin/env python3
"""Every command answers hostile arguments and files with one clear error: exit 1 or 2, the file or option named, nothing written.

usage: hostile_commands_check.py CAMBIUM [--show]
Each command has one good line; each of its places is given every hostile value of its kind in turn: missing, empty, directories,
binary, huge, deeply nested, not UTF-8. A refusal must be short, must not be an uncaught exception's own words, must name what is
wrong, and must leave neither output nor anything on standard output.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
# What libraries say of themselves when nobody caught them.
UNCAUGHT = re.compile(r"terminate called|what\(\)|basic_string|sto[iuldf]+\b|vector::|map::at|bad optional|bad_alloc|std::|"
                      r"json\.exception|yaml-cpp|filesystem error|Sanitizer|runtime error|Aborted|Segmentation|regex_error|"
                      r"bad conversion|c10::|ATen|Exception raised|invalid_argument|out_of_range")
NOISE = bytes((i * 197 + 31) % 256 for i in range(3000))


def make_files(work):
    """The good and the hostile files. The commands run in `work`."""
    shutil.copytree(GOLDEN / "lm_eval/tiny_llama", work / "ok")
    shutil.copytree(GOLDEN / "models/llava_15-base", work / "base")
    shutil.copytree(GOLDEN / "models/llava_15-module", work / "mllm")
    shutil.copytree(GOLDEN / "lm_eval/tasks", work / "tasks")
    shutil.copytree(GOLDEN / "lm_eval/data", work / "data")
    shutil.copytree(GOLDEN / "lm_eval/results/tiny_llama/chat0", work / "results")
    shutil.copytree(work / "ok", work / "ok2")
    pictures = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16},
                "do_resize": True, "do_center_crop": True, "do_rescale": True, "do_normalize": True, "resample": 3,
                "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    sounds = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "sampling_rate": 16000, "n_fft": 400,
              "hop_length": 160, "chunk_length": 1}
    (work / "mllm/processor_config.json").write_text(json.dumps({"image_processor": pictures, "video_processor": pictures, "feature_extractor": sounds}))
    shutil.copy(GOLDEN.parent.parent / "studies/quick.yml", work / "study.yml")
    shutil.copy(GOLDEN / "media/b.png", work / "ok.png")
    shutil.copy(GOLDEN / "media/clip.gif", work / "ok.gif")
    shutil.copy(GOLDEN / "media/tone.wav", work / "ok.wav")
    shutil.copy(GOLDEN / "models/llava_15.image.safetensors", work / "ok.safetensors")
    (work / "ok.yml").write_text("merge_method: linear\nmodels:\n  - {model: ok, parameters: {weight: 0.5}}\n"
                                 "  - {model: ok2, parameters: {weight: 0.5}}\ndtype: float32\n")
    (work / "tune.yml").write_text("model: ok\noutput: tuned\nsources: [{name: a, path: rows.jsonl}]\n")
    (work / "graft.yml").write_text("language: ok\nimage: {}\n")
    (work / "questions.jsonl").write_text('{"answer": "#### 4", "id": 1}\n')
    (work / "rows.jsonl").write_text('{"text": "one two"}\n')
    (work / "ok.jsonl").write_text('{"doc": {"answer": "#### 4"}, "response": "#### 4", "id": 1}\n')
    (work / "ok.jinja").write_text("{{ messages[0].content }}")

    bad = work / "bad"
    (bad / "folder").mkdir(parents=True)
    (bad / "noise_folder").mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors", "provenance.json", "study.json", "tokenizer.model",
                 "chat_template.jinja", "adapter_config.json", "results_1.json", "samples_a_1.jsonl", "preprocessor_config.json"):
        (bad / "noise_folder" / name).write_bytes(NOISE)
    for suffix in ("", ".yml", ".json", ".jsonl", ".safetensors", ".png", ".gif", ".wav", ".gguf", ".db", ".jinja", ".model", ".gz"):
        (bad / f"empty{suffix}").write_bytes(b"")
        (bad / f"noise{suffix}").write_bytes(NOISE)
        (bad / f"latin{suffix}").write_bytes(b'{"model": "caf\xe9", "text": "\xff\xfe\xc0"}\n')
        (bad / f"deep{suffix}").write_bytes(b"[" * 200_000)
        (bad / f"deeper{suffix}").write_bytes(b'{"a":' * 200_000)
        with open(bad / f"huge{suffix}", "wb") as file:  # takes no room on the disk
            file.truncate(1 << 40)
    for name, start in {"sparse.safetensors": b"\xff\xff\xff\xff\xff\xff\xff\x7f", "sparse.gguf": b"GGUF\x03\0\0\0" + b"\xff" * 16,
                        "sparse.png": (GOLDEN / "media/b.png").read_bytes()[:40], "sparse.wav": b"RIFF\xff\xff\xff\xffWAVEfmt "}.items():
        with open(bad / name, "wb") as file:
            file.write(start)
            file.truncate(1 << 36)
    for index in range(4):  # cut short
        for source in ("ok.png", "ok.gif", "ok.wav", "ok.safetensors"):
            content = (work / source).read_bytes()
            (bad / f"cut{index}{pathlib.Path(source).suffix}").write_bytes(content[:len(content) * (index + 1) // 6])
    make_bad_models(work, bad)
    for name, text in {
        "list.yml": "- a\n- b\n", "scalar.yml": "42\n", "null.yml": "null\n", "tabs.yml": "a:\n\t- b\n", "alias.yml": "a: *nothing\n",
        "twice.yml": "models: []\nmodels: []\n", "nul.yml": "merge_method: li\0near\n", "method.yml": "merge_method: linaer\nmodels: [{model: ok}]\n",
        "bomb.yml": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}]\n" for i in range(1, 40)),
        "list.jsonl": "[1, 2]\n", "scalar.jsonl": "42\n", "half.jsonl": '{"a": 1}\n{"a": \n', "null.jsonl": "null\n",
        "number.jsonl": '{"id": 1e999, "response": 5, "doc": {}}\n', "nodoc.jsonl": '{"response": "a"}\n',
        "endless.jinja": "{% for i in range(999999999) %}{% for j in range(999999999) %}x{% endfor %}{% endfor %}",
        "open.jinja": "{% if x %}", "deep.jinja": "{{ " + "(" * 50_000, "call.jinja": "{{ nothing.at.all }}",
    }.items():
        (bad / name).write_text(text)


def make_bad_models(work, bad):
    """Folders like the good model with one file spoilt."""
    config = json.loads((work / "ok/config.json").read_text())
    tokenizer = json.loads((work / "ok/tokenizer.json").read_text())

    def model(name, file, content):
        shutil.copytree(work / "ok", bad / name)
        (bad / name / file).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    for key, value in {"num_hidden_layers": -1, "hidden_size": 0, "num_attention_heads": 1e30, "vocab_size": "many", "rope_theta": "x",
                       "num_key_value_heads": 3, "head_dim": 1 << 62, "model_type": 7, "architectures": "Llama", "hidden_act": [],
                       "rms_norm_eps": None, "max_position_embeddings": -5}.items():
        model(f"config_{key}", "config.json", dict(config, **{key: value}))
    for name, content in {"list": [], "null": b"null", "cut": b'{"model_type": "lla', "latin": b'{"model_type": "\xff"}'}.items():
        model(f"config_{name}", "config.json", content)
    for name, content in {"list": [], "empty": b"", "cut": json.dumps(tokenizer).encode()[:900], "novocab": {"model": {"type": "BPE"}},
                          "ids": dict(tokenizer, model=dict(tokenizer["model"], vocab={"a": 1 << 40, "b": -7})),
                          "type": dict(tokenizer, model={"type": "Magic"}),
                          "regex": dict(tokenizer, pre_tokenizer={"type": "Split", "pattern": {"Regex": "(" * 3000}, "behavior": "Isolated"})}.items():
        model(f"tokenizer_{name}", "tokenizer.json", content)
    for name, content in {"cut": (work / "ok/model.safetensors").read_bytes()[:5000], "empty": b"", "noise": NOISE,
                          "long": b"\xff" * 8 + b"{}", "deep": (200_000).to_bytes(8, "little") + b"[" * 200_000}.items():
        model(f"weights_{name}", "model.safetensors", content)


FILES = ["bad/nothing{s}", "", "bad/folder", "bad/empty{s}", "bad/noise{s}", "bad/latin{s}", "bad/deep{s}", "bad/deeper{s}", "bad/huge{s}",
         "bad/" + "n" * 5000, b"bad/caf\xe9{s}", "/dev/null", "ok.png/inside", "bad/new\nline{s}"]
MODELS = ["bad/nothing", "", "bad/folder", "bad/noise_folder", "no/such-model", "../../x@y", "bad/noise", "bad/empty.yml", "bad/noise.yml",
          "bad/deep.yml", "bad/list.yml", "bad/bomb.yml", "bad/huge.yml", "ok.png", "bad/" + "n" * 5000, b"caf\xe9", "/dev/null", "/"]
WEIGHTS = ["bad/weights_*"]
SIZES = [f"bad/config_{name}" for name in ("list", "null", "cut", "latin", "num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size",
                                           "num_key_value_heads", "head_dim", "model_type")]
CONFIGS = ["bad/config_*"]
TOKENIZERS = ["bad/tokenizer_*"]
YAML = [*FILES, *(f"bad/{name}.yml" for name in ("list", "scalar", "null", "tabs", "alias", "twice", "nul", "method", "bomb"))]
JSONL = [*FILES, *(f"bad/{name}.jsonl" for name in ("list", "scalar", "half", "null", "number", "nodoc"))]
OUT = ["", "bad/noise", "bad/noise_folder", "ok.png/inside", "/proc/nothing/here", "x" * 5000]
OUT_FILE = ["", "bad/noise_folder", "ok.png/inside", "/proc/nothing/here", "x" * 5000]
NUMBERS = ["abc", "", "nan", "1e999", "-1", "99999999999999999999999999", "1 2", "０", "inf"]
WORDS = ["", "no-such", "\x1b[31mred", b"\xff\xfe", "x" * 100_000, "a=b=c", "..", "*"]
# Kinds of places: values, and the suffix of files.
KINDS = {
    "model": (MODELS, ""), "weights": (MODELS + WEIGHTS, ""), "family": (MODELS + WEIGHTS + SIZES, ""),
    "language": (MODELS + WEIGHTS + CONFIGS + TOKENIZERS, ""),
    "tokenizer": ([v for v in MODELS if ".yml" not in str(v)] + TOKENIZERS, ""),
    "yaml": (YAML, ".yml"), "jsonl": (JSONL, ".jsonl"), "out": (OUT, ""), "file": (OUT_FILE, ""), "number": (NUMBERS, ""), "word": (WORDS, ""),
    "tensors": (FILES + ["bad/sparse.safetensors", "bad/cut?.safetensors"], ".safetensors"),
    "picture": (FILES + ["bad/sparse.png", "bad/cut?.png"], ".png"), "clip": (FILES + ["bad/cut?.gif"], ".gif"),
    "sound": (FILES + ["bad/sparse.wav", "bad/cut?.wav"], ".wav"), "gguf": (FILES + ["bad/sparse.gguf"], ".gguf"),
    "run": (FILES + ["bad/noise_folder", "bad/empty.db", "bad/noise.db", "bad/huge.db", "bad/noise:1"], ".json"),
    "folder": (MODELS, ""), "stdin": ([b"\xff\xfe\n", b"[" * 200_000 + b"\n", b"{}\n", b"42\n", b'{"text": 5}\n', b'{"text": "\xff"}\n', b"{\n", b"null\n",
                                       NOISE + b"\n", b'{"ids": [-1, 1e99, "a"]}\n', b'{"messages": 5}\n', b'{"messages": [1]}\n'], ""),
    "jinja": (["bad/nothing.jinja", "bad/folder", "bad/noise.jinja", "bad/latin.jinja", "bad/huge.jinja", "bad/endless.jinja", "bad/open.jinja",
               "bad/deep.jinja", "bad/call.jinja"], ".jinja"),
}
ROW = '{"messages": [{"role": "user", "content": "hi"}]}\n'
# Good lines; {kind} marks the place after which the good value stands. An engine command takes a third of a second, so it gets fewer.
LIGHT = [
    "align --base {family}base --model {family}mllm",
    "shift {family}mllm --base {family}base --by {word}layer --threads {number}1 --csv {file}o.csv",
    "inspect {family}ok",
    "convert {weights}ok -o {out}out --dtype {word}bfloat16 --shard-size {number}5GB --threads {number}1",
    "convert {gguf}ok -o out",
    "merge {yaml}ok.yml -o {out}out --memory {number}64MiB --threads {number}1 --shard-size {number}1GB",
    "merge ok.yml -o out --set {word}dtype=float32 --shard {word}1/1",
    "recover --base {family}base --model {family}mllm -o {out}out --alpha {number}0.1 --density {number}0.5 --method {word}recover"
    " --scope {word}tensor --only {word}layers:0 --dtype {word}float32 --seed {number}1 --embeddings {word}shared",
    "verify {folder}merged",
    "preprocess {model}mllm --image {picture}ok.png -o {file}o.safetensors --resizer {word}pillow",
    "preprocess mllm --video {clip}ok.gif -o o.safetensors",
    "preprocess mllm --audio {sound}ok.wav -o o.safetensors",
    "score {word}gsm8k --responses {jsonl}ok.jsonl --response-field {word}response --gold-field {word}answer --tolerance {number}0",
    "score gsm8k --responses ok.jsonl --data {jsonl}questions.jsonl --id-field {word}id",
    "compare {run}results {run}results --tasks {word}cam_facts --confidence {number}0.9 --resamples {number}200 --html {file}o.html",
    "errors {run}results {run}results --metric {word}acc --most {number}2",
    "compare no-such no-such --store {run}results",
    "study {yaml}study.yml --out out --profile {word}lab --set {word}seeds=[1] --dry-run",
    "sweep {yaml}study.yml --out out --dry-run",
    "report {folder}out",
    "tokenize {tokenizer}ok --threads {number}1",
    "tokenize ok --json < {stdin}",
    "tokenize ok --decode --json < {stdin}",
    "tokenize ok --decode < {stdin}",
    "template {jinja}ok.jinja < " + ROW,
    "template ok.jinja --now {word}2024-07-26T10:00:00 --name {word}default < " + ROW,
    "template ok.jinja < {stdin}",
    "lab {out}out --vocabulary {number}300 --train-rows {number}5 --image-size {number}32 --models {word}llama-1m --test-rows 2 --pictures 2 --clips 2"
    " --sounds 2 --test-media 2",
]
ENGINE = [
    "heads ok --tasks {word}cam_facts --layers {word}0 --include-path tasks --data-root data",
    "graft {yaml}graft.yml -o {out}out",
    "tune {yaml}tune.yml --dry-run",
    "tune tune.yml --dry-run --set {word}seed=1",
]
# What means something after all: (first word of the line, place's kind, value).
MEANT = {
    ("recover", "number", "-1"), ("recover", "number", "99999999999999999999999999"), ("score", "number", "99999999999999999999999999"),
    ("recover", "word", "*"), ("compare", "word", "*"), ("shift", "file", "bad/noise"),
}
# Commands that print what they found wrong before they fail.
REPORTS = {"align", "study", "verify"}


def expanded(work, values, suffix):
    for value in values:
        if isinstance(value, bytes):
            yield value.replace(b"{s}", suffix.encode())
            continue
        value = value.replace("{s}", suffix)
        if value.startswith("bad/") and re.search(r"[*?]", value):
            yield from sorted(str(found.relative_to(work)) for found in work.glob(value))
        else:
            yield value


def cases(work, line):
    """(kind, option before the place, hostile value, arguments, standard input) of every place of a good line."""
    line, _, good_input = line.partition(" < ")
    words = line.split(" ")
    option = ""
    for place, word in enumerate(words):
        found = re.match(r"\{(\w+)\}", word)
        if found:
            for value in expanded(work, *KINDS[found[1]]):
                yield found[1], option, value, [value if index == place else re.sub(r"\{\w+\}", "", each) for index, each in enumerate(words)], good_input
        option = word if word.startswith("-") else ""
    if good_input.startswith("{stdin}"):
        for value in KINDS["stdin"][0]:
            yield "stdin", "", value, words, value
    if not any("{" in word for word in words) and not good_input.startswith("{stdin}"):
        raise SystemExit(f"no place in: {line}")


def limits():
    # Runaway memory is a failure of the command, not of the machine.
    resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))


def good_lines(work, cambium, lines):
    """Complaints about lines that are refused without anything hostile in them: these would test nothing."""
    for line in lines:
        line, _, given = re.sub(r"\{\w+\}", "", line).partition(" < ")
        if line.split()[0] in ("verify", "report", "convert", "graft", "tune") or "no-such" in line or not given and "<" in line:
            continue
        with tempfile.TemporaryDirectory(dir=work.parent) as place:
            for entry in work.iterdir():
                (pathlib.Path(place) / entry.name).symlink_to(entry)
            run = subprocess.run([cambium, *line.split(" ")], cwd=place, input=given.encode(), capture_output=True)
            if run.returncode:
                yield f"{line}: a good line, refused: {run.stderr.decode(errors='replace')[:300]!r}"


def complaint(work, cambium, number, line, case):
    """What is wrong with the answer to one case; nothing if it is right."""
    kind, option, value, arguments, given = case
    # A place of its own for what may be written, so that cases run beside each other.
    place = work / f"run{number}"
    place.mkdir()
    for entry in work.iterdir():
        if not entry.name.startswith("run"):
            (place / entry.name).symlink_to(entry)
    before = sorted(os.listdir(place))
    given = given.encode() if isinstance(given, str) else given
    try:
        run = subprocess.run([cambium, *arguments], cwd=place, input=given, capture_output=True, timeout=30, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        return "still running after 30 s"
    finally:
        after = sorted(os.listdir(place))
        shutil.rmtree(place)
    message = run.stderr.decode(errors="replace")
    if run.returncode == 0:
        return None if kind in ("stdin",) or (line.split()[0], kind, value) in MEANT else f"accepted: {run.stdout[:200]!r}"
    if run.returncode not in (1, 2):
        return f"exit {run.returncode}: {message[:300]!r}"
    if not message.strip():
        return "refused without a word"
    if UNCAUGHT.search(message.replace(str(value), "")):
        return f"an exception's own words: {message[:300]!r}"
    if len(message) > 3000:
        return f"a message of {len(message)} bytes: {message[:200]!r}"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", message):
        return f"control characters: {message[:300]!r}"
    if kind not in ("stdin", "number", "word") and line.split()[0] not in REPORTS and run.stdout:
        return f"refused, but printed {run.stdout[:100]!r}"
    if after != before:
        return f"left {sorted(set(after) - set(before))}: {message[:200]!r}"
    name = os.fsencode(value)[:40]
    named = [name, re.split(b"[\n:]", name)[0], os.path.basename(os.fsencode(value))[:40], option.encode().lstrip(b"-")]
    named.append(re.sub(r"[\x00-\x1f]", lambda c: f"\\x{ord(c[0]):02x}", name.decode(errors="backslashreplace")).encode() or b"empty")
    named += [os.path.dirname(os.fsencode(value))[:40], b"'" + name.split(b"=")[0] + b"'"]
    if kind not in ("stdin",) and not any(each and each in run.stderr for each in named):
        return f"names neither file nor option: {message[:300]!r}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cambium")
    parser.add_argument("--show", action="store_true", help="print every complaint")
    parser.add_argument("--only", default="", help="lines that begin so")
    options = parser.parse_args()
    cambium = str(pathlib.Path(options.cambium).resolve())
    engine = any((pathlib.Path(cambium).parent / place).exists() for place in ("../lib/libcambium_engine.so", "libcambium_engine.so"))
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder) / "work"
        work.mkdir()
        make_files(work)
        lines = [line for line in LIGHT + (ENGINE if engine else []) if line.startswith(options.only)]
        complaints += good_lines(work, cambium, lines)
        todo = [(line, case) for line in lines for case in cases(work, line)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = pool.map(lambda each: complaint(work, cambium, each[0], *each[1]), enumerate(todo))
            for (line, case), answer in zip(todo, answers):
                if answer:
                    value = case[2] if isinstance(case[2], str) else os.fsdecode(case[2])
                    complaints.append(f"{line.split()[0]} {case[1] or case[0]} {value[:60]!r}: {answer}")
                    if options.show or len(complaints) <= 10:
                        print("hostile_commands_check:", complaints[-1], flush=True)
    print(f"hostile_commands_check: {len(todo)} hostile lines, {len(complaints)} answered badly")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
