"""Tiny random pairs of a language model and its multimodal descendant, written by transformers: NAME-base and NAME.

usage: multimodal_pairs.py FOLDER
"""
import sys

import torch
import transformers as t

TEXT = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=96, max_position_embeddings=64)
VISION = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8)
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}


def configs():
    """(name, config of the multimodal model): one for each way a family lays out its language model."""
    yield "llava_mistral", t.LlavaConfig(text_config=t.MistralConfig(**TEXT), vision_config=t.CLIPVisionConfig(**VISION),
                                         image_token_index=90)
    yield "llava_next", t.LlavaNextConfig(text_config=t.LlamaConfig(**TEXT), vision_config=t.CLIPVisionConfig(**VISION),
                                          image_token_index=90, image_grid_pinpoints=[[16, 32], [32, 16]])
    yield "llava_onevision", t.LlavaOnevisionConfig(
        text_config=t.Qwen2Config(**TEXT, tie_word_embeddings=True), tie_word_embeddings=True,
        vision_config=t.SiglipVisionConfig(**VISION), image_token_index=90, video_token_index=91,
        image_grid_pinpoints=[[16, 32], [32, 16]])
    yield "qwen2_vl", t.Qwen2VLConfig(
        text_config=dict(TEXT, model_type="qwen2_vl_text", rope_parameters=ROPE),
        vision_config=dict(depth=2, embed_dim=16, hidden_size=32, num_heads=2, mlp_ratio=2, patch_size=8),
        image_token_id=90, video_token_id=91)
    yield "qwen2_5_vl", t.Qwen2_5_VLConfig(
        text_config=dict(TEXT, model_type="qwen2_5_vl_text", rope_parameters=ROPE),
        vision_config=dict(depth=2, hidden_size=16, out_hidden_size=32, intermediate_size=32, num_heads=2, patch_size=8,
                           fullatt_block_indexes=[1]), image_token_id=90, video_token_id=91)
    yield "mllama", t.MllamaConfig(
        text_config=dict(TEXT, num_hidden_layers=3, cross_attention_layers=[1], pad_token_id=0),
        vision_config=dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_global_layers=1, attention_heads=2,
                           image_size=16, patch_size=8, vision_output_dim=32, intermediate_layers_indices=[0],
                           max_num_tiles=4, supported_aspect_ratios=[[1, 1], [1, 2], [2, 1]]))
    yield "qwen2_audio", t.Qwen2AudioConfig(
        text_config=t.Qwen2Config(**TEXT),
        audio_config=dict(d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32, num_mel_bins=8,
                          max_source_positions=20), audio_token_index=90)
    yield "idefics3", t.Idefics3Config(text_config=t.LlamaConfig(**TEXT, pad_token_id=0), image_token_id=90, scale_factor=2,
                                       vision_config=dict(VISION))
    yield "gemma3", t.Gemma3Config(
        text_config=t.Gemma3TextConfig(**TEXT, head_dim=8, tie_word_embeddings=True), image_token_index=90,
        vision_config=t.SiglipVisionConfig(**VISION), mm_tokens_per_image=4)
    yield "paligemma", t.PaliGemmaConfig(
        text_config=t.GemmaConfig(**TEXT, head_dim=8, tie_word_embeddings=True), image_token_index=90, projection_dim=32,
        vision_config=t.SiglipVisionConfig(**VISION, projection_dim=32))


def base_config(text):
    """The language model's own config: what the text half of a multimodal config was made from."""
    if text.model_type in ("qwen2_vl_text", "qwen2_5_vl_text"):
        return t.Qwen2Config(**TEXT, tie_word_embeddings=False)
    if text.model_type == "mllama_text_model":
        # Its embedding has 8 rows more than its head; the language model has only the head's.
        return t.LlamaConfig(**TEXT)
    return text


def write_pair(name, config, folder):
    torch.manual_seed(len(name))
    model = t.AutoModelForImageTextToText.from_config(config) if name != "qwen2_audio" else \
        t.Qwen2AudioForConditionalGeneration(config)
    base = t.AutoModelForCausalLM.from_config(base_config(config.get_text_config()))
    with torch.no_grad():
        for parameter in [*model.parameters(), *base.parameters()]:
            parameter.copy_(torch.randn_like(parameter) * 0.05)
    base.to(torch.bfloat16).save_pretrained(f"{folder}/{name}-base")
    model.to(torch.bfloat16).save_pretrained(f"{folder}/{name}")


def write_pairs(folder):
    for name, config in configs():
        write_pair(name, config, folder)


if __name__ == "__main__":
    write_pairs(sys.argv[1])
