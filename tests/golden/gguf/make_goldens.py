#!/usr/bin/env python3
"""Makes the GGUF files of this folder, and on request others for a check against transformers.

    make_goldens.py blocks                     blocks.gguf: blocks of every type that is read, and what they mean
    make_goldens.py model FOLDER OUT.gguf      a Hugging Face folder as llama.cpp's converter writes it
        [--type BF16] [--parts N] [--pre NAME] [--window] [--name NAME]
    make_goldens.py expect FOLDER OUT.json     what converting that file has to give back: hashes of the tensors in
                                               bfloat16, configs, tokenizer

Needs gguf 0.19, numpy, torch, safetensors, xxhash. llama3.gguf (--pre llama-bpe), qwen3-*.gguf (--parts 2 --pre
qwen2) and gemma3.gguf, all of --type BF16, and NAME.expected.json were made from the tiny models llama3, qwen3 and
gemma3_text of the project's model fixtures, whose weights bfloat16 holds exactly.

What the converter does, and `model` does likewise: tensors renamed; rows of llama's and mistral's q and k
reordered for interleaved rotary pairs; 1 added to gemma's norm weights; vectors kept in F32; divisors of the
rotary frequencies of Llama 3.1 written as a tensor; fillers [PADn] for unused rows of the embedding.
"""
import argparse
import json
import math
import pathlib
import re

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

HERE = pathlib.Path(__file__).parent


