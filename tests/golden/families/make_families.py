"""usage: make_families.py OUT_DIR (needs torch, transformers 5.23, safetensors)

Writes one JSON a model: its config.json, the names and shapes of its tensors, and for a multimodal model which of them are the
language model's. No weights. Two sources, neither of which knows Cambium's tables:
- tiny random models, saved by transformers; the MLLM's language model was loaded with the base LLM's weights, so that pairs are found by
  their *contents*;
- models of the published sizes on the meta device, built by transformers from configs in the 4.x spelling with defaults left out.
Names that differ only in a running number are written once: "layers.{2}.x" stands for layers.0.x and layers.1.x.
"""
import hashlib, json, os, re, sys, tempfile, warnings
import torch, transformers as T
from safetensors import safe_open

warnings.filterwarnings("ignore")
T.logging.set_verbosity_error()
OUT = sys.argv[1]
S = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=64,
         bos_token_id=1, eos_token_id=2, pad_token_id=0)
TEXT = {
    "llama": S, "mistral": S, "qwen2": S, "qwen3": dict(S, head_dim=16), "gemma": dict(S, head_dim=16), "gemma2": dict(S, head_dim=16),
    "gemma3_text": dict(S, head_dim=16), "phi3": S,
    "gpt2": dict(n_embd=32, n_layer=2, n_head=4, vocab_size=64, n_positions=40, bos_token_id=1, eos_token_id=2),
    "gpt_neox": {k: v for k, v in S.items() if k != "num_key_value_heads"},
}
LLMS = {name: (name, sizes) for name, sizes in TEXT.items()} | {
    "llama_bias": ("llama", dict(S, attention_bias=True, mlp_bias=True)), "llama_tied": ("llama", dict(S, tie_word_embeddings=True)),
    "gpt_neox_no_bias": ("gpt_neox", dict(TEXT["gpt_neox"], attention_bias=False)), "gpt2_inner": ("gpt2", dict(TEXT["gpt2"], n_inner=40)),
}
CLIP = dict(model_type="clip_vision_model", hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28,
            patch_size=14, projection_dim=16)
