#!/usr/bin/env python3
"""Trains small tokenizers of the kinds found in the wild and records what Hugging Face's `tokenizers` gives for texts.json.

usage: make_tokenizers.py          (tokenizers 0.23.3, sentencepiece)

Writes NAME.json (the tokenizer) and NAME.golden.jsonl beside itself, a row for each text: ids without special tokens, offsets in code
points, ids with special tokens, and those decoded with and without special tokens; behind them rows of random ids, decoded.
tests/unit/text/tokenizer_golden_test.cpp reads them.
"""
import io
import json
import pathlib
import random

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
N, P, D, R = normalizers, pre_tokenizers, decoders, processors
SENTENCES = [
    "A graft joins two plants that never met; the lower one keeps its roots in the soil.",
    "The layers touch, the layers grow together, and within three weeks there is a bridge between them.",
    "I'm sure you've seen it: she'd said that they'll come, he's gone, we're here, don't ask.",
    "def share(taken, lost):\n    return taken / (taken + lost) if taken + lost else 0.0\n\n",
    "for (int i = 0; i < 10; ++i) {\n\tsum += values[i] * 2;\n}\n",
    "In 2019 there were 1,234 trees, 57 grafts and 3.5 m of rope; 91 % took.",
    "Le cambium est une fine couche verte entre l'écorce et le bois; il faut qu'elle soit humide.",
    "Die Schnittflächen müssen glatt sein, sonst wächst das Reis nicht an.",
    "Камбий лежит между корой и древесиной, и только там растения срастаются.",
    "形成層は樹皮と木材の間にあります。接ぎ木は春に行います。",
    "嫁接在春天进行,树皮容易剥离。", "접목은 봄에 합니다.", "الطعم ينمو مع الجذر.", "कलम वसंत में लगाई जाती है।", "🌳 🍎 👩‍🌾 grows 🌱",
    "{\"name\": \"Boskoop\", \"stock\": [\"M26\", \"M9\"], \"year\": null}",
    "HTTPServer snake_case CONSTANT 0xFF https://example.org/a?b=1#c user@example.org",
    "Résumé, naïve, Ångström, ﬁne, ½ cup, x² + y², Ⅳ, ①, ｶﾞﾗｽ",
]
WORDS = ("graft the of bark wood don't we'll I'M x1 2024 3.5 12345 naïve straße камбий 形成層 嫁接 접목 الجذر कलम ไม้ 🌳 👩‍🌾 ½ № foo_bar fooBar <b> && == ... "
         "!!! — “q” (x) [y] {z} # @me $3 e\u0301 ﬁ Å \u212b ǆ İ ΑΣ <s> </s> <mask> [MASK] <extra> NORM mid  ").split(" ")
GAPS = [" ", " ", " ", "", "  ", "    ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u00a0", "\u3000", ", ", ". "]


def texts():
    rng = random.Random(1)
    made = ["", " ", "   ", "\n\n\n", "\t \n", " leading", "trailing  ", "a" * 70, "!" * 40, " " * 30, "0" * 25, "é" * 20, "あ" * 20, "😀" * 9, "a\u0300" * 6,
            "don't DON'T ''s 's 'Tis", "cafe\u0301 caf\u00e9", "İstanbul ΟΔΟΣ ǅ", "1 12 123 1234 12345", "a\u200bb\u00adc\ufeffd", "a\x00b\x01c", "\U0010ffff\ue000\ufffd",
            "<s>x</s>", " <mask> y<mask>z ", "wordmid mid mids", "NORM norm Norm", "<extra>  <extra>", "▁a ▁▁b", "Ġhello Ċ", "##ing </w>", "<0x0A><0xE2>", "ไม้ติดตา", "नमस्ते"]
    made += SENTENCES
    for _ in range(30):
        made.append("".join(rng.choice(WORDS) + rng.choice(GAPS) for _ in range(rng.randrange(2, 12))))
    ranges = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0x97F), (0x2000, 0x206F), (0x2100, 0x214F), (0x3040, 0x30FF),
              (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFF00, 0xFFEF), (0x1F300, 0x1F6FF)]
    for _ in range(20):
        made.append("".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randrange(1, 25))))
    return made


