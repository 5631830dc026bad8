#include "merge/selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "merge/method_table.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using family::Part;
using family::Role;

constexpr std::array kParts{Part::kLanguage,  Part::kVisionTower,    Part::kAudioTower,
                            Part::kProjector, Part::kCrossAttention, Part::kOther};

constexpr std::array<std::string_view, 5> kModules{"attention", "mlp", "norm", "embedding", "head"};

// Llama's names of the projections, which most people know better than the roles' own.
constexpr std::array<std::pair<std::string_view, Role>, 15> kLlamaWords{{
    {"embed_tokens", Role::kEmbedding},
    {"q_proj", Role::kQuery},
    {"k_proj", Role::kKey},
    {"v_proj", Role::kValue},
    {"o_proj", Role::kAttentionOutput},
    {"qkv_proj", Role::kQueryKeyValue},
    {"q_norm", Role::kQueryNorm},
    {"k_norm", Role::kKeyNorm},
    {"gate_proj", Role::kGate},
    {"up_proj", Role::kUp},
    {"down_proj", Role::kDown},
    {"gate_up_proj", Role::kGateUp},
    {"input_layernorm", Role::kInputNorm},
    {"post_attention_layernorm", Role::kPostAttentionNorm},
    {"lm_head", Role::kLmHead},
}};

std::vector<Role> all_roles() {
  std::vector<Role> roles;
  for (int value = 0; value <= static_cast<int>(Role::kOther); ++value) roles.push_back(static_cast<Role>(value));
  return roles;
}

std::optional<Role> role_from(std::string_view word) {
  if (const auto role = family::role_from_name(word)) return role;
  for (const auto& [name, role] : kLlamaWords) {
    if (name == word) return role;
  }
  return std::nullopt;
}

// '*' stands for any run of characters, '?' for one; the whole text must fit. Linear: remembers the last star only.
bool fits_pattern(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, want = 0, star = std::string_view::npos, resume = 0;
  while (at < text.size()) {
    if (want < pattern.size() && (pattern[want] == '?' || pattern[want] == text[at])) {
      ++at, ++want;
    } else if (want < pattern.size() && pattern[want] == '*') {
      star = want++;
      resume = at;
    } else if (star != std::string_view::npos) {
      want = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (want < pattern.size() && pattern[want] == '*') ++want;
  return want == pattern.size();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto cut = text.find(separator);
    parts.emplace_back(text.substr(0, cut));
    if (cut == std::string_view::npos) return parts;
    text.remove_prefix(cut + 1);
  }
}

std::int64_t number_in(std::string_view text, std::string_view term, std::string_view where) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    throw RecipeError(
        fmt::format("{}: '{}' holds '{}' where a number or a range such as 0-7 is due", where, term, text));
  }
  return value;
}

[[noreturn]] void refuse_word(std::string_view word, std::string_view kind, std::span<const std::string_view> known,
                              std::string_view where) {
  throw RecipeError(fmt::format("{}: unknown {} '{}'; {}", where, kind, word, nearest_names(word, known)));
}

}  // namespace

std::string_view module_of(Role role) {
  switch (role) {
    case Role::kEmbedding:
    case Role::kPositionEmbedding:
      return "embedding";
    case Role::kQuery:
    case Role::kKey:
    case Role::kValue:
    case Role::kQueryKeyValue:
    case Role::kAttentionOutput:
    case Role::kQueryNorm:
    case Role::kKeyNorm:
      return "attention";
    case Role::kGate:
    case Role::kUp:
    case Role::kGateUp:
    case Role::kDown:
      return "mlp";
    case Role::kInputNorm:
    case Role::kPostAttentionNorm:
    case Role::kPreFeedforwardNorm:
    case Role::kPostFeedforwardNorm:
    case Role::kFinalNorm:
      return "norm";
    case Role::kLmHead:
      return "head";
    case Role::kTower:
    case Role::kProjector:
    case Role::kCrossAttention:
    case Role::kBuffer:
    case Role::kOther:
      break;
  }
  return {};
}