SIGLIP = dict(CLIP, model_type="siglip_vision_model", vision_use_head=False)
PIXTRAL = {k: CLIP[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size")}
QWEN_VIT = dict(depth=2, hidden_size=16, num_heads=2, patch_size=14)
WHISPER = dict(num_mel_bins=8, d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=24, max_source_positions=20)


def text(name, **more):
    return dict(TEXT[name], model_type=name, **more)


def llava(t, vision=CLIP, **more):
    return dict(text_config=t, vision_config=vision, image_token_index=60, **more)


MLLMS = {   # name: (model_type, base LLM, config)
    "llava_llama": ("llava", "llama", llava(text("llama"))),
    "llava_phi3": ("llava", "phi3", llava(text("phi3"))),
    "llava_gpt_neox": ("llava", "gpt_neox", llava(text("gpt_neox"))),
    "llava_gemma_pixtral": ("llava", "gemma", llava(text("gemma"), dict(PIXTRAL, model_type="pixtral"))),
    "llava_qwen3_tied": ("llava", "qwen3", llava(text("qwen3", tie_word_embeddings=True), SIGLIP, tie_word_embeddings=True)),
    "llava_untied_of_tied": ("llava", "llama_tied", llava(text("llama"))),
    "llava_next": ("llava_next", "mistral", llava(text("mistral"))),
    "llava_next_video": ("llava_next_video", "llama", llava(text("llama"), video_token_index=61)),
    "llava_onevision": ("llava_onevision", "qwen2", llava(text("qwen2"), SIGLIP, video_token_index=61)),
    "vipllava": ("vipllava", "llama", llava(text("llama"), vision_feature_layers=[0, 1])),
    "video_llava": ("video_llava", "llama", llava(text("llama"), video_token_index=61)),
    "qwen2_vl": ("qwen2_vl", "qwen2", dict(text_config=S, vision_config=dict(depth=2, embed_dim=16, hidden_size=32, num_heads=2))),
    "qwen2_5_vl": ("qwen2_5_vl", "qwen2", dict(text_config=S, vision_config=dict(QWEN_VIT, intermediate_size=24, out_hidden_size=32))),
    "qwen3_vl": ("qwen3_vl", "qwen3", dict(text_config=TEXT["qwen3"], vision_config=dict(
        QWEN_VIT, intermediate_size=24, out_hidden_size=32, deepstack_visual_indexes=[0], num_position_embeddings=16))),
    "mllama": ("mllama", "llama", dict(
        text_config=dict(S, num_hidden_layers=4, cross_attention_layers=[0, 2], tie_word_embeddings=False),
        vision_config=dict(hidden_size=16, num_hidden_layers=2, num_global_layers=1, attention_heads=2, intermediate_size=24,
                           vision_output_dim=48, image_size=28, patch_size=14, intermediate_layers_indices=[0, 1]))),
    "qwen2_audio": ("qwen2_audio", "qwen2", dict(text_config=text("qwen2"), audio_config=WHISPER, audio_token_index=60)),
    "voxtral": ("voxtral", "llama", dict(text_config=text("llama", head_dim=8), audio_config=dict(
        hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, vocab_size=64, max_source_positions=20))),
    "paligemma": ("paligemma", "gemma", dict(text_config=text("gemma"), vision_config=SIGLIP, projection_dim=32)),
    "paligemma2": ("paligemma", "gemma2", dict(text_config=text("gemma2"), vision_config=SIGLIP, projection_dim=32)),
    "gemma3": ("gemma3", "gemma3_text", dict(text_config=text("gemma3_text"), vision_config=SIGLIP, mm_tokens_per_image=4)),
    "idefics2": ("idefics2", "mistral", dict(text_config=text("mistral"), vision_config=PIXTRAL, perceiver_config=dict(
        hidden_size=32, resampler_n_latents=4, resampler_depth=1, resampler_n_heads=2, resampler_head_dim=8, num_key_value_heads=1))),
    "idefics3": ("idefics3", "llama", dict(text_config=text("llama"), vision_config=PIXTRAL)),
    "smolvlm": ("smolvlm", "llama", dict(text_config=text("llama"), vision_config=PIXTRAL)),
    "internvl": ("internvl", "qwen2", dict(text_config=text("qwen2"), vision_config=dict(PIXTRAL, image_size=[28, 28], patch_size=[14, 14]))),
    "mistral3": ("mistral3", "mistral", dict(text_config=text("mistral"), vision_config=dict(PIXTRAL, model_type="pixtral"))),
    "got_ocr2": ("got_ocr2", "qwen2", dict(text_config=text("qwen2"), vision_config=dict(
        hidden_size=16, output_channels=8, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=16, mlp_dim=24,
        global_attn_indexes=[1]))),
    "aya_vision": ("aya_vision", None, dict(text_config=dict(S, model_type="cohere2"), vision_config=SIGLIP)),   # no family file
}
TOWERS = r"(vision_tower|image_tower|video_tower)\."
LAYOUTS = {   # model: {layout: rules on the saved names}; "module" comes from state_dict()
    "llava_llama": {"pre452": [(TOWERS, r"\1.vision_model.")],
                    "original": [(r"^language_model\.", ""), (r"^multi_modal_projector\.linear_1", "model.mm_projector.0"),
                                 (r"^multi_modal_projector\.linear_2", "model.mm_projector.2"),
                                 (r"^vision_tower\.", "model.vision_tower.vision_tower.vision_model.")]},
    "llava_gpt_neox": {"pre452": [(r"^language_model\.lm_head", "language_model.embed_out"), (r"^language_model\.model", "language_model.gpt_neox"),
                                  (TOWERS, r"\1.vision_model.")]},
    "llava_onevision": {"pre452": [(TOWERS, r"\1.vision_model.")]},
    "video_llava": {"pre452": [(TOWERS, r"\1.vision_model.")]},
    "paligemma": {"pre452": [(TOWERS, r"\1.vision_model.")]},
}
MODULE = ["llava_llama", "llava_gpt_neox", "llava_onevision", "video_llava", "qwen2_5_vl", "mllama", "qwen2_audio", "gemma3"]


def collapse(shapes):
    """Replaces running numbers 0..n-1 by {n} where all n tensors are there with one shape."""
    shapes = dict(shapes)
    for name in sorted(shapes):
        m = re.search(r"(?<=\.)0(?=\.)", name)
        if not m or name not in shapes:
            continue
        at = lambda i: f"{name[:m.start()]}{i}{name[m.end():]}"
        n = 0
        while shapes.get(at(n)) == shapes[name]:
            n += 1
        if n > 1:
            shape = shapes[name]
            for i in range(n):
                del shapes[at(i)]
            shapes[f"{name[:m.start()]}{{{n}}}{name[m.end():]}"] = shape
    return shapes


def write(name, data):
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        f.write("{" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in data.items()) + "}\n")


def saved(model):
    with tempfile.TemporaryDirectory() as d:
        model.save_pretrained(d)
        tensors = {}
        for f in sorted(os.listdir(d)):
            if f.endswith(".safetensors"):
                with safe_open(os.path.join(d, f), "pt") as h:
                    tensors |= {k: h.get_tensor(k) for k in h.keys()}
        return json.load(open(os.path.join(d, "config.json"))), tensors


def digest(t):
    return hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest()


def randomize(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=g))


