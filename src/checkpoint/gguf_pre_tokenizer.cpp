#include "checkpoint/gguf_pre_tokenizer.h"

#include <algorithm>
#include <span>

namespace cambium::checkpoint {
namespace {

// The regular expressions by which models cut text, named for the model that brought them.
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepseekCoder[] = {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+",
                                               R"(\p{N})"};
constexpr std::string_view kDeepseek3[] = {
    R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"};

enum class Kind {
  kGpt2,    // the byte-level step's own expression
  kDigits,  // single digits, then as kGpt2
  kRegex,   // the row's expressions, one after the other
};

struct Row {
  std::string_view name;
  Kind kind = Kind::kGpt2;
  std::span<const std::string_view> expressions{};
  bool nfc = false;
  bool ignore_merges = false;
  bool adds_bos = false;
};

constexpr std::string_view kLlama3Only[] = {kLlama3};
constexpr std::string_view kQwen2Only[] = {kQwen2};
constexpr std::string_view kQwen35Only[] = {kQwen35};
constexpr std::string_view kTekkenOnly[] = {kTekken};
constexpr std::string_view kGpt4oOnly[] = {kGpt4o};
constexpr std::string_view kSeedCoderOnly[] = {kSeedCoder};

constexpr Row kRows[] = {
    {"gpt-2"},
    {"phi-2"},
    {"olmo"},
    {"mpt"},
    {"jais"},
    {"trillion"},
    {"exaone4"},
    {"mellum"},
    {"a.x-4.0"},
    {"granite-docling"},
    {"smollm", Kind::kDigits},
    {"starcoder", Kind::kDigits},
    {"refact", Kind::kDigits},
    {"codeshell", Kind::kDigits},
    {"exaone", Kind::kDigits},
    {"minerva-7b", Kind::kDigits},
    {"command-r", Kind::kDigits, {}, true},
    {"llama-bpe", Kind::kRegex, kLlama3Only, false, true, true},
    {"llama3", Kind::kRegex, kLlama3Only, false, true, true},
    {"llama-v3", Kind::kRegex, kLlama3Only, false, true, true},
    {"falcon3", Kind::kRegex, kLlama3Only, false, true, true},
    {"pixtral", Kind::kRegex, kLlama3Only, false, true, true},
    {"midm-2.0", Kind::kRegex, kLlama3Only, false, true, true},
    {"lfm2", Kind::kRegex, kLlama3Only, false, true, true},
    {"smaug-bpe", Kind::kRegex, kLlama3Only},
    {"dbrx", Kind::kRegex, kLlama3Only},
    {"glm4", Kind::kRegex, kLlama3Only},
    {"chatglm-bpe", Kind::kRegex, kLlama3Only},
    {"qwen2", Kind::kRegex, kQwen2Only, true},
    {"deepseek-r1-qwen", Kind::kRegex, kQwen2Only, true},
    {"kormo", Kind::kRegex, kQwen2Only, true},
    {"f2llmv2", Kind::kRegex, kQwen2Only, true},
    {"megrez", Kind::kRegex, kQwen2Only, true},
    {"stablelm2", Kind::kRegex, kQwen2Only, true},
    {"hunyuan", Kind::kRegex, kQwen2Only},
    {"qwen35", Kind::kRegex, kQwen35Only, true},
    {"tekken", Kind::kRegex, kTekkenOnly, false, true, true},
    {"gpt-4o", Kind::kRegex, kGpt4oOnly},
    {"llama4", Kind::kRegex, kGpt4oOnly},
    {"seed-coder", Kind::kRegex, kSeedCoderOnly},
    {"deepseek-coder", Kind::kRegex, kDeepseekCoder},
    {"deepseek-v3", Kind::kRegex, kDeepseek3},
};

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

}  // namespace

GgufPreTokenizer gguf_pre_tokenizer(std::string_view name) {
  GgufPreTokenizer result;
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  if (row == std::end(kRows)) return result;
  result.ignore_merges = row->ignore_merges;
  result.adds_bos = row->adds_bos;
  result.trims_offsets = row->kind == Kind::kGpt2;
  if (row->nfc) result.normalizer["type"] = "NFC";
  if (row->kind == Kind::kGpt2) {
    result.pre_tokenizer = byte_level(true);
    return result;
  }
  Json steps = Json::array();
  if (row->kind == Kind::kDigits) {
    steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  }
  for (const std::string_view expression : row->expressions) {
    Json split;
    split["type"] = "Split";
    split["pattern"]["Regex"] = expression;
    split["behavior"] = "Isolated";
    split["invert"] = false;
    steps.push_back(std::move(split));
  }
  steps.push_back(byte_level(row->kind == Kind::kDigits));
  result.pre_tokenizer["type"] = "Sequence";
  result.pre_tokenizer["pretokenizers"] = std::move(steps);
  return result;
}

std::vector<std::string_view> gguf_pre_tokenizer_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace cambium::checkpoint
