#include "family/family_table.h"

#include <algorithm>

#include "family/decoder_family.h"
#include "family/decoders/gemma.h"
#include "family/decoders/gemma2.h"
#include "family/decoders/gemma3_text.h"
#include "family/decoders/gpt2.h"
#include "family/decoders/gpt_neox.h"
#include "family/decoders/llama.h"
#include "family/decoders/mistral.h"
#include "family/decoders/mllama_text.h"
#include "family/decoders/phi3.h"
#include "family/decoders/qwen2.h"
#include "family/decoders/qwen2_vl_text.h"
#include "family/decoders/qwen3.h"
#include "family/graft_family.h"
#include "family/grafts/cambium_graft.h"
#include "family/grafts/gemma3.h"
#include "family/grafts/got_ocr2.h"
#include "family/grafts/idefics2.h"
#include "family/grafts/idefics3.h"
#include "family/grafts/internvl.h"
#include "family/grafts/llava.h"
#include "family/grafts/llava_next.h"
#include "family/grafts/llava_next_video.h"
#include "family/grafts/llava_onevision.h"
#include "family/grafts/mistral3.h"
#include "family/grafts/mllama.h"
#include "family/grafts/paligemma.h"
#include "family/grafts/qwen2_5_vl.h"
#include "family/grafts/qwen2_audio.h"
#include "family/grafts/qwen2_vl.h"
#include "family/grafts/qwen3_vl.h"
#include "family/grafts/video_llava.h"
#include "family/grafts/vipllava.h"
#include "family/grafts/voxtral.h"

namespace cambium::family {
namespace {

constexpr const DecoderFamily* kDecoders[] = {
    &kLlama,      &kMistral, &kQwen2, &kQwen3,   &kGemma,       &kGemma2,
    &kGemma3Text, &kPhi3,    &kGpt2,  &kGptNeox, &kQwen2VlText, &kMllamaText,
};

constexpr const GraftFamily* kGrafts[] = {
    &kCambiumGraft, &kLlava,    &kLlavaNext, &kLlavaNextVideo, &kLlavaOnevision, &kVipllava, &kVideoLlava,
    &kQwen2Vl,      &kQwen25Vl, &kQwen3Vl,   &kMllama,         &kQwen2Audio,     &kVoxtral,  &kPaligemma,
    &kGemma3,       &kIdefics2, &kIdefics3,  &kInternvl,       &kMistral3,       &kGotOcr2,
};

}  // namespace

std::span<const DecoderFamily* const> decoder_table() { return kDecoders; }
std::span<const GraftFamily* const> graft_table() { return kGrafts; }

const DecoderFamily* find_decoder(std::string_view name) {
  for (const DecoderFamily* family : kDecoders) {
    const auto knows = [name](std::span<const std::string_view> names) {
      return std::ranges::find(names, name) != names.end();
    };
    if (family->name == name || knows(family->model_types) || knows(family->architectures)) return family;
  }
  return nullptr;
}

const GraftFamily* find_graft(std::string_view name, const GraftName** matched) {
  for (const GraftFamily* family : kGrafts) {
    for (const GraftName& row : family->names) {
      if (row.name != name) continue;
      *matched = &row;
      return family;
    }
  }
  return nullptr;
}

}  // namespace cambium::family