# ---------------------------------------------------------------------------------------------- blocks of each type
def random_blocks(kind: Type, count: int, random: np.random.Generator) -> np.ndarray:
    """Valid blocks of a type that the package cannot quantise: any bits, but small finite scales."""
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    offsets = {Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}[kind]
    for offset in offsets:
        scales = random.normal(0, 0.02, count).astype(np.float16)
        scales[0] = np.float16(3e-7)  # a subnormal one
        blocks[:, offset:offset + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks


def make_blocks() -> None:
    random = np.random.default_rng(20240101)
    writer = gguf.GGUFWriter(str(HERE / "blocks.gguf"), "llama")
    for kind in (Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0):
        values = (random.standard_t(4, (3, 64)) * 0.05).astype(np.float32)
        stored = gguf.quantize(values, kind)
        writer.add_tensor(kind.name, stored, raw_dtype=kind)
        writer.add_tensor(kind.name + ".values", gguf.dequantize(stored, kind).astype(np.float32))
    for kind in (Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K):
        stored = random_blocks(kind, 4, random).reshape(2, -1)
        writer.add_tensor(kind.name, stored, raw_dtype=kind)
        writer.add_tensor(kind.name + ".values", gguf.dequantize(stored, kind).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ------------------------------------------------------------------------------------------------------ whole models
LAYER = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "self_attn.qkv_proj": "attn_qkv", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.gate_up_proj": "ffn_up",
    "post_attention_layernorm": "ffn_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
MODEL = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
ARCHITECTURE = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "phi3": "phi3",
                "gemma": "gemma", "gemma2": "gemma2", "gemma3_text": "gemma3"}


def gguf_name(name: str, model_type: str) -> str:
    stem, _, suffix = name.rpartition(".")
    if stem in MODEL:
        return f"{MODEL[stem]}.{suffix}"
    layer, rest = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", stem).groups()
    if model_type in ("gemma2", "gemma3_text") and rest == "post_attention_layernorm":
        return f"blk.{layer}.post_attention_norm.{suffix}"
    return f"blk.{layer}.{LAYER[rest]}.{suffix}"


def interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    rows = weight.shape[0] // heads
    return weight.reshape(heads, 2, rows // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def read_tensors(folder: pathlib.Path) -> dict[str, np.ndarray]:
    from safetensors.torch import load_file
    tensors = {}
    for shard in sorted(folder.glob("model*.safetensors")):
        tensors.update({name: value.float().numpy() for name, value in load_file(shard).items()})
    return tensors


def llama3_divisors(rope: dict, head_dim: int) -> np.ndarray:
    """Float32 arithmetic as the converter's."""
    frequencies = 1.0 / (np.float32(rope["rope_theta"]) ** (np.arange(0, head_dim, 2, dtype=np.float32) / head_dim))
    low, high = rope.get("low_freq_factor", 1.0), rope.get("high_freq_factor", 4.0)
    context = rope["original_max_position_embeddings"]
    divisors = []
    for frequency in frequencies:
        wave = 2 * math.pi / frequency
        if wave < context / high:
            divisors.append(1)
        elif wave > context / low:
            divisors.append(rope["factor"])
        else:
            smooth = (context / wave - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(divisors, dtype=np.float32)


def add_numbers(writer: gguf.GGUFWriter, config: dict, model_type: str) -> None:
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if config.get("head_dim"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    rope = config["rope_parameters"]
    full = rope.get("full_attention", rope)
    writer.add_rope_freq_base(full["rope_theta"])
    if "sliding_attention" in rope:
        writer.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
    if full["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(full["factor"])
    if full["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(full["factor"])
        writer.add_rope_scaling_orig_ctx_len(full["original_max_position_embeddings"])
    if model_type in ("llama", "mistral"):
        writer.add_vocab_size(config["vocab_size"])
        writer.add_rope_dimension_count(head_dim)
    if model_type == "phi3":
        writer.add_rope_dimension_count(int(full.get("partial_rotary_factor", 1.0) * head_dim))
        writer.add_rope_scaling_orig_ctx_len(config["original_max_position_embeddings"])
    if model_type in ("gemma2", "gemma3_text", "phi3") or config.get("state_window"):
        writer.add_sliding_window(config["sliding_window"] or 0)
    if model_type == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if model_type in ("gemma2", "gemma3_text"):
        # Only where llama.cpp's rules would give something else.
        if config["query_pre_attn_scalar"] != head_dim:
            writer.add_attention_scale(config["query_pre_attn_scalar"] ** -0.5)
        period = 2 if model_type == "gemma2" else 6
        sliding = [kind == "sliding_attention" for kind in config["layer_types"]]
        if sliding != [(i + 1) % period != 0 for i in range(len(sliding))]:
            writer.add_sliding_window_pattern(sliding)


def add_tokenizer(writer: gguf.GGUFWriter, folder: pathlib.Path, config: dict, pre: str, name: str) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    sentence_piece = tokenizer["model"].get("byte_fallback", False)
    by_id = {i: token for token, i in tokenizer["model"]["vocab"].items()}
    added = {entry["id"]: entry for entry in tokenizer["added_tokens"]}
    # As SentencePiece scores them: by the rank of the merge that makes a token; what no merge makes comes last.
    ranks = {}
    for rank, pair in enumerate(tokenizer["model"].get("merges", [])):
        ranks.setdefault("".join(pair if isinstance(pair, list) else pair.split(" ", 1)), rank)
    tokens, types, scores = [], [], []
    for i in range(config["vocab_size"]):
        kind, token = gguf.TokenType.NORMAL, by_id.get(i, f"[PAD{i}]")
        if i in added:
            token = added[i]["content"]
            kind = gguf.TokenType.CONTROL if added[i]["special"] else gguf.TokenType.USER_DEFINED
            if kind == gguf.TokenType.USER_DEFINED:
                token = token.replace("\u2581", " ")
            if sentence_piece and token == tokenizer["model"]["unk_token"]:
                kind = gguf.TokenType.UNKNOWN
        elif i not in by_id:
            kind = gguf.TokenType.UNUSED
        elif sentence_piece and re.fullmatch(r"<0x[0-9A-F]{2}>", token):
            kind = gguf.TokenType.BYTE
        tokens.append(token.encode())
        types.append(kind)
        scores.append(float(-ranks.get(token, 1e6 + i)) if kind == gguf.TokenType.NORMAL else -1000.0)
    writer.add_tokenizer_model("llama" if sentence_piece else "gpt2")
    writer.add_tokenizer_pre("default" if sentence_piece else pre)
    writer.add_token_list(tokens)
    if sentence_piece:
        writer.add_token_scores(scores)
    writer.add_token_types(types)
    vocabulary = gguf.SpecialVocab(folder, load_merges=not sentence_piece, n_vocab=len(tokens))
    vocabulary.add_to_gguf(writer, quiet=True)
    if name.startswith("gemma"):
        writer.add_add_space_prefix(False)


def make_model(args: argparse.Namespace) -> None:
    folder = pathlib.Path(args.folder)
    config = json.loads((folder / "config.json").read_text())
    config["state_window"] = args.window
    model_type = config["model_type"]
    architecture = ARCHITECTURE[model_type]
    kind = Type[args.type]
    split = 0 if args.parts == 1 else -(-(len(read_tensors(folder))) // args.parts)
    writer = gguf.GGUFWriter(args.out, architecture, split_max_tensors=split)
    writer.add_type("model")
    writer.add_name(args.name or model_type)
    add_numbers(writer, config, model_type)
    add_tokenizer(writer, folder, config, args.pre, architecture)
    writer.add_quantization_version(2)
    rope = config["rope_parameters"]
    if rope.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, config["head_dim"]))
    for name, value in read_tensors(folder).items():
        if model_type in ("llama", "mistral"):
            if ".q_proj." in name:
                value = interleave(value, config["num_attention_heads"])
            if ".k_proj." in name:
                value = interleave(value, config["num_key_value_heads"])
        if model_type.startswith("gemma") and name.endswith("norm.weight"):
            value = value + 1
        used = kind
        if value.ndim == 1:
            used = Type.F32
        elif value.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0] != 0:
            used = Type.F16
        writer.add_tensor(gguf_name(name, model_type), gguf.quantize(np.ascontiguousarray(value), used), raw_dtype=used)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ----------------------------------------------------------------------------------------------- what to expect back
def content_hash(value) -> str:
    """As cambium::checkpoint::hash_tensor: type and shape, then the hash of each MiB."""
    import torch
    import xxhash
    data = value.to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()
    text = f"BF16[{', '.join(str(size) for size in value.shape)}]\n".encode()
    blocks = (xxhash.xxh3_128(data[i:i + (1 << 20)]).digest() for i in range(0, len(data), 1 << 20))
    return xxhash.xxh3_128(text + b"".join(blocks)).hexdigest()


def make_expectation(args: argparse.Namespace) -> None:
    from safetensors.torch import load_file
    folder = pathlib.Path(args.folder)
    expected = {"tensors": {}}
    for shard in sorted(folder.glob("model*.safetensors")):
        expected["tensors"].update({name: content_hash(value) for name, value in load_file(shard).items()})
    for name in ("config", "generation_config", "tokenizer", "tokenizer_config"):
        expected[name] = json.loads((folder / f"{name}.json").read_text())
    expected["chat_template"] = (folder / "chat_template.jinja").read_text()
    pathlib.Path(args.out).write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("blocks")
    model = commands.add_parser("model")
    model.add_argument("folder")
    model.add_argument("out")
    model.add_argument("--type", default="F32")
    model.add_argument("--parts", type=int, default=1)
    model.add_argument("--pre", default="gpt-2", help="tokenizer.ggml.pre of a byte-level tokenizer")
    model.add_argument("--name", help="general.name")
    model.add_argument("--window", action="store_true", help="state the sliding window of a mistral model")
    expect = commands.add_parser("expect")
    expect.add_argument("folder")
    expect.add_argument("out")
    args = parser.parse_args()
    {"blocks": lambda _: make_blocks(), "model": make_model, "expect": make_expectation}[args.command](args)


if __name__ == "__main__":
    main()
