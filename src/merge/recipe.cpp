#include "merge/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checkpoint/foreign_text.h"
#include "checkpoint/text_file.h"
#include "merge/method_table.h"
#include "merge/recipe_yaml.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using Item = RecipeYaml::Item;

ModuleSpec named_module(const std::string& name, const YAML::Node& node) {
  ModuleSpec module;
  module.name = name;
  module.line = RecipeYaml::line_of(node);
  return module;
}

Setting::Entry plain_entry(std::vector<std::string> values, bool gradient, const YAML::Node& node) {
  Setting::Entry entry;
  entry.values = std::move(values);
  entry.gradient = gradient;
  entry.line = RecipeYaml::line_of(node);
  return entry;
}

// One document of a recipe file.
class Reader {
 public:
  explicit Reader(RecipeYaml& yaml) : yaml_(yaml) {}

  Recipe read(const YAML::Node& root) {
    static constexpr std::array<std::string_view, 20> kKeys{
        "merge_method", "models",    "slices",           "modules",       "base_model", "parameters", "dtype",
        "out_dtype",    "tokenizer", "tokenizer_source", "chat_template", "name",       "carry",      "emit",
        "seed",         "scope",     "granularity",      "only",          "except",     "embeddings"};
    const std::vector<Item> items = yaml_.items(root, "a recipe");
    recipe_.file = yaml_.where();
    // The method first: it says which parameters there are.
    for (const Item& item : items) {
      if (item.key == "merge_method") read_method(item.value);
    }
    if (recipe_.method.empty()) throw RecipeError(fmt::format("{}: no merge_method is given", yaml_.where()));
    int forms = 0;
    bool tokenizer_source = false;
    for (const Item& item : items) {
      const YAML::Node& value = item.value;
      const bool empty = RecipeYaml::is_null(value);
      if (std::ranges::find(kKeys, item.key) == kKeys.end()) yaml_.refuse_key(item, "a recipe", kKeys);
      if (empty) continue;
      if (item.key == "models") {
        forms += value.size() > 0 ? 1 : 0;
        ModuleSpec module = named_module("default", value);
        module.models = sources(value, "models", false);
        if (!module.models.empty()) recipe_.modules.push_back(std::move(module));
      } else if (item.key == "slices") {
        forms += value.size() > 0 ? 1 : 0;
        ModuleSpec module = named_module("default", value);
        module.slices = slices(value);
        if (!module.slices.empty()) recipe_.modules.push_back(std::move(module));
      } else if (item.key == "modules") {
        forms += value.size() > 0 ? 1 : 0;
        for (const Item& each : yaml_.items(value, "modules")) recipe_.modules.push_back(module(each));
      } else if (item.key == "base_model") {
        recipe_.base_model = reference(value, "base_model");
      } else if (item.key == "parameters") {
        recipe_.parameters = settings(value);
      } else if (item.key == "dtype" || item.key == "out_dtype") {
        (item.key == "dtype" ? recipe_.dtype : recipe_.out_dtype) = dtype(value, item.key);
      } else if (item.key == "tokenizer_source") {
        tokenizer_source = true;
        if (recipe_.tokenizer) refuse_both(value);
        recipe_.tokenizer = TokenizerSpec{};
        recipe_.tokenizer->line = RecipeYaml::line_of(value);
        tokenizer_source_of(value, *recipe_.tokenizer);
      } else if (item.key == "tokenizer") {
        if (tokenizer_source) refuse_both(value);
        recipe_.tokenizer = tokenizer(value);
      } else if (item.key == "chat_template") {
        recipe_.chat_template = yaml_.word(value, "chat_template");
      } else if (item.key == "name") {
        recipe_.name = yaml_.word(value, "name");
      } else if (item.key == "carry") {
        recipe_.carry = reference(value, "carry");
      } else if (item.key == "emit") {
        recipe_.emit = emit(value);
      } else if (item.key == "seed") {
        const std::int64_t seed = yaml_.integer(value, "seed");
        if (seed < 0) yaml_.refuse(value, "seed must not be negative");
        recipe_.seed = static_cast<std::uint64_t>(seed);
      } else if (item.key == "scope") {
        recipe_.scope = choice<Scope>(value, "scope", {{"tensor", Scope::kTensor}, {"model", Scope::kModel}});
      } else if (item.key == "granularity") {
        recipe_.granularity = choice<Granularity>(value, "granularity",
                                                  {{"tensor", Granularity::kTensor},
                                                   {"layer", Granularity::kLayer},
                                                   {"module", Granularity::kModule},
                                                   {"head", Granularity::kHead}});
      } else if (item.key == "only" || item.key == "except") {
        (item.key == "only" ? recipe_.only : recipe_.except) = selectors(value, item.key);
      } else if (item.key == "embeddings") {
        recipe_.embeddings = choice<EmbeddingRule>(
            value, "embeddings",
            {{"shared", EmbeddingRule::kShared}, {"base", EmbeddingRule::kBase}, {"model", EmbeddingRule::kModel}});
      }
    }
    if (forms != 1) {
      throw RecipeError(
          fmt::format("{}: exactly one of models, slices and modules must be given, found {}", yaml_.where(), forms));
    }
    if (recipe_.scope == Scope::kModel && recipe_.method != "recover") {
      throw RecipeError(fmt::format("{}: scope: model is for method recover, not {}", yaml_.where(), recipe_.method));
    }
    if (recipe_.granularity != Granularity::kTensor && recipe_.method != "shift_softmax") {
      throw RecipeError(
          fmt::format("{}: granularity is for method shift_softmax, not {}", yaml_.where(), recipe_.method));
    }
    recipe_.sliced =
        std::ranges::any_of(recipe_.modules, [](const ModuleSpec& module) { return !module.slices.empty(); });
    return std::move(recipe_);
  }

