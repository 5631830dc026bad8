#!/usr/bin/env python3
"""usage: graft_check.py CAMBIUM: pictures grafted on small language models load in transformers and give the same numbers.

For each language model and tower: `cambium graft`, then transformers' processor and model on a picture and its prompts
against `cambium preprocess`, `forward` and `generate`. Differences above 1e-4 in a logit (float32) fail."""
import json
import os
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoProcessor, CLIPVisionConfig, CLIPVisionModel, Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM,
                          LlavaForConditionalGeneration, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast, Qwen2Config,
                          Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel)

cambium = sys.argv[1]
SIZES = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
             bos_token_id=1, eos_token_id=2, pad_token_id=0)
TOWER = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, image_size=30, patch_size=6)
TEMPLATE = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] | trim }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"


def tokenizer(folder):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(["what is it and where is the picture of a tree", "describe the picture"],
                            trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>", "<s>", "</s>"],
                                                initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="<pad>", bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE)
    fast.save_pretrained(folder)
    return len(fast)


def language_models(work):
    torch.manual_seed(7)
    rows = tokenizer(f"{work}/tokenizer")
    made = {
        "llama": LlamaForCausalLM(LlamaConfig(vocab_size=rows, **SIZES)),
        "llama_tied": LlamaForCausalLM(LlamaConfig(vocab_size=rows, tie_word_embeddings=True, **SIZES)),
        "mistral_spare_rows": MistralForCausalLM(MistralConfig(vocab_size=rows + 13, **SIZES)),
        "qwen2_tied": Qwen2ForCausalLM(Qwen2Config(vocab_size=rows, tie_word_embeddings=True, **SIZES)),
        "gemma2": Gemma2ForCausalLM(Gemma2Config(vocab_size=rows, head_dim=8, sliding_window=16, **SIZES)),
    }
    for name, model in made.items():
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.15)
        model.save_pretrained(f"{work}/{name}")
        tokenizer(f"{work}/{name}")
    return list(made)


def towers(work):
    clip = CLIPVisionModel(CLIPVisionConfig(**TOWER))
    siglip = SiglipVisionModel(SiglipVisionConfig(**TOWER))
    for name, model in (("clip", clip), ("siglip", siglip)):
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(f"{work}/{name}")
    sizes = "hidden_size: 24, layers: 3, heads: 4, image_size: 30, patch_size: 6"
    return {
        "fresh_clip": f"{{tower: {{{sizes}}}}}",
        "fresh_siglip": f"{{tower: {{kind: siglip, {sizes}, activation: gelu}}, projector: {{activation: relu, bias: false}}}}",
        "loaded_clip": f"{{tower: {{checkpoint: {work}/clip}}, feature_layer: [0, -2], select: full}}",
        "loaded_siglip": f"{{tower: {{checkpoint: {work}/siglip}}, feature_layer: -1}}",
    }


def run(*arguments):
    done = subprocess.run([cambium, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"cambium {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def check(work, language, tower, text):
    folder = f"{work}/{language}-{tower}"
    with open(f"{folder}.yml", "w") as file:
        file.write(f"language: {work}/{language}\nseed: 3\nimage: {text}\n")
    run("graft", f"{folder}.yml", "-o", folder)
    model, info = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
    model.eval()
    unused = [key for key in info["missing_keys"] if "post_layernorm" not in key and ".head." not in key]
    if unused or info["unexpected_keys"] or info["mismatched_keys"]:
        return f"transformers misses {unused}, does not know {info['unexpected_keys']}, mismatches {info['mismatched_keys']}"
    processor = AutoProcessor.from_pretrained(folder)
    picture = f"{work}/picture.png"
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what is it?"}]}]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
    if prompt != "[user] <image>\nwhat is it?\n[assistant] ":
        return f"the chat template writes {prompt!r}"
    inputs = processor(images=Image.open(picture), text=prompt, return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits
        greedy = model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, inputs["input_ids"].shape[1]:].tolist()

    # transformers' llava class has a head of its own and leaves out the soft cap of Gemma 2's.
    cap = getattr(model.config.text_config, "final_logit_softcapping", None)
    if cap:
        logits = torch.tanh(logits / cap) * cap

    run("preprocess", folder, "--image", picture, "--resizer", "pillow", "-o", f"{work}/pixels.safetensors")
    pixels = load_file(f"{work}/pixels.safetensors")["pixel_values"]
    if (pixels - inputs["pixel_values"]).abs().max() > 1e-5:
        return "other pixel values"
    save_file({key: value.contiguous() for key, value in inputs.items()}, f"{work}/in.safetensors")
    run("forward", folder, "--inputs", f"{work}/in.safetensors", "-o", f"{work}/out.safetensors", "--dtype", "float32")
    off = (load_file(f"{work}/out.safetensors")["logits"] - logits).abs().max().item()
    if not off <= 1e-4:
        return f"logits off by {off:.2g}"
    made = json.loads(run("generate", folder, "--chat", "--prompt", "what is it?", "--image", picture, "--resizer", "pillow",
                          "--max-new-tokens", 6, "--dtype", "float32", "--json"))
    if made["prompt_tokens"] != inputs["input_ids"].shape[1] or made["ids"] != greedy:
        return f"generates {made['ids']}, transformers {greedy}"
    return None


failed = 0
with tempfile.TemporaryDirectory() as work:
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (37, 52, 3), dtype=np.uint8)).save(f"{work}/picture.png")
    names, kinds = language_models(work), towers(work)
    cases = [(name, "fresh_clip") for name in names] + [("llama", kind) for kind in kinds if kind != "fresh_clip"]
    for language, tower in cases:
        try:
            problem = check(work, language, tower, kinds[tower])
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        print(f"{'FAIL' if problem else 'ok  '} graft {tower} on {language}{': ' + problem if problem else ''}")
        failed += problem is not None
sys.exit(1 if failed else 0)