def make(config):
    for cls in (T.AutoModelForImageTextToText, T.AutoModelForCausalLM):
        try:
            return cls.from_config(config)
        except ValueError:
            pass
    stem = config.model_type.replace("_", "")
    return next(getattr(T, n) for n in dir(T) if n.lower() == stem + "forconditionalgeneration")(config)


def family_of(model_type):
    return {"smolvlm": "idefics3", "aya_vision": "unknown"}.get(model_type, model_type)


bases = {}
for name, (kind, sizes) in LLMS.items():
    model = T.AutoModelForCausalLM.from_config(T.AutoConfig.for_model(kind, **sizes))
    randomize(model, 1)
    config, tensors = saved(model)
    bases[name] = (model, tensors)
    write(name, dict(family=kind, layout="saved", config=config, tensors=collapse({k: list(t.shape) for k, t in tensors.items()})))

for name, (kind, base_name, config) in MLLMS.items():
    model = make(T.AutoConfig.for_model(kind, **config))
    randomize(model, 2)
    if base_name:
        base = bases[base_name][0]
        inner = model.model if hasattr(model, "model") else model
        language = getattr(inner, "text_model", None) or inner.language_model
        cross = config["text_config"].get("cross_attention_layers", [])
        own = [i for i in range(100) if i not in cross]
        state = language.state_dict()
        for k, v in base.base_model.state_dict().items():
            k = re.sub(r"^layers\.(\d+)", lambda m: f"layers.{own[int(m.group(1))]}", k)
            state[k][: v.shape[0]].copy_(v)
        if not model.config.tie_word_embeddings if hasattr(model.config, "tie_word_embeddings") else True:
            model.get_output_embeddings().weight.data.copy_(base.get_output_embeddings().weight)
    file_config, tensors = saved(model)
    shapes = {k: list(t.shape) for k, t in tensors.items()}
    data = dict(family=family_of(kind), layout="saved", config=file_config, tensors=collapse(shapes))
    names = {"saved": {k: k for k in tensors}}
    if base_name:
        rows = base.config.vocab_size   # mllama's embedding has more
        by_content = {}
        for k, t in tensors.items():
            by_content.setdefault(digest(t[:rows]) if "embed" in k else digest(t), []).append(k)
        language = {}
        for k, t in bases[base_name][1].items():
            is_head = k in ("lm_head.weight", "embed_out.weight")
            found = [f for f in by_content.get(digest(t), []) if ("head" in f) == is_head]
            assert len(found) == 1 or is_head, (name, k, found)
            if found:
                language[k] = found[0]
        head = [f for f in tensors if f.endswith("lm_head.weight")]
        tied_base = head if "lm_head.weight" not in language and "embed_out.weight" not in language else []
        data |= dict(base=base_name, language=language, modality_only=sorted(set(tensors) - set(language.values()) - set(tied_base)))
        base_head = [k for k in bases[base_name][1] if k not in language]
        if base_head:
            data["base_head_from_model_embedding"] = base_head[0]
        if tied_base:
            data["model_head_from_base_embedding"] = tied_base[0]
        for k in MODULE:
            if k == name:
                # a tied head repeats the embedding: the embedding's name wins
                state = {digest(t): n for n, t in sorted(model.state_dict().items(), key=lambda nt: "head" not in nt[0])}
                names["module"] = {k: state[digest(t)] for k, t in tensors.items()}
        for layout, rules in LAYOUTS.get(name, {}).items():
            names[layout] = {}
            for k in tensors:
                new = k
                for a, b in rules:
                    new = re.sub(a, b, k)
                    if new != k:
                        break
                names[layout][k] = new
        if "original" in names:
            t = file_config["text_config"]
            data["original_config"] = {k: v for k, v in t.items() if k not in ("model_type", "rope_parameters", "dtype")} | dict(
                architectures=["LlavaLlamaForCausalLM"], model_type="llava", mm_vision_tower="clip", mm_hidden_size=16, mm_projector_type="mlp2x_gelu")
        data["names"] = {layout: to for layout, to in names.items() if layout != "saved"}
    write(name, data)