 private:
  void read_method(const YAML::Node& value) {
    const std::string name = yaml_.word(value, "merge_method");
    try {
      method_ = find_method(name).info;
    } catch (const RecipeError& error) {
      yaml_.refuse(value, error.what());
    }
    recipe_.method = name;
  }

  [[noreturn]] void refuse_both(const YAML::Node& value) const {
    yaml_.refuse(value, "tokenizer_source and tokenizer are both given; keep one of them");
  }

  template <typename Value>
  Value choice(const YAML::Node& node, std::string_view key,
               std::initializer_list<std::pair<std::string_view, Value>> choices) {
    const std::string text = yaml_.word(node, key);
    std::vector<std::string_view> known;
    for (const auto& [name, value] : choices) {
      if (name == text) return value;
      known.push_back(name);
    }
    yaml_.refuse(node, fmt::format("{} cannot be '{}'; {}", key, text, nearest_names(text, known)));
  }

  DType dtype(const YAML::Node& node, std::string_view key) {
    std::string text = yaml_.word(node, key);
    if (text.starts_with("torch.")) text.erase(0, 6);
    const auto found = dtype_from_name(text);
    if (!found || !is_mergeable(*found)) {
      yaml_.refuse(node, fmt::format("{} '{}' is not one that merging computes in; known: float32, bfloat16, float16, "
                                     "float64",
                                     key, text));
    }
    return *found;
  }

  std::string path_of(const YAML::Node& node, std::string_view what) {
    if (!node.IsMap()) return yaml_.word(node, what);
    static constexpr std::array<std::string_view, 2> kKeys{"path", "revision"};
    std::string path, revision;
    for (const Item& item : yaml_.items(node, what)) {
      if (item.key == "path") {
        path = yaml_.word(item.value, "path");
      } else if (item.key == "revision") {
        if (!RecipeYaml::is_null(item.value)) revision = yaml_.word(item.value, "revision");
      } else {
        yaml_.refuse_key(item, what, kKeys);
      }
    }
    if (path.empty()) yaml_.refuse(node, fmt::format("{} has no path", what));
    return revision.empty() ? path : path + "@" + revision;
  }

  ModelReference reference(const YAML::Node& node, std::string_view what) {
    ModelReference reference;
    if (node.IsMap()) {
      static constexpr std::array<std::string_view, 2> kKeys{"model", "lora"};
      for (const Item& item : yaml_.items(node, what)) {
        if (item.key == "model") {
          reference.model = path_of(item.value, "model");
        } else if (item.key == "lora") {
          if (!RecipeYaml::is_null(item.value)) reference.adapter = path_of(item.value, "lora");
        } else {
          yaml_.refuse_key(item, what, kKeys);
        }
      }
    } else {
      const std::string text = yaml_.word(node, what);
      const std::optional<ModelReference> parsed = ModelReference::parse(text);
      if (!parsed) {
        yaml_.refuse(node,
                     fmt::format("'{}' does not read as MODEL or MODEL+ADAPTER; to use several adapters, list the "
                                 "model with each of them",
                                 text));
      }
      reference = *parsed;
    }
    if (reference.model.empty()) yaml_.refuse(node, fmt::format("{} names no model", what));
    return reference;
  }

