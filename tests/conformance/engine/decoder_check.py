#!/usr/bin/env python3
"""Tiny decoders of random sizes and switches, in both spellings of config.json: logits and greedy ids against transformers in float32.

usage: decoder_check.py CAMBIUM [--seed N] [--cases N per family] [--only FAMILY] [--keep FOLDER]      (torch, transformers 5.x)
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

TOLERANCE, RELATIVE = 1e-4, 1e-5  # of the largest logit: weights this large make sharp softmaxes, which pass on every rounding
NEW_TOKENS = 10


def sizes(rng, kind):
    heads = rng.choice([1, 2, 3, 4, 6])
    kv = rng.choice([k for k in range(1, heads + 1) if heads % k == 0])
    head_dim = rng.choice([4, 8, 10, 12, 16, 34])
    return dict(vocab_size=rng.choice([51, 64, 97]), hidden_size=heads * rng.choice([4, 7, 12]), intermediate_size=rng.choice([17, 32, 50]),
                num_hidden_layers=rng.choice([1, 2, 3, 5]), num_attention_heads=heads, num_key_value_heads=kv, head_dim=head_dim,
                max_position_embeddings=64, initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0,
                tie_word_embeddings=rng.random() < 0.5, rms_norm_eps=rng.choice([1e-5, 1e-6, 1e-3]))


def even_hidden(made):
    """Phi-3, GPT-2 and GPT-NeoX derive head_dim from the hidden size (those configs know no other)."""
    made["hidden_size"] = made["num_attention_heads"] * made.pop("head_dim")
    return made


def rope(rng, made, dim, kinds):
    kind = rng.choice(kinds)
    theta = rng.choice([10000.0, 500.0, 1e6])
    if kind == "default":
        return {"rope_type": "default", "rope_theta": theta}
    if kind == "linear":
        return {"rope_type": "linear", "factor": rng.choice([2.0, 4.0, 1.5]), "rope_theta": theta}
    if kind == "dynamic":
        made["max_position_embeddings"] = rng.choice([32, 36])
        return {"rope_type": "dynamic", "factor": rng.choice([2.0, 4.0]), "rope_theta": theta}
    if kind == "yarn":
        found = {"rope_type": "yarn", "factor": rng.choice([2.0, 4.0, 8.0]), "original_max_position_embeddings": rng.choice([16, 32]), "rope_theta": theta}
        for field, values in (("beta_fast", [16.0, 32.0]), ("beta_slow", [1.0, 2.0]), ("attention_factor", [1.2]), ("mscale", [0.7]),
                              ("mscale_all_dim", [0.9]), ("truncate", [True, False])):
            if rng.random() < 0.3:
                found[field] = rng.choice(values)
        return found
    if kind == "llama3":
        return {"rope_type": "llama3", "factor": rng.choice([8.0, 32.0]), "low_freq_factor": 1.0, "high_freq_factor": rng.choice([2.0, 4.0]),
                "original_max_position_embeddings": rng.choice([16, 32]), "rope_theta": theta}
    made["original_max_position_embeddings"] = rng.choice([20, 32])
    return {"rope_type": "longrope", "short_factor": [1.0 + 0.1 * i for i in range(dim // 2)], "long_factor": [2.0 + 0.7 * i for i in range(dim // 2)],
            "rope_theta": theta}


PLAIN = ["default", "linear", "dynamic", "yarn", "llama3"]


def llama(rng):
    made = sizes(rng, "llama")
    made.update(attention_bias=rng.random() < 0.4, mlp_bias=rng.random() < 0.4, hidden_act=rng.choice(["silu", "silu", "gelu", "gelu_pytorch_tanh", "relu"]))
    made["rope_parameters"] = rope(rng, made, made["head_dim"], PLAIN)
    return tf.LlamaConfig(**made)


def mistral(rng):
    made = sizes(rng, "mistral")
    made.update(sliding_window=rng.choice([None, 2, 5, 13, 40]))
    made["rope_parameters"] = rope(rng, made, made["head_dim"], ["default", "linear", "yarn"])
    return tf.MistralConfig(**made)


def qwen2(rng):
    made = sizes(rng, "qwen2")
    made["hidden_size"] = made["num_attention_heads"] * made.pop("head_dim")
    made.update(use_sliding_window=rng.random() < 0.6, sliding_window=rng.choice([3, 8]), max_window_layers=rng.choice([0, 1, 2]))
    made["rope_parameters"] = rope(rng, made, 0, ["default", "yarn", "linear"])
    return tf.Qwen2Config(**made)


def qwen3(rng):
    made = sizes(rng, "qwen3")
    made.update(use_sliding_window=rng.random() < 0.5, sliding_window=rng.choice([3, 8]), max_window_layers=rng.choice([0, 1, 2]),
                attention_bias=rng.random() < 0.4)
    made["rope_parameters"] = rope(rng, made, 0, ["default", "yarn", "linear"])
    return tf.Qwen3Config(**made)


def gemma_sizes(rng):
    made = sizes(rng, "gemma")
    made.update(query_pre_attn_scalar=rng.choice([7, 16, 64]), sliding_window=rng.choice([2, 6, 14]), hidden_activation=rng.choice(["gelu_pytorch_tanh", "gelu"]),
                attention_bias=rng.random() < 0.3)
    return made


def gemma2(rng):
    made = gemma_sizes(rng)
    made.update(attn_logit_softcapping=rng.choice([None, 2.0, 50.0]), final_logit_softcapping=rng.choice([None, 4.0, 30.0]))
    if rng.random() < 0.4:
        made["layer_types"] = [rng.choice(["sliding_attention", "full_attention"]) for _ in range(made["num_hidden_layers"])]
    made["rope_parameters"] = {"rope_type": "default", "rope_theta": rng.choice([10000.0, 300.0])}
    return tf.Gemma2Config(**made)


def gemma3_text(rng):
    made = gemma_sizes(rng)
    if rng.random() < 0.5:
        made["layer_types"] = [rng.choice(["sliding_attention", "full_attention"]) for _ in range(made["num_hidden_layers"])]
    elif rng.random() < 0.5:
        made["sliding_window_pattern"] = rng.choice([2, 3])
    full = {"rope_type": "linear", "factor": 8.0, "rope_theta": 50000.0} if rng.random() < 0.5 else {"rope_type": "default", "rope_theta": 1e6}
    made["rope_parameters"] = {"full_attention": full, "sliding_attention": {"rope_type": "default", "rope_theta": rng.choice([10000.0, 100.0])}}
    return tf.Gemma3TextConfig(**made)


def phi3(rng):
    made = even_hidden(sizes(rng, "phi3"))
    head_dim = made["hidden_size"] // made["num_attention_heads"]
    made.update(sliding_window=rng.choice([None, 4, 11]))
    share = rng.choice([1.0, 1.0, 0.5]) if head_dim % 4 == 0 else 1.0
    made["rope_parameters"] = rope(rng, made, int(head_dim * share), ["default", "longrope"])
    made["rope_parameters"]["partial_rotary_factor"] = share
    made["original_max_position_embeddings"] = made.get("original_max_position_embeddings", 64)
    return tf.Phi3Config(**made)


def gpt2(rng):
    made = even_hidden(sizes(rng, "gpt2"))
    return tf.GPT2Config(vocab_size=made["vocab_size"], n_embd=made["hidden_size"], n_layer=made["num_hidden_layers"], n_head=made["num_attention_heads"],
                         n_positions=64, n_inner=rng.choice([None, 31, 64]), activation_function=rng.choice(["gelu_new", "gelu", "relu", "gelu_pytorch_tanh"]),
                         scale_attn_weights=rng.random() < 0.7, scale_attn_by_inverse_layer_idx=rng.random() < 0.4, reorder_and_upcast_attn=rng.random() < 0.3,
                         tie_word_embeddings=rng.random() < 0.6, layer_norm_epsilon=rng.choice([1e-5, 1e-3]), initializer_range=0.2, bos_token_id=1, eos_token_id=2,
                         pad_token_id=0)


def gpt_neox(rng):
    made = even_hidden(sizes(rng, "gpt_neox"))
    head_dim = made["hidden_size"] // made["num_attention_heads"]
    share = rng.choice([1.0, 0.5, 0.25])
    share = share if head_dim * share % 2 == 0 else 1.0
    del made["num_key_value_heads"], made["rms_norm_eps"]
    made["rope_parameters"] = rope(rng, made, 0, ["default", "linear"])
    made["rope_parameters"]["partial_rotary_factor"] = share
    return tf.GPTNeoXConfig(**made, use_parallel_residual=rng.random() < 0.5, attention_bias=rng.random() < 0.7,
                            hidden_act=rng.choice(["gelu", "gelu_new", "relu"]), layer_norm_eps=rng.choice([1e-5, 1e-3]))


FAMILIES = {f.__name__: f for f in (llama, mistral, qwen2, qwen3, gemma2, gemma3_text, phi3, gpt2, gpt_neox)}


def in_old_spelling(config, rng):
    """config.json as transformers 4.x wrote it: rope_theta and rope_scaling, torch_dtype, no layer_types where a number tells them."""
    old = dict(config)
    old["torch_dtype"] = old.pop("dtype", "float32")
    parameters = old.pop("rope_parameters", None)
    family = old["model_type"]
    if parameters:
        if family == "gemma3_text":
            local, parameters = parameters["sliding_attention"], parameters["full_attention"]
            old["rope_local_base_freq"] = local["rope_theta"]
        parameters = dict(parameters)
        theta, share = parameters.pop("rope_theta"), parameters.pop("partial_rotary_factor", None)
        old["rotary_emb_base" if family == "gpt_neox" else "rope_theta"] = theta
        if share is not None:
            old["rotary_pct" if family == "gpt_neox" else "partial_rotary_factor"] = share
        kind = parameters.pop("rope_type")
        if family == "phi3":
            parameters.pop("original_max_position_embeddings", None)
            parameters.pop("factor", None)
        old["rope_scaling"] = None if kind == "default" else {rng.choice(["type", "rope_type"]): kind, **parameters}
    return old


def inputs_of(rng, model, vocab):
    columns = 40
    ids = torch.tensor([[rng.randrange(3, vocab) for _ in range(columns)] for _ in range(3)])
    mask = torch.ones_like(ids)
    for row, padding in ((1, rng.choice([1, 11])), (2, rng.choice([25, 36]))):
        mask[row, :padding] = 0
        ids[row, :padding] = 0
    return ids, mask


def reference(model, ids, mask):
    """Logits of the batch (dynamic rope looks at its longest row), and what each row generates by itself. Each run has a model of its own:
    dynamic rope remembers the longest sequence that it has seen."""
    new = []
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        logits = copy.deepcopy(model)(ids, attention_mask=mask, position_ids=positions).logits
        for row in range(len(ids)):
            alone = ids[row:row + 1, mask[row].bool()]
            made = copy.deepcopy(model).generate(alone, attention_mask=torch.ones_like(alone), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=-1, pad_token_id=0)
            new.append(made[0, alone.shape[1]:].tolist())
    return logits, new


def run(cambium, *words):
    return subprocess.run([cambium, *words], capture_output=True, text=True)


def differences(cambium, folder, given, output, logits, new, mask):
    done = run(cambium, "forward", folder, "--inputs", given, "-o", output, "--dtype", "float32")
    if done.returncode:
        return done.stderr.strip()
    wrong = (load_file(output)["logits"] - logits)[mask.bool()].abs().max().item()
    allowed = TOLERANCE + RELATIVE * logits.abs().max().item()
    if not wrong <= allowed:
        return f"logits off by {wrong:.2g}, allowed {allowed:.2g}"
    done = run(cambium, "generate", folder, "--inputs", given, "--max-new-tokens", str(NEW_TOKENS), "--dtype", "float32", "--ignore-eos", "--json")
    if done.returncode:
        return done.stderr.strip()
    ids = json.loads(done.stdout)["ids"]
    return "" if ids == new else f"greedy ids {ids}, expected {new}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cambium")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=5)
    parser.add_argument("--only")
    parser.add_argument("--keep")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tf.utils.logging.disable_progress_bar()
    passed = total = 0
    with tempfile.TemporaryDirectory() as scratch:
        for family, make in FAMILIES.items():
            if args.only not in (None, family):
                continue
            for case in range(args.cases):
                rng = random.Random(f"{args.seed} {family} {case}")
                torch.manual_seed(rng.randrange(1 << 30))
                config = make(rng)
                config._attn_implementation = "eager"
                model = tf.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
                for value in model.parameters():
                    if value.dim() == 1:  # biases and norms that do something
                        value.data += 0.1 * torch.randn_like(value)
                folder = os.path.join(args.keep or scratch, f"{family}_{case}")
                model.save_pretrained(folder)
                ids, mask = inputs_of(rng, model, config.vocab_size)
                given, output = (os.path.join(folder, name) for name in ("given.safetensors", "output.safetensors"))
                save_file({"input_ids": ids, "attention_mask": mask}, given)
                logits, new = reference(model, ids, mask)
                with open(f"{folder}/config.json", encoding="utf-8") as file:
                    written = json.load(file)
                for spelling, content in (("5.x", written), ("4.x", in_old_spelling(written, rng))):
                    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
                        json.dump(content, file, indent=1)
                    total += 1
                    wrong = differences(args.cambium, folder, given, output, logits, new, mask)
                    if wrong and spelling == "4.x":  # is it the spelling?
                        again = tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
                        off = (reference(again, ids, mask)[0] - logits)[mask.bool()].abs().max().item()
                        if off > TOLERANCE:
                            wrong = ""  # transformers reads something else, too: the old spelling cannot say this model
                    passed += not wrong
                    if wrong:
                        print(f"{family} {case}, {spelling} spelling: {wrong}\n  {json.dumps(content)}")
    print(f"decoders: {passed} of {total} equal")
    return 0 if passed == total else 1


sys.exit(main())