Selector Selector::parse(std::string_view text, std::string_view where) {
  Selector selector;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\n", at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end;
    Term term;
    const auto colon = word.find(':');
    if (colon == std::string_view::npos) {
      term.kind = word.find_first_of("*?") == std::string_view::npos ? Kind::kSubstring : Kind::kPattern;
      term.text = word;
      selector.terms_.push_back(std::move(term));
      continue;
    }
    const std::string_view kind = word.substr(0, colon);
    const std::vector<std::string> values = split(word.substr(colon + 1), ',');
    if (kind == "role") {
      term.kind = Kind::kRole;
      for (const std::string& value : values) {
        const auto role = role_from(value);
        if (!role) {
          std::vector<std::string_view> known;
          for (const Role each : all_roles()) known.push_back(family::name_of(each));
          for (const auto& each : kLlamaWords) known.push_back(each.first);
          refuse_word(value, "role", known, where);
        }
        term.words.emplace_back(family::name_of(*role));
      }
    } else if (kind == "module") {
      term.kind = Kind::kModule;
      for (const std::string& value : values) {
        if (std::ranges::find(kModules, value) == kModules.end()) refuse_word(value, "module", kModules, where);
        term.words.push_back(value);
      }
    } else if (kind == "part") {
      term.kind = Kind::kPart;
      std::vector<std::string_view> known;
      for (const Part part : kParts) known.push_back(family::name_of(part));
      for (const std::string& value : values) {
        if (std::ranges::find(known, value) == known.end()) refuse_word(value, "part", known, where);
        term.words.push_back(value);
      }
    } else if (kind == "layers" || kind == "layer" || kind == "heads" || kind == "head") {
      term.kind = kind.front() == 'l' ? Kind::kLayers : Kind::kHeads;
      for (const std::string& value : values) {
        const auto dash = value.find('-');
        const std::int64_t first = number_in(value.substr(0, dash), word, where);
        const std::int64_t last = dash == std::string::npos ? first : number_in(value.substr(dash + 1), word, where);
        if (last < first) throw RecipeError(fmt::format("{}: the range '{}' runs backwards", where, value));
        term.ranges.emplace_back(first, last);
      }
    } else {
      static constexpr std::array<std::string_view, 5> kKinds{"role", "module", "part", "layers", "heads"};
      refuse_word(kind, "kind of selection", kKinds, where);
    }
    selector.terms_.push_back(std::move(term));
  }
  if (selector.terms_.empty()) throw RecipeError(fmt::format("{}: an empty selection picks nothing", where));
  return selector;
}

bool Selector::holds(const Term& term, const TensorAspect& aspect) {
  const auto among = [&](std::string_view word) { return std::ranges::find(term.words, word) != term.words.end(); };
  const auto in_range = [&](std::int64_t number) {
    return std::ranges::any_of(term.ranges, [&](const Range& r) { return r.first <= number && number <= r.second; });
  };
  switch (term.kind) {
    case Kind::kSubstring:
      return aspect.name.find(term.text) != std::string_view::npos;
    case Kind::kPattern:
      return fits_pattern(aspect.name, term.text);
    case Kind::kRole:
      return aspect.role != nullptr && among(family::name_of(aspect.role->role));
    case Kind::kModule:
      return aspect.role != nullptr && among(module_of(aspect.role->role));
    case Kind::kPart:
      return aspect.role != nullptr && among(family::name_of(aspect.role->part));
    case Kind::kLayers:
      return aspect.role != nullptr && aspect.role->layer >= 0 && in_range(aspect.role->layer);
    case Kind::kHeads:
      return aspect.head && in_range(*aspect.head);
  }
  return false;
}

bool Selector::matches(const TensorAspect& aspect) const {
  return std::ranges::all_of(terms_, [&](const Term& term) { return holds(term, aspect); });
}

bool Selector::asks_for_heads() const {
  return std::ranges::any_of(terms_, [](const Term& term) { return term.kind == Kind::kHeads; });
}

bool any_matches(const std::vector<Selector>& selectors, const TensorAspect& aspect) {
  return std::ranges::any_of(selectors, [&](const Selector& selector) { return selector.matches(aspect); });
}

}  // namespace cambium::merge