  Setting setting(const YAML::Node& node, const std::string& name) {
    Setting setting;
    setting.source = yaml_.where();
    const std::string what = fmt::format("parameter '{}'", name);
    if (RecipeYaml::is_null(node)) yaml_.refuse(node, what + " has no value");
    if (node.IsMap()) {
      setting.entries.push_back(condition(node, what));
    } else if (node.IsScalar()) {
      setting.entries.push_back(plain_entry({yaml_.word(node, what)}, false, node));
    } else {
      const std::vector<YAML::Node> nodes = yaml_.list(node, what);
      const auto maps = std::ranges::count_if(nodes, [](const YAML::Node& each) { return each.IsMap(); });
      if (maps != 0 && maps != std::ssize(nodes)) {
        yaml_.refuse(node, what + " mixes plain values and {filter, value} entries in one list");
      }
      if (maps != 0) {
        for (const YAML::Node& each : nodes) setting.entries.push_back(condition(each, what));
      } else if (!nodes.empty()) {
        setting.entries.push_back(plain_entry(words(nodes, what), true, node));
      }
    }
    return setting;
  }

  std::vector<std::string> words(const std::vector<YAML::Node>& nodes, const std::string& what) {
    std::vector<std::string> words;
    for (const YAML::Node& each : nodes) words.push_back(yaml_.word(each, "a value of " + what));
    return words;
  }

  Setting::Entry condition(const YAML::Node& node, const std::string& what) {
    static constexpr std::array<std::string_view, 3> kKeys{"filter", "where", "value"};
    Setting::Entry entry;
    entry.line = RecipeYaml::line_of(node);
    bool valued = false;
    for (const Item& item : yaml_.items(node, "an entry of " + what)) {
      if (item.key == "filter") {
        if (!RecipeYaml::is_null(item.value)) entry.filter = yaml_.word(item.value, "filter");
      } else if (item.key == "where") {
        entry.where = Selector::parse(yaml_.word(item.value, "where"), yaml_.place(item.value));
      } else if (item.key == "value") {
        valued = true;
        entry.gradient = item.value.IsSequence();
        entry.values = entry.gradient ? words(yaml_.list(item.value, what), what)
                                      : std::vector<std::string>{yaml_.word(item.value, "the value of " + what)};
      } else {
        yaml_.refuse_key(item, "an entry of " + what, kKeys);
      }
    }
    if (!valued) yaml_.refuse(node, fmt::format("an entry of {} has no value", what));
    return entry;
  }

  Settings settings(const YAML::Node& node) {
    Settings settings;
    if (RecipeYaml::is_null(node)) return settings;
    for (const Item& item : yaml_.items(node, "parameters")) {
      Setting value = setting(item.value, item.key);
      if (const ParameterInfo* parameter = method_->find_parameter(item.key)) {
        value.check(*parameter);
        warn_of_extrapolation(item, value, *parameter);
        settings.emplace(item.key, std::move(value));
      } else {
        unused_parameter(item);
      }
    }
    return settings;
  }

  // A share of two models may lie outside of 0..1 (people try it); it is said, since it is often a slip.
  void warn_of_extrapolation(const Item& item, const Setting& value, const ParameterInfo& parameter) {
    const bool share = (method_->name == "recover" && parameter.name == "alpha") ||
                       (method_->name == "shift_softmax" && parameter.name == "alpha0");
    if (!share) return;
    for (const Setting::Entry& entry : value.entries) {
      for (const std::string& word : entry.values) {
        const auto number = number_from_word(word, parameter.kind);
        if (!number || (*number >= 0 && *number <= 1)) continue;
        recipe_.notes.push_back(fmt::format("{}: {} {} lies outside of 0..1: the result lies beyond both models",
                                            yaml_.place(item.key_node), parameter.name, word));
        return;
      }
    }
  }

  // Recipes in the wild carry switches of other methods along (int8_mask, normalize ...): these are pointed out. A word
  // that no method knows is a slip of the pen.
  void unused_parameter(const Item& item) {
    std::vector<std::string_view> known;
    for (const ParameterInfo& parameter : method_->parameters) known.push_back(parameter.name);
    const bool of_another = std::ranges::any_of(
        method_table(), [&](const Method& method) { return method.info->find_parameter(item.key) != nullptr; });
    if (!of_another) {
      yaml_.refuse(item.key_node, fmt::format("unknown parameter '{}' of method '{}'; {}", item.key, method_->name,
                                              nearest_names(item.key, known)));
    }
    recipe_.notes.push_back(fmt::format("{}: method '{}' does not use the parameter '{}'", yaml_.place(item.key_node),
                                        method_->name, item.key));
  }

