"""Writes tokenizer_merge.json: small tokenizers, and what mergekit 0.1.5 makes of them (python make_golden.py; needs mergekit)."""
import json
import os
import sys
import tempfile

from mergekit.common import ModelReference
from mergekit.tokenizer.build import build_tokenizer


def added(id, content, special=True, **flags):
    entry = dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=not special,
                 special=special)
    return entry | flags


def tokenizer(vocab, added_tokens, merges=(), kind="BPE"):
    if kind == "BPE":
        model = dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None,
                     fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocab, merges=[list(m) for m in merges])
    else:
        model = dict(type="Unigram", unk_id=0, vocab=[[t, -float(i)] for i, t in enumerate(vocab)], byte_fallback=False)
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added_tokens, normalizer=None,
                pre_tokenizer=dict(type="Whitespace"), post_processor=None, decoder=None, model=model)


def ids(tokens):
    return {t: i for i, t in enumerate(tokens)}


SPECIAL = [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]
BASE = ["<unk>", "<s>", "</s>", "a", "b", "c", "ab", "abc"]
MODELS = {
    # name: (files, embedding rows)
    "base": ({"tokenizer.json": tokenizer(ids(BASE), SPECIAL, [("a", "b"), ("ab", "c")]),
              "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>", eos_token="</s>")}, 8),
    # The same tokens elsewhere, one missing, two of its own (one of them added), rows for padding.
    "other": ({"tokenizer.json": tokenizer(ids(["<unk>", "<s>", "</s>", "b", "a", "d", "ab", "bd"]),
                                           SPECIAL + [added(8, "<|im_start|>"), added(9, "foo", special=False)],
                                           [("a", "b"), ("b", "d")]),
               "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>")}, 16),
    # A regular token of the base is an added one here, with blanks stripped.
    "added_elsewhere": ({"tokenizer.json": tokenizer(ids(BASE), SPECIAL + [added(5, "c", special=False, lstrip=True)],
                                                     [("a", "b"), ("ab", "c")]),
                         "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>")}, 8),
    # Another kind of tokenizer.
    "unigram": ({"tokenizer.json": tokenizer(["<unk>", "\u2581a", "b", "\u2581", "xyz"], [added(0, "<unk>")], kind="Unigram"),
                 "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>")}, 5),
    # Tokens without rows: a regular one that no merge makes (mergekit fails on those), and two added ones.
    "short": ({"tokenizer.json": tokenizer(ids(BASE + ["zz"]), SPECIAL + [added(9, "<|a|>"), added(10, "<|b|>", special=False)],
                                           [("a", "b"), ("ab", "c")]),
               "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>")}, 8),
    # Tokens that only the files beside tokenizer.json declare.
    "declared": ({"tokenizer.json": tokenizer(ids(BASE), SPECIAL, [("a", "b"), ("ab", "c")]),
                  "tokenizer_config.json": dict(
                      tokenizer_class="PreTrainedTokenizerFast", unk_token="<unk>", pad_token="<pad>",
                      added_tokens_decoder={"0": added(0, "<unk>"), "8": added(8, "<x>"),
                                            "12": added(12, "<y>", special=False)}),
                  "special_tokens_map.json": dict(mask_token="<mask>")}, 16),
}
for files, _ in MODELS.values():
    for entry in files["tokenizer_config.json"].get("added_tokens_decoder", {}).values():
        del entry["id"]

CASES = [
    dict(models=["base", "other"], source="base"),
    dict(models=["base", "other"], source="other"),
    dict(models=["base", "other"], source="union"),
    dict(models=["other", "base"], source="union"),
    dict(models=["base", "added_elsewhere"], source="union"),
    dict(models=["base", "added_elsewhere", "other"], source="union", tokens=["<new>", "a", "second"]),
    dict(models=["base", "unigram"], source="union"),
    dict(models=["unigram", "base"], source="union"),
    dict(models=["short", "base"], source="base"),
    dict(models=["short", "other"], source="union"),
    dict(models=["base", "short"], source="short"),
    dict(models=["base", "short"], source="union", tokens=["q"]),
    dict(models=["declared", "base"], source="base"),
    dict(models=["base", "declared"], source="union"),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, (files, rows) in MODELS.items():
            path = os.path.join(folder, name)
            os.makedirs(path)
            config = dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=rows, hidden_size=8,
                          num_attention_heads=2, num_hidden_layers=1, intermediate_size=8)
            for file, content in dict(files, **{"config.json": config}).items():
                with open(os.path.join(path, file), "w") as out:
                    json.dump(content, out)
        for case in CASES:
            refs = {name: ModelReference.model_validate(os.path.join(folder, name)) for name in case["models"]}
            source = case["source"]
            info = build_tokenizer(refs[case["models"][0]], list(refs.values()),
                                   source if source in ("base", "union") else refs[source], False,
                                   add_tokens=case.get("tokens", []))
            vocab = info.tokenizer.get_vocab()
            tokens = {i: t for t, i in vocab.items()}
            case["vocab"] = [tokens.get(i) for i in range(max(tokens) + 1)]
            case["added"] = sorted(
                [[t.content, t.special, t.normalized, t.lstrip] for t in info.tokenizer.added_tokens_decoder.values()])
            case["rows"] = {name: {tokens[i]: row for i, row in info.permutations[ref].items() if row >= 0}
                            for name, ref in refs.items()}
            case["ids"] = {text: info.tokenizer(text, add_special_tokens=False)["input_ids"] for text in ["abc ab c", "a foo c<x>"]}
    models = {name: dict(files={file: json.dumps(content, ensure_ascii=False) for file, content in files.items()}, rows=rows)
              for name, (files, rows) in MODELS.items()}
    with open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "tokenizer_merge.json"), "w") as out:
        json.dump(dict(models=models, cases=CASES), out, indent=1, ensure_ascii=False)
        out.write("\n")


main()