# Published sizes, configs as transformers 4.x wrote them: what is left out are the defaults of that time.
V4 = {
    "v4_llava_1.5_7b": ("llava", "LlavaForConditionalGeneration", "llama", dict(
        image_token_index=32000, pad_token_id=32001, projector_hidden_act="gelu", ignore_index=-100,
        text_config=dict(_name_or_path="lmsys/vicuna-7b-v1.5", architectures=["LlamaForCausalLM"], max_position_embeddings=4096,
                         model_type="llama", rms_norm_eps=1e-05, torch_dtype="float16", vocab_size=32064),
        vision_config=dict(hidden_size=1024, image_size=336, intermediate_size=4096, model_type="clip_vision_model", num_attention_heads=16,
                           num_hidden_layers=24, patch_size=14, projection_dim=768, vocab_size=32000), vision_feature_layer=-2)),
    "v4_llava_next_mistral_7b": ("llava_next", "LlavaNextForConditionalGeneration", "mistral", dict(
        image_token_index=32000, text_config=dict(model_type="mistral", intermediate_size=14336, max_position_embeddings=32768,
                                                  num_key_value_heads=8, rope_theta=1000000.0, sliding_window=None, vocab_size=32064),
        vision_config=dict(hidden_size=1024, image_size=336, intermediate_size=4096, model_type="clip_vision_model", num_attention_heads=16,
                           num_hidden_layers=24, patch_size=14, projection_dim=768))),
    "v4_qwen2_vl_7b": ("qwen2_vl", "Qwen2VLForConditionalGeneration", "qwen2_vl_text", dict(
        hidden_size=3584, intermediate_size=18944, num_attention_heads=28, num_hidden_layers=28, num_key_value_heads=4, vocab_size=152064,
        max_window_layers=28, rms_norm_eps=1e-06, rope_theta=1000000.0, tie_word_embeddings=False, use_sliding_window=False,
        vision_config=dict(depth=32, embed_dim=1280, mlp_ratio=4, num_heads=16, in_chans=3, hidden_size=3584, patch_size=14,
                           spatial_merge_size=2, spatial_patch_size=14, temporal_patch_size=2))),
    "v4_paligemma_3b": ("paligemma", "PaliGemmaForConditionalGeneration", "gemma", dict(
        hidden_size=2048, image_token_index=257152, projection_dim=2048, vocab_size=257216,
        text_config=dict(hidden_size=2048, intermediate_size=16384, model_type="gemma", num_attention_heads=8, num_hidden_layers=18,
                         num_image_tokens=256, num_key_value_heads=1, torch_dtype="float32", vocab_size=257216),
        vision_config=dict(hidden_size=1152, intermediate_size=4304, model_type="siglip_vision_model", num_attention_heads=16,
                           num_hidden_layers=27, num_image_tokens=256, patch_size=14, projection_dim=2048, vision_use_head=False))),
    "v4_gemma3_4b": ("gemma3", "Gemma3ForConditionalGeneration", "gemma3_text", dict(
        mm_tokens_per_image=256, text_config=dict(hidden_size=2560, intermediate_size=10240, model_type="gemma3_text", num_hidden_layers=34,
                                                  rope_scaling=dict(factor=8.0, rope_type="linear"), sliding_window=1024),
        vision_config=dict(hidden_size=1152, image_size=896, intermediate_size=4304, model_type="siglip_vision_model", num_attention_heads=16,
                           num_hidden_layers=27, patch_size=14, vision_use_head=False))),
    "v4_mllama_11b": ("mllama", "MllamaForConditionalGeneration", "mllama_text", dict(
        image_token_index=128256, text_config=dict(model_type="mllama_text_model", rms_norm_eps=1e-05, rope_theta=500000.0),
        vision_config=dict(model_type="mllama_vision_model", num_hidden_layers=2))),
    "v4_gpt2": ("gpt2", "GPT2LMHeadModel", "gpt2", dict(n_ctx=1024, n_positions=1024, activation_function="gelu_new")),
    "v4_llama_7b": ("llama", "LlamaForCausalLM", "llama", dict(rms_norm_eps=1e-06)),
    "v4_qwen2_7b": ("qwen2", "Qwen2ForCausalLM", "qwen2", dict(hidden_size=3584, intermediate_size=18944, num_attention_heads=28,
                                                             num_hidden_layers=28, num_key_value_heads=4, vocab_size=152064)),
}
for name, (kind, arch, decoder, config) in V4.items():
    config = dict(config, architectures=[arch], model_type=kind, transformers_version="4.46.0")
    loaded = T.AutoConfig.for_model(**{k: v for k, v in config.items() if k not in ("architectures", "transformers_version")})
    with torch.device("meta"):
        model = getattr(T, arch)(loaded)
    shapes = {}
    for k, t in model.state_dict().items():
        if k == "lm_head.weight" and getattr(model.config, "tie_word_embeddings", False):
            continue
        k = re.sub(r"^lm_head", "lm_head" if kind in ("qwen2_vl",) or "text_config" not in config else "language_model.lm_head", k)
        k = re.sub(r"^model\.language_model\.", "model." if kind == "qwen2_vl" else "language_model.model.", k)
        k = re.sub(r"^model\.(visual|vision_tower|vision_model|multi_modal_projector|image_newline)", r"\1", k)
        k = re.sub(r"^vision_tower\.", "vision_tower.vision_model.", k)
        shapes[k] = list(t.shape)
    c = loaded.get_text_config()
    write(name, dict(family=kind, layout="pre452" if any("vision_tower" in k for k in shapes) else "saved", decoder=decoder,
                     config=config, tensors=collapse(shapes)))