  std::vector<SourceSpec> sources(const YAML::Node& node, std::string_view what, bool layers) {
    static constexpr std::array<std::string_view, 3> kKeys{"model", "parameters", "layer_range"};
    const std::span<const std::string_view> known(kKeys.data(), layers ? 3U : 2U);
    std::vector<SourceSpec> sources;
    for (const YAML::Node& each : yaml_.list(node, what)) {
      SourceSpec source;
      source.line = RecipeYaml::line_of(each);
      const std::string entry = fmt::format("an entry of {}", what);
      for (const Item& item : yaml_.items(each, entry)) {
        if (item.key == "model") {
          source.model = reference(item.value, "model");
        } else if (item.key == "parameters") {
          source.parameters = settings(item.value);
        } else if (layers && item.key == "layer_range") {
          const std::vector<YAML::Node> ends = yaml_.list(item.value, "layer_range");
          if (ends.size() != 2) yaml_.refuse(item.value, "layer_range must be [first, end]");
          source.layers = {yaml_.integer(ends[0], "layer_range"), yaml_.integer(ends[1], "layer_range")};
          if (source.layers->first < 0 || source.layers->second <= source.layers->first) {
            yaml_.refuse(item.value, fmt::format("layer_range [{}, {}] holds no layer", source.layers->first,
                                                 source.layers->second));
          }
        } else {
          yaml_.refuse_key(item, entry, known);
        }
      }
      if (source.model.model.empty()) yaml_.refuse(each, fmt::format("{} names no model", entry));
      if (layers && !source.layers) yaml_.refuse(each, fmt::format("{} has no layer_range", entry));
      sources.push_back(std::move(source));
    }
    return sources;
  }

  std::vector<SliceSpec> slices(const YAML::Node& node) {
    static constexpr std::array<std::string_view, 4> kKeys{"sources", "base_model", "parameters", "residual_weight"};
    std::vector<SliceSpec> slices;
    for (const YAML::Node& each : yaml_.list(node, "slices")) {
      SliceSpec slice;
      slice.line = RecipeYaml::line_of(each);
      for (const Item& item : yaml_.items(each, "a slice")) {
        if (item.key == "sources") {
          slice.sources = sources(item.value, "sources", true);
        } else if (item.key == "base_model") {
          if (!RecipeYaml::is_null(item.value)) slice.base_model = reference(item.value, "base_model");
        } else if (item.key == "parameters") {
          slice.parameters = settings(item.value);
        } else if (item.key == "residual_weight") {
          recipe_.notes.push_back(yaml_.place(item.key_node) + ": residual_weight has no meaning and is not used");
        } else {
          yaml_.refuse_key(item, "a slice", kKeys);
        }
      }
      if (slice.sources.empty()) yaml_.refuse(each, "a slice has no sources");
      slices.push_back(std::move(slice));
    }
    return slices;
  }

  ModuleSpec module(const Item& item) {
    static constexpr std::array<std::string_view, 3> kKeys{"slices", "models", "parameters"};
    ModuleSpec module = named_module(item.key, item.key_node);
    const std::string what = fmt::format("module '{}'", item.key);
    for (const Item& each : yaml_.items(item.value, what)) {
      if (each.key == "slices") {
        if (!RecipeYaml::is_null(each.value)) module.slices = slices(each.value);
      } else if (each.key == "models") {
        if (!RecipeYaml::is_null(each.value)) module.models = sources(each.value, "models", false);
      } else if (each.key == "parameters") {
        module.parameters = settings(each.value);
      } else {
        yaml_.refuse_key(each, what, kKeys);
      }
    }
    if (module.slices.empty() == module.models.empty()) {
      yaml_.refuse(item.key_node, fmt::format("{} must have either slices or models", what));
    }
    return module;
  }

