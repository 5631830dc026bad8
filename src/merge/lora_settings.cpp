#define PCRE2_CODE_UNIT_WIDTH 8
#include "merge/lora_settings.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <cmath>
#include <memory>

#include "checkpoint/foreign_text.h"
#include "tensor/error.h"

namespace cambium::merge {

using checkpoint::Json;
using checkpoint::quote_foreign;

namespace {

// Switches of PEFT that change what the layer computes, beyond adding B A. Absent, null, false and empty mean off.
constexpr std::pair<std::string_view, std::string_view> kVariants[] = {
    {"use_dora", "DoRA"},
    {"use_qalora", "QA-LoRA"},
    {"use_bdlora", "BD-LoRA"},
    {"kasa_config", "KaSA"},
    {"velora_config", "VeLoRA"},
    {"monteclora_config", "MonteCLoRA"},
    {"arrow_config", "Arrow"},
    {"alora_invocation_tokens", "activated LoRA"},
    {"layer_replication", "layer replication"},
    {"trainable_token_indices", "trainable tokens"},
    {"target_parameters", "LoRA on single parameters"},
    {"lora_bias", "LoRA biases"},
};
// Initialisations that also changed the base model's weights: B A belongs to those, not to the model's own.
constexpr std::string_view kChangingBase[] = {"pissa", "olora", "corda", "loftq", "lora_ga"};

bool is_on(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return !value.is_null() && !(value.is_structured() && value.empty());
}

[[noreturn]] void refuse_variant(std::string_view where, std::string_view variant) {
  throw CheckpointError(
      fmt::format("{}: the adapter uses {}, which is more than a product of two matrices added to a weight; merge it "
                  "with PEFT first: "
                  "python3 -c \"from peft import AutoPeftModelForCausalLM as M; "
                  "M.from_pretrained('ADAPTER').merge_and_unload().save_pretrained('OUT')\"",
                  where, variant));
}

const Json* member(const Json& config, std::string_view name) {
  const auto found = config.find(name);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void refuse(std::string_view where, std::string_view field, const Json& found, std::string_view expected) {
  throw CheckpointError(
      fmt::format("{}: {} is {}, expected {}", where, field, quote_foreign(found.dump(), 60), expected));
}

double number(const Json& value, std::string_view where, std::string_view field) {
  if (!value.is_number()) refuse(where, field, value, "a number");
  const auto result = value.get<double>();
  if (!std::isfinite(result)) refuse(where, field, value, "a finite number");
  return result;
}

std::int64_t rank_number(const Json& value, std::string_view where, std::string_view field) {
  const double rank = number(value, where, field);
  if (rank < 1 || rank > 1e6 || rank != std::floor(rank)) refuse(where, field, value, "an integer from 1 on");
  return static_cast<std::int64_t>(rank);
}

bool flag(const Json& config, std::string_view name, std::string_view where) {
  const Json* const value = member(config, name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) refuse(where, name, *value, "true or false");
  return value->get<bool>();
}

void check_kind(const Json& config, std::string_view where) {
  const Json* const type = member(config, "peft_type");
  if (type == nullptr || !type->is_string() || type->get_ref<const std::string&>() != "LORA") {
    throw CheckpointError(
        fmt::format("{}: peft_type is {}, expected LORA; other kinds of adapters cannot be added to weights", where,
                    type == nullptr ? "missing" : quote_foreign(type->dump(), 40)));
  }
  for (const auto& [name, variant] : kVariants) {
    const Json* const value = member(config, name);
    if (value != nullptr && is_on(*value)) refuse_variant(where, fmt::format("{} ({})", variant, name));
  }
  const Json* const init = member(config, "init_lora_weights");
  if (init == nullptr || !init->is_string()) return;
  for (const std::string_view name : kChangingBase) {
    if (init->get_ref<const std::string&>().starts_with(name))
      refuse_variant(where, fmt::format("init_lora_weights: {}", init->dump()));
  }
}

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

// As PEFT: re.match(rf"(.*\.)?({key})$", path). A pattern that is no regular expression, or takes too long, matches
// nothing there, too: it is refused.
bool matches(const std::string& key, std::string_view path) {
  const std::string pattern = "(?:.*\\.)?(?:" + key + ")$";
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, Free> code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                                                             pattern.size(), PCRE2_ANCHORED | PCRE2_UTF, &error,
                                                             &offset, nullptr));
  if (!code)
    throw CheckpointError(fmt::format("the pattern {} of an adapter is no regular expression", quote_foreign(key)));
  const std::unique_ptr<pcre2_match_data, Free> data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  const std::unique_ptr<pcre2_match_context, Free> context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), 1'000'000);
  const int result =
      pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(path.data()), path.size(), 0, 0, data.get(), context.get());
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result < 0)
    throw CheckpointError(fmt::format("the pattern {} of an adapter takes too long to match", quote_foreign(key)));
  return true;
}

template <class Value>
Value pattern_value(const std::vector<std::pair<std::string, Value>>& patterns, std::string_view path, Value fallback) {
  for (const auto& [key, value] : patterns) {
    if (matches(key, path)) return value;
  }
  return fallback;
}

}  // namespace

LoraSettings LoraSettings::parse(const Json& config, std::string_view where) {
  if (!config.is_object())
    throw CheckpointError(fmt::format("{}: holds {}, expected an object", where, config.type_name()));
  check_kind(config, where);
  LoraSettings settings;
  if (const Json* rank = member(config, "r")) settings.rank = rank_number(*rank, where, "r");
  if (const Json* alpha = member(config, "lora_alpha")) settings.alpha = number(*alpha, where, "lora_alpha");
  settings.rank_stabilized = flag(config, "use_rslora", where);
  settings.fan_in_fan_out = flag(config, "fan_in_fan_out", where);
  if (const Json* base = member(config, "base_model_name_or_path"); base != nullptr && base->is_string()) {
    settings.base_model = base->get<std::string>();
  }
  for (const char* const name : {"rank_pattern", "alpha_pattern"}) {
    const Json* const patterns = member(config, name);
    if (patterns == nullptr) continue;
    if (!patterns->is_object()) refuse(where, name, *patterns, "an object");
    for (const auto& [key, value] : patterns->items()) {
      if (std::string_view(name) == "rank_pattern") {
        settings.rank_pattern.emplace_back(key, rank_number(value, where, name));
      } else {
        settings.alpha_pattern.emplace_back(key, number(value, where, name));
      }
    }
  }
  return settings;
}

std::int64_t LoraSettings::rank_of(std::string_view path) const { return pattern_value(rank_pattern, path, rank); }

double LoraSettings::scale_of(std::string_view path, std::int64_t module_rank) const {
  const double of_rank = static_cast<double>(module_rank);
  return pattern_value(alpha_pattern, path, alpha) / (rank_stabilized ? std::sqrt(of_rank) : of_rank);
}

}  // namespace cambium::merge
