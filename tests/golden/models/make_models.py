"""Makes the tiny models of this folder with the outputs that transformers gives for them.

usage: make_models.py OUT_FOLDER          (transformers 5.23, torch 2.15; CPU, float32, eager attention)

Each NAME/ is a checkpoint (config.json, model.safetensors) and golden.safetensors: a batch of two prompts, the shorter one padded on the
left (input_ids, attention_mask, logits), the hidden states of the longer one, and its greedy continuation (generated_ids).
"""
import json
import os
import sys

import torch
import transformers as tf
from safetensors.torch import save_file

BASE = dict(vocab_size=61, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=64, initializer_range=0.25, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GEMMA = dict(BASE, head_dim=8, query_pre_attn_scalar=9, sliding_window=5)
HALF = [1.0, 1.5, 2.0]
MODELS = {
    "llama_biases": (tf.LlamaConfig, dict(BASE, attention_bias=True, mlp_bias=True, head_dim=10)),
    "llama_linear": (tf.LlamaConfig, dict(BASE, rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0})),
    "llama_dynamic": (tf.LlamaConfig, dict(BASE, max_position_embeddings=16, rope_parameters={"rope_type": "dynamic", "factor": 3.0, "rope_theta": 10000.0})),
    "llama_yarn": (tf.LlamaConfig, dict(BASE, rope_parameters={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 10000.0})),
    "llama_yarn_scales": (tf.LlamaConfig, dict(BASE, hidden_size=64, rope_parameters={"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32, "mscale": 0.8, "mscale_all_dim": 0.5, "beta_fast": 16.0, "beta_slow": 2.0, "truncate": False, "rope_theta": 1000.0})),
    "llama_llama3": (tf.LlamaConfig, dict(BASE, hidden_size=32, rope_parameters={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 100.0})),
    "phi3_longrope": (tf.Phi3Config, dict(BASE, original_max_position_embeddings=40, rope_parameters={"rope_type": "longrope", "short_factor": HALF, "long_factor": [2.0, 4.0, 6.0], "rope_theta": 10000.0})),
    "phi3_partial": (tf.Phi3Config, dict(BASE, hidden_size=32, sliding_window=9, rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.75, "rope_theta": 10000.0})),
    "mistral_open": (tf.MistralConfig, dict(BASE, sliding_window=None, head_dim=8)),
    "qwen2_sliding": (tf.Qwen2Config, dict(BASE, use_sliding_window=True, sliding_window=7, max_window_layers=1, tie_word_embeddings=True)),
    "qwen3": (tf.Qwen3Config, dict(BASE, head_dim=12)),
    "gemma2": (tf.Gemma2Config, dict(GEMMA, attn_logit_softcapping=3.0, final_logit_softcapping=6.0)),
    "gemma3_text": (tf.Gemma3TextConfig, dict(GEMMA, num_hidden_layers=3, layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    "gpt2_scaled": (tf.GPT2Config, dict(vocab_size=61, n_embd=24, n_layer=2, n_head=4, n_positions=64, scale_attn_by_inverse_layer_idx=True, initializer_range=0.25, bos_token_id=1, eos_token_id=2)),
    "gpt_neox_sequential": (tf.GPTNeoXConfig, dict(vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64, use_parallel_residual=False, hidden_act="gelu", rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.25, "rope_theta": 10000.0}, initializer_range=0.25, bos_token_id=1, eos_token_id=2)),
    "gpt_neox_parallel": (tf.GPTNeoXConfig, dict(vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=64, rope_parameters={"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5, "rope_theta": 10000.0}, initializer_range=0.25, bos_token_id=1, eos_token_id=2)),
}
LONG, SHORT, NEW = 36, 21, 12


def make(name, folder):
    kind, sizes = MODELS[name]
    torch.manual_seed(sum(map(ord, name)))
    config = kind(**sizes)
    config._attn_implementation = "eager"
    model = tf.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for key, value in model.named_parameters():  # biases and norms that do something
        if value.dim() == 1:
            value.data += 0.1 * torch.randn_like(value)
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    for extra in os.listdir(folder):
        if extra not in ("config.json", "model.safetensors"):
            os.remove(f"{folder}/{extra}")
    ids = torch.randint(3, 61, (2, LONG))
    mask = torch.ones_like(ids)
    mask[1, : LONG - SHORT] = 0
    ids[1, : LONG - SHORT] = 0
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        batch = model(input_ids=ids, attention_mask=mask, position_ids=positions)
        alone = model(input_ids=ids[:1], output_hidden_states=True)
        new = model.generate(ids[:1], attention_mask=mask[:1], max_new_tokens=NEW, do_sample=False, eos_token_id=-1, pad_token_id=0)
    save_file({"input_ids": ids, "attention_mask": mask, "logits": batch.logits.contiguous(),
               "hidden_states": torch.stack(alone.hidden_states).contiguous(), "generated_ids": new[:, LONG:].contiguous()},
              f"{folder}/golden.safetensors")
    print(name, f"largest logit {batch.logits.abs().max():.1f}", new[0, LONG:].tolist())


if __name__ == "__main__":
    for one in MODELS:
        make(one, os.path.join(sys.argv[1], one))