  std::vector<Selector> selectors(const YAML::Node& node, std::string_view key) {
    std::vector<Selector> selectors;
    if (node.IsScalar()) {
      selectors.push_back(Selector::parse(yaml_.word(node, key), yaml_.place(node)));
    } else {
      for (const YAML::Node& each : yaml_.list(node, key)) {
        selectors.push_back(Selector::parse(yaml_.word(each, key), yaml_.place(each)));
      }
    }
    if (std::ranges::any_of(selectors, [](const Selector& selector) { return selector.asks_for_heads(); })) {
      yaml_.refuse(node, fmt::format("'{}' picks whole tensors; to treat heads apart, give a parameter by `where: "
                                     "\"heads:0-3\"`",
                                     key));
    }
    return selectors;
  }

  EmitSpec emit(const YAML::Node& node) {
    EmitSpec emit;
    if (node.IsScalar()) {
      const std::string text = yaml_.word(node, "emit");
      if (text == "language") return {.kind = EmitSpec::Kind::kLanguage, .models = {}};
      if (text == "each") return {.kind = EmitSpec::Kind::kEach, .models = {}};
      emit.models.push_back(reference(node, "emit"));
    } else {
      for (const YAML::Node& each : yaml_.list(node, "emit")) emit.models.push_back(reference(each, "emit"));
    }
    if (emit.models.empty()) yaml_.refuse(node, "emit is empty; it is language, each, a model or a list of models");
    emit.kind = EmitSpec::Kind::kModels;
    return emit;
  }

  void tokenizer_source_of(const YAML::Node& node, TokenizerSpec& tokenizer) {
    const std::string text = node.IsScalar() ? node.Scalar() : std::string();
    if (text == "union") {
      tokenizer.source = TokenizerSpec::Source::kUnion;
    } else if (text == "base") {
      tokenizer.source = TokenizerSpec::Source::kBase;
    } else {
      tokenizer.source = TokenizerSpec::Source::kModel;
      tokenizer.model = reference(node, "the tokenizer's source");
    }
  }

  TokenizerSpec tokenizer(const YAML::Node& node) {
    static constexpr std::array<std::string_view, 3> kKeys{"source", "tokens", "pad_to_multiple_of"};
    TokenizerSpec tokenizer;
    tokenizer.line = RecipeYaml::line_of(node);
    for (const Item& item : yaml_.items(node, "tokenizer")) {
      if (item.key == "source") {
        tokenizer_source_of(item.value, tokenizer);
      } else if (item.key == "tokens") {
        if (RecipeYaml::is_null(item.value)) continue;
        for (const Item& each : yaml_.items(item.value, "tokens")) tokenizer.tokens.emplace_back(each.key, token(each));
      } else if (item.key == "pad_to_multiple_of") {
        if (RecipeYaml::is_null(item.value)) continue;
        tokenizer.pad_to_multiple_of = yaml_.integer(item.value, "pad_to_multiple_of");
        if (*tokenizer.pad_to_multiple_of < 1) yaml_.refuse(item.value, "pad_to_multiple_of must be at least 1");
      } else {
        yaml_.refuse_key(item, "tokenizer", kKeys);
      }
    }
    return tokenizer;
  }

  TokenSpec token(const Item& item) {
    static constexpr std::array<std::string_view, 2> kKeys{"source", "force"};
    TokenSpec token;
    token.line = RecipeYaml::line_of(item.key_node);
    const std::string what = fmt::format("token '{}'", item.key);
    if (RecipeYaml::is_null(item.value)) return token;
    for (const Item& each : yaml_.items(item.value, what)) {
      if (each.key == "force") {
        token.force = yaml_.switch_value(each.value, "force");
      } else if (each.key == "source") {
        if (!RecipeYaml::is_null(each.value)) token_source(each.value, what, token);
      } else {
        yaml_.refuse_key(each, what, kKeys);
      }
    }
    return token;
  }

  void token_source(const YAML::Node& node, const std::string& what, TokenSpec& token) {
    if (!node.IsMap() || !node["kind"].IsDefined()) {
      token.kind = TokenSpec::Kind::kModel;
      token.model = reference(node, "the source of " + what);
      return;
    }
    static constexpr std::array<std::string_view, 4> kKeys{"kind", "model", "token", "token_id"};
    for (const Item& item : yaml_.items(node, "the source of " + what)) {
      if (item.key == "kind") {
        token.kind = choice<TokenSpec::Kind>(
            item.value, "kind", {{"zero", TokenSpec::Kind::kZero}, {"model_token", TokenSpec::Kind::kModelToken}});
      } else if (item.key == "model") {
        token.model = reference(item.value, "model");
      } else if (item.key == "token") {
        if (!RecipeYaml::is_null(item.value)) token.token = yaml_.word(item.value, "token");
      } else if (item.key == "token_id") {
        if (!RecipeYaml::is_null(item.value)) token.token_id = yaml_.integer(item.value, "token_id");
      } else {
        yaml_.refuse_key(item, "the source of " + what, kKeys);
      }
    }
    if (token.kind != TokenSpec::Kind::kModelToken) return;
    if (token.model.model.empty()) yaml_.refuse(node, fmt::format("the source of {} names no model", what));
    if (token.token.has_value() == token.token_id.has_value()) {
      yaml_.refuse(node, fmt::format("the source of {} needs either a token or a token_id", what));
    }
  }

