"""Writes a GGUF with the metadata of another one and the weights of a Hugging Face Llama folder in bfloat16 (norms in float32).

usage: make_bf16_gguf.py OTHER.gguf MODEL_FOLDER OUT.gguf          (needs gguf, numpy, torch, safetensors)
"""
import sys

import gguf
import numpy as np
from safetensors import safe_open

NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
         "ffn_norm": "post_attention_layernorm"}


def stored_name(name):
    if not name.startswith("blk."):
        return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{NAMES[part]}.weight"


other, folder, out = sys.argv[1:4]
reader = gguf.GGUFReader(other)
writer = gguf.GGUFWriter(out, "llama")
heads = {}
for field in reader.fields.values():
    if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type", "general.quantization_version"):
        continue
    kind = field.types[0]
    value = field.contents()
    if field.name.endswith("attention.head_count"):
        heads["attn_q"] = value
    if field.name.endswith("attention.head_count_kv"):
        heads["attn_k"] = value
    writer.add_key_value(field.name, value, kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
with safe_open(f"{folder}/model.safetensors", "pt") as weights:
    for tensor in reader.tensors:
        value = weights.get_tensor(stored_name(tensor.name)).float().numpy()
        part = tensor.name.split(".")[2] if tensor.name.startswith("blk.") else ""
        if part in heads:  # llama.cpp rotates neighbours, Hugging Face halves
            rows, columns = value.shape
            value = value.reshape(heads[part], 2, rows // heads[part] // 2, columns).swapaxes(1, 2).reshape(rows, columns)
        value = np.ascontiguousarray(value, dtype=np.float32)
        if value.ndim == 2:
            data = gguf.quants.quantize(value, gguf.GGMLQuantizationType.BF16)
            writer.add_tensor(tensor.name, data, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(tensor.name, value)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
