#include "eval/generation_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "checkpoint/json.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

// In the order in which they count.
constexpr std::array kLengths{std::string_view("max_gen_toks"), std::string_view("max_new_tokens"),
                              std::string_view("max_tokens"), std::string_view("max_completion_tokens")};
constexpr std::array kKnown{std::string_view("until"),
                            std::string_view("do_sample"),
                            std::string_view("temperature"),
                            std::string_view("top_p"),
                            std::string_view("top_k"),
                            std::string_view("min_p"),
                            std::string_view("repetition_penalty")};
/// Arguments of generate() that are fine as long as they change nothing.
struct Neutral {
  std::string_view name;
  double value;
};
constexpr std::array kNeutral{Neutral{"num_beams", 1},
                              Neutral{"num_beam_groups", 1},
                              Neutral{"num_return_sequences", 1},
                              Neutral{"no_repeat_ngram_size", 0},
                              Neutral{"length_penalty", 1},
                              Neutral{"typical_p", 1},
                              Neutral{"use_cache", 1},
                              Neutral{"penalty_alpha", 0},
                              Neutral{"diversity_penalty", 0},
                              Neutral{"early_stopping", 0}};

class Arguments {
 public:
  explicit Arguments(const Value& dict) : dict_(dict) {}

  [[nodiscard]] const Value* find(std::string_view name) const {
    if (!dict_.is_dict()) return nullptr;
    const Value* value = dict_.as_dict().find(name);
    return value == nullptr || value->is_none() ? nullptr : value;
  }
  [[nodiscard]] std::optional<double> number(std::string_view name) const {
    const Value* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return text::jinja::to_double(*value);
    throw UsageError(fmt::format("generation argument '{}' must be a number", name));
  }

  // Everything is known, or changes nothing.
  void check() const {
    if (!dict_.is_dict()) return;
    for (const auto& [key, value] : dict_.as_dict().entries()) {
      const std::string& name = key.as_string();
      if (std::ranges::find(kKnown, name) != kKnown.end() || std::ranges::find(kLengths, name) != kLengths.end()) {
        continue;
      }
      const auto neutral = std::ranges::find(kNeutral, name, &Neutral::name);
      if (neutral != kNeutral.end()) {
        if (value.is_none() || (value.is_number() && text::jinja::to_double(value) == neutral->value)) continue;
        throw UsageError(
            fmt::format("generation argument '{}' is supported with the value {} only", name, neutral->value));
      }
      std::string known;
      for (const auto& list :
           {std::span<const std::string_view>(kKnown), std::span<const std::string_view>(kLengths)}) {
        for (const std::string_view one : list) known += fmt::format("{}{}", known.empty() ? "" : ", ", one);
      }
      throw UsageError(fmt::format("generation argument '{}' is not known; known are {}", name, known));
    }
  }

 private:
  const Value& dict_;
};

std::vector<std::string> stop_texts(const Value* until) {
  std::vector<std::string> stops;
  if (until == nullptr) return stops;
  const auto add = [&](const Value& one) {
    if (!one.is_string()) throw UsageError("generation argument 'until' must be a text or a list of texts");
    stops.push_back(one.as_string());
  };
  if (until->is_sequence()) {
    for (const Value& one : until->items()) add(one);
  } else {
    add(*until);
  }
  return stops;
}

std::size_t new_tokens(const Arguments& arguments, std::size_t fallback) {
  for (const std::string_view name : kLengths) {
    const std::optional<double> number = arguments.number(name);
    if (!number) continue;
    if (!(*number >= 1 && *number <= 1e9))
      throw UsageError(fmt::format("generation argument '{}' must be 1 or more", name));
    return static_cast<std::size_t>(*number);
  }
  return fallback;
}

}  // namespace

GenerationDefaults GenerationDefaults::from_folder(const std::filesystem::path& folder) {
  GenerationDefaults defaults;
  const std::filesystem::path file = folder / "generation_config.json";
  if (!std::filesystem::exists(file)) return defaults;
  const checkpoint::Json config = checkpoint::read_json(file);
  const auto read = [&](const char* name, auto& value) {
    const auto found = config.find(name);
    if (found == config.end() || found->is_null()) return;
    if (!found->is_number()) throw CheckpointError(fmt::format("{}: '{}' must be a number", file.string(), name));
    value = found->template get<std::remove_reference_t<decltype(value)>>();
  };
  read("repetition_penalty", defaults.repetition_penalty);
  read("temperature", defaults.temperature);
  read("top_p", defaults.top_p);
  read("min_p", defaults.min_p);
  read("top_k", defaults.top_k);
  return defaults;
}

GenerationSettings generation_settings(const Value& arguments_dict, const GenerationDefaults& defaults) {
  const Arguments arguments(arguments_dict);
  arguments.check();
  GenerationSettings settings;
  settings.stops = stop_texts(arguments.find("until"));
  settings.max_new_tokens = new_tokens(arguments, settings.max_new_tokens);
  settings.sampling.repetition_penalty = arguments.number("repetition_penalty").value_or(defaults.repetition_penalty);
  const Value* do_sample = arguments.find("do_sample");
  const std::optional<double> temperature = arguments.number("temperature");
  const bool sampled = do_sample != nullptr ? text::jinja::truthy(*do_sample) : temperature.value_or(0) > 0;
  if (!sampled) return settings;
  settings.sampling.temperature = temperature.value_or(defaults.temperature);
  settings.sampling.top_p = arguments.number("top_p").value_or(defaults.top_p);
  settings.sampling.min_p = arguments.number("min_p").value_or(defaults.min_p);
  settings.sampling.top_k =
      static_cast<std::int64_t>(arguments.number("top_k").value_or(static_cast<double>(defaults.top_k)));
  settings.sampling.check();
  return settings;
}

}  // namespace cambium::eval