  RecipeYaml& yaml_;
  Recipe recipe_;
  const MethodInfo* method_ = nullptr;
};

}  // namespace

std::string ModelReference::text() const { return adapter ? model + "+" + *adapter : model; }

std::optional<ModelReference> ModelReference::parse(std::string_view text) {
  ModelReference reference;
  const auto plus = text.find('+');
  std::error_code error;
  if (plus == std::string_view::npos || std::filesystem::exists(std::filesystem::path(text), error)) {
    reference.model = text;
    return text.empty() ? std::nullopt : std::optional(reference);
  }
  reference.model = text.substr(0, plus);
  reference.adapter = text.substr(plus + 1);
  if (reference.model.empty() || reference.adapter->empty() || reference.adapter->find('+') != std::string::npos) {
    return std::nullopt;
  }
  return reference;
}

std::vector<ModelReference> Recipe::models() const {
  std::vector<ModelReference> all;
  const auto add = [&](const ModelReference& model) {
    if (std::ranges::find(all, model) == all.end()) all.push_back(model);
  };
  if (base_model) add(*base_model);
  for (const ModuleSpec& module : modules) {
    for (const SourceSpec& source : module.models) add(source.model);
    for (const SliceSpec& slice : module.slices) {
      if (slice.base_model) add(*slice.base_model);
      for (const SourceSpec& source : slice.sources) add(source.model);
    }
  }
  return all;
}

Override parse_override(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw UsageError(fmt::format("--set {}: expected PATH=VALUE, for instance parameters.alpha=0.1", text));
  }
  if (!checkpoint::is_utf8(text)) throw UsageError(fmt::format("--set {}: not UTF-8", text));
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Recipe parse_recipe(std::string_view text, std::string_view where, const std::vector<Override>& overrides) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
    if (!checkpoint::is_utf8(line))
      throw RecipeError(fmt::format("{}: not UTF-8: {}", where, checkpoint::quote_foreign(line)));
    begin += line.size() + 1;
  }
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(std::string(text));
    std::erase_if(documents, [](const YAML::Node& document) { return RecipeYaml::is_null(document); });
    if (documents.empty()) throw RecipeError(fmt::format("{}: the recipe is empty", where));
    if (!overrides.empty()) apply_overrides(documents.back(), overrides);

    RecipeYaml yaml(where);
    std::map<std::string, std::shared_ptr<const Recipe>, std::less<>> earlier;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      Recipe recipe = Reader(yaml).read(documents[i]);
      recipe.documents = earlier;
      recipe.text = documents.size() == 1 && overrides.empty() ? std::string(text) : YAML::Dump(documents[i]) + "\n";
      if (i + 1 == documents.size()) return recipe;
      if (recipe.name.empty()) {
        throw RecipeError(fmt::format("{}: document {} has no name, so that nothing can use it", where, i + 1));
      }
      const std::string name = recipe.name;
      if (!earlier.emplace(name, std::make_shared<const Recipe>(std::move(recipe))).second) {
        throw RecipeError(fmt::format("{}: two documents are named '{}'", where, name));
      }
    }
  } catch (const YAML::Exception& error) {
    const std::string line = error.mark.line >= 0 ? fmt::format(" line {}", error.mark.line + 1) : std::string();
    throw RecipeError(fmt::format("{}{}: not valid YAML: {}", where, line, error.msg));
  }
  throw RecipeError(fmt::format("{}: the recipe is empty", where));
}

Recipe read_recipe(const std::filesystem::path& file, const std::vector<Override>& overrides) {
  return parse_recipe(checkpoint::read_text(file), file.string(), overrides);
}

bool names_a_recipe(std::string_view model) {
  if (!model.ends_with(".yml") && !model.ends_with(".yaml")) return false;
  std::error_code error;
  return std::filesystem::is_regular_file(std::filesystem::path(model), error);
}

}  // namespace cambium::merge