def byte_level(size, pre, post=None, normalizer=None, **bpe):
    tokenizer = Tokenizer(models.BPE(**bpe))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = D.ByteLevel()
    extra = {"end_of_word_suffix": bpe["end_of_word_suffix"]} if "end_of_word_suffix" in bpe else {}
    tokenizer.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=sorted(P.ByteLevel.alphabet()), **extra))
    if post is not None:
        tokenizer.post_processor = post
    return tokenizer


def split(*patterns):
    return P.Sequence([P.Split(Regex(pattern), "isolated") for pattern in patterns] + [P.ByteLevel(add_prefix_space=False, use_regex=False)])


CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>"]


def mixed_tokens(tokenizer):
    tokenizer.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True), AddedToken("<extra>", rstrip=True, special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("NORM", normalized=True), AddedToken("mid", single_word=True, normalized=False), AddedToken("    ", normalized=False)])
    return tokenizer


def template(tokenizer, single, pair):
    names = sorted({word.split(":")[0] for word in (single + " " + pair).split() if not word.startswith("$")})
    return R.TemplateProcessing(single=single, pair=pair, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])


def llama3():
    made = mixed_tokens(byte_level(420, split(LLAMA3), ignore_merges=True))
    made.post_processor = R.Sequence([R.ByteLevel(trim_offsets=False), template(made, "<s> $A", "<s> $A <s>:1 $B:1")])
    return made


def qwen2():
    return mixed_tokens(byte_level(420, split(QWEN2), R.ByteLevel(trim_offsets=False), N.NFC()))


def gpt2():
    return mixed_tokens(byte_level(420, P.ByteLevel(add_prefix_space=False), R.ByteLevel(trim_offsets=True)))


def o200k():
    return byte_level(420, split(O200K))


def deepseek():
    return mixed_tokens(byte_level(420, P.Sequence([P.Split(Regex(x), "isolated") for x in (r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺΆΈ-ΊΌΎ-ΡΣ-ϵА-ԯ]+", r"\s?[!-/:-~！-／]+", r"\s+$", r"[一-龥가-힣]+")]
                                              + [P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False, use_regex=False)])))


def falcon():
    return byte_level(420, P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(individual_digits=False), P.Split(Regex("[0-9][0-9][0-9]"), "isolated")]),
                      R.ByteLevel(trim_offsets=True, add_prefix_space=False))


def starcoder():
    return byte_level(420, P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]))


def roberta():
    made = byte_level(420, P.ByteLevel(add_prefix_space=True))
    made.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True)])
    made.post_processor = R.RobertaProcessing(("</s>", made.token_to_id("</s>")), ("<s>", made.token_to_id("<s>")), trim_offsets=True, add_prefix_space=True)
    return made


def clip():
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    return byte_level(620, P.Sequence([P.Split(Regex(pattern), "removed", invert=True), P.ByteLevel(add_prefix_space=False)]),
                      normalizer=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]), end_of_word_suffix="</w>")


def bloom():
    return byte_level(420, split(r" ?[^(\s|[.,!?…。，、।۔،])]+"))


