"""Writes small models, LoRA adapters on them, and what PEFT's merge_and_unload gives (python make_golden.py; needs peft, transformers)."""
import json
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

HERE = os.path.dirname(os.path.abspath(__file__))
LLAMA = dict(model_type="llama", hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, vocab_size=40, max_position_embeddings=64)
BASES = {
    "llama": (LLAMA, torch.float32),
    "llama_bf16_tied": (dict(LLAMA, tie_word_embeddings=True), torch.bfloat16),
    "gpt2": (dict(model_type="gpt2", n_embd=16, n_layer=1, n_head=2, vocab_size=40, n_positions=16), torch.float32),
    "phi3": (dict(LLAMA, model_type="phi3", pad_token_id=0), torch.float32),
    "llava": (dict(model_type="llava", image_token_index=39, text_config=dict(LLAMA, tie_word_embeddings=False),
                   vision_config=dict(model_type="clip_vision_model", hidden_size=8, intermediate_size=16, num_hidden_layers=2,
                                      num_attention_heads=2, image_size=8, patch_size=4, projection_dim=8)), torch.float32),
}
CASES = {
    # name: (base, LoraConfig)
    "attention": ("llama", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    "patterns": ("llama", dict(r=3, lora_alpha=5, use_rslora=True, target_modules="all-linear",
                               rank_pattern={"mlp.down_proj": 2, r"layers\.1\.self_attn\.[qk]_proj": 5},
                               alpha_pattern={"^model.layers.0.mlp.gate_proj": 16, "o_proj": 1.5})),
    "embedding": ("llama", dict(r=4, lora_alpha=4, target_modules=["embed_tokens", "up_proj"], modules_to_save=["lm_head"])),
    "bf16_tied_head": ("llama_bf16_tied", dict(r=4, lora_alpha=16, target_modules=["lm_head", "k_proj"])),
    "conv1d": ("gpt2", dict(r=4, lora_alpha=8, target_modules=["c_attn", "c_proj", "wte"], fan_in_fan_out=True)),
    "bias": ("gpt2", dict(r=2, lora_alpha=8, target_modules=["c_fc"], fan_in_fan_out=True, bias="all")),
    "fused": ("phi3", dict(r=4, lora_alpha=8, target_modules=["qkv_proj", "gate_up_proj"])),
    "tower": ("llava", dict(r=2, lora_alpha=8, target_modules=r".*(vision_tower.*\.(q_proj|fc1|patch_embedding)|language_model.*\.q_proj|linear_1)")),
}


def build(spec):
    config = AutoConfig.for_model(**spec)
    kind = AutoModelForImageTextToText if spec["model_type"] == "llava" else AutoModelForCausalLM
    return kind.from_config(config), kind


def read(folder):
    with safe_open(os.path.join(folder, "model.safetensors"), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def main():
    for number, (name, (spec, dtype)) in enumerate(BASES.items()):
        torch.manual_seed(number)
        folder = os.path.join(HERE, "bases", name)
        shutil.rmtree(folder, ignore_errors=True)
        model, _ = build(spec)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        model.to(dtype).save_pretrained(folder)
        for file in os.listdir(folder):
            if file not in ("config.json", "model.safetensors"):
                os.remove(os.path.join(folder, file))
    for number, (name, (base, settings)) in enumerate(CASES.items()):
        torch.manual_seed(100 + number)
        folder = os.path.join(HERE, "cases", name)
        shutil.rmtree(folder, ignore_errors=True)
        _, kind = build(BASES[base][0])
        base_folder = os.path.join(HERE, "bases", base)
        model = get_peft_model(kind.from_pretrained(base_folder, dtype=BASES[base][1]), LoraConfig(**settings))
        for key, parameter in model.named_parameters():
            if "lora_" in key or "modules_to_save" in key or (settings.get("bias") == "all" and key.endswith("bias")):
                torch.nn.init.normal_(parameter, std=0.3)
        model.save_pretrained(folder)
        config_file = os.path.join(folder, "adapter_config.json")
        config = json.load(open(config_file))
        config["base_model_name_or_path"] = base
        json.dump(config, open(config_file, "w"), indent=1, sort_keys=True)
        if os.path.exists(os.path.join(folder, "README.md")):
            os.remove(os.path.join(folder, "README.md"))
        merged = os.path.join(folder, "merged")
        model.merge_and_unload().save_pretrained(merged)
        before, after = read(base_folder), read(merged)
        assert before.keys() == after.keys(), before.keys() ^ after.keys()
        shutil.rmtree(merged)
        save_file({key: value.contiguous() for key, value in after.items() if not torch.equal(value, before[key])},
                  os.path.join(folder, "expected.safetensors"))


main()