def characters(size, pre, normalizer=None, **bpe):
    """Byte-pair encoding over characters with byte fallback, as Llama 2, Gemma, Phi-3 have it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True, **bpe))
    if normalizer is not None:
        tokenizer.normalizer = N.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=size, show_progress=False, limit_alphabet=90,
                                                                     special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return tokenizer


def llama2():
    made = characters(560, P.Split("▁", "merged_with_next"), N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]))
    made = Tokenizer.from_str(json.dumps({**json.loads(made.to_str()), "pre_tokenizer": None}))
    made.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    made.post_processor = template(made, "<s> $A", "<s> $A <s>:1 $B:1")
    return mixed_tokens(made)


def llama2_new():
    made = characters(560, P.Metaspace("▁", "first", False))
    made.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    made.post_processor = template(made, "<s> $A", "<s> $A </s> $B:1")
    return mixed_tokens(made)


def gemma():
    made = characters(560, P.Split(" ", "merged_with_previous"), N.Replace(" ", "▁"))
    made.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()])
    made.post_processor = template(made, "<s> $A", "<s> $A <s>:1 $B:1")
    return made


def unigram(rule, byte_fallback=False):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([s.replace("\n", " ") for s in SENTENCES] * 4), model_writer=model, vocab_size=800, model_type="unigram",
                                             normalization_rule_name=rule, character_coverage=0.98, hard_vocab_limit=False, byte_fallback=byte_fallback, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], unk_id=proto.trainer_spec.unk_id, byte_fallback=byte_fallback))
    return tokenizer, proto.normalizer_spec.precompiled_charsmap


def t5():
    made, charsmap = unigram("nmt_nfkc")
    made.normalizer = N.Sequence([N.Precompiled(charsmap), N.Strip(left=False, right=True), N.Replace(Regex(" {2,}"), "▁")])
    made.pre_tokenizer = P.Metaspace("▁", "always")
    made.decoder = D.Metaspace("▁", "always")
    made.add_special_tokens(["<unk>", "<s>", "</s>", "<extra>"])
    made.post_processor = template(made, "$A </s>", "$A </s> $B </s>")
    return made


def xlm_roberta():
    made, _ = unigram("nfkc")
    made.normalizer = N.Sequence([N.NFKC(), N.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Metaspace("▁", "always")])
    made.decoder = D.Metaspace("▁", "always")
    made.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True)])
    made.post_processor = template(made, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    return made


def unigram_bytes():
    made, _ = unigram("identity", byte_fallback=True)
    made.normalizer = N.Sequence([N.Nmt(), N.NFKD(), N.Replace(" ", "▁"), N.Prepend("▁")])
    made.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    return made


def bert(lowercase):
    made = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    made.normalizer = N.BertNormalizer(lowercase=lowercase)
    made.pre_tokenizer = P.BertPreTokenizer()
    made.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=420, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    made.decoder = D.WordPiece(prefix="##", cleanup=lowercase)
    made.post_processor = template(made, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1") if lowercase else R.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def word_level():
    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.normalizer = N.Sequence([N.NFD(), N.Lowercase(), N.StripAccents(), N.Strip()])
    made.pre_tokenizer = P.Sequence([P.Whitespace(), P.Punctuation("merged_with_previous")])
    made.train_from_iterator(SENTENCES, trainers.WordLevelTrainer(vocab_size=200, show_progress=False, special_tokens=["[UNK]"]))
    return made


def prefixed():
    made = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    made.normalizer = N.NFKC()
    made.pre_tokenizer = P.Sequence([P.Split(Regex(r"[aeiou]|\s"), "merged_with_next", invert=True), P.CharDelimiterSplit("t")])
    made.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]"], limit_alphabet=90, continuing_subword_prefix="##"))
    made.decoder = D.BPEDecoder("e")
    return made


MADE = {"llama3": llama3, "qwen2": qwen2, "gpt2": gpt2, "o200k": o200k, "deepseek": deepseek, "falcon": falcon, "starcoder": starcoder, "roberta": roberta, "clip": clip,
        "bloom": bloom, "llama2": llama2, "llama2_new": llama2_new, "gemma": gemma, "t5": t5, "xlm_roberta": xlm_roberta, "unigram_bytes": unigram_bytes,
        "bert_uncased": lambda: bert(True), "bert_cased": lambda: bert(False), "word_level": word_level, "prefixed": prefixed}


def main():
    lines = texts()
    (HERE / "texts.json").write_text(json.dumps(lines, ensure_ascii=True, indent=0) + "\n", encoding="utf-8")
    for name, make in MADE.items():
        content = make().to_str()
        (HERE / f"{name}.json").write_text(content + "\n", encoding="utf-8")
        tokenizer = Tokenizer.from_str(content)
        rng = random.Random(name)
        with open(HERE / f"{name}.golden.jsonl", "w", encoding="utf-8") as file:
            for text in lines:
                plain, full = tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(text)
                row = {"ids": plain.ids, "offsets": [list(pair) for pair in plain.offsets], "ids_special": full.ids,
                       "decoded": tokenizer.decode(full.ids, skip_special_tokens=False), "decoded_skip": tokenizer.decode(full.ids)}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
            for _ in range(12):
                ids = [rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(1, 12))]
                row = {"decode_ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False), "decoded_skip": tokenizer.decode(ids)}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
        print(name, len(content))


main()
