#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "merge/selector.h"
#include "merge/setting.h"
#include "tensor/dtype.h"

namespace cambium::merge {

/// A model as a recipe names it: a folder, `org/name` or another recipe, with or without a LoRA adapter
/// (`model+adapter`).
struct ModelReference {
  std::string model;
  std::optional<std::string> adapter;
  /// "model" or "model+adapter": how messages and provenance call it.
  [[nodiscard]] std::string text() const;
  /// The inverse. A text that is the path of something is a model, whatever letters it has.
  /// @return  nothing if it is empty or has several `+`
  [[nodiscard]] static std::optional<ModelReference> parse(std::string_view text);
  friend bool operator==(const ModelReference&, const ModelReference&) = default;
};

using Settings = std::map<std::string, Setting, std::less<>>;

/// An input of a slice: a run of layers of a model.
struct SourceSpec {
  ModelReference model;
  std::optional<std::pair<std::int64_t, std::int64_t>> layers;  ///< [first, end); absent: all
  Settings parameters;
  int line = 0;
};

/// A run of output layers and the models they are merged from.
struct SliceSpec {
  std::vector<SourceSpec> sources;
  std::optional<ModelReference> base_model;
  Settings parameters;
  int line = 0;
};

/// One part of the output: slices, or whole models.
struct ModuleSpec {
  std::string name;  ///< "default", or a part of a multimodal model ("text_decoder", "vision_tower" ...)
  std::vector<SliceSpec> slices;
  std::vector<SourceSpec> models;
  Settings parameters;
  int line = 0;
};

/// Where the row of one token comes from.
struct TokenSpec {
  enum class Kind : std::uint8_t { kDefault, kZero, kModel, kModelToken };
  Kind kind = Kind::kDefault;
  ModelReference model;                  ///< kModel, kModelToken
  std::optional<std::string> token;      ///< kModelToken: this token of the model
  std::optional<std::int64_t> token_id;  ///< kModelToken: or this row
  bool force = false;                    ///< also where the models have rows of their own
  int line = 0;
};

/// The output's vocabulary.
struct TokenizerSpec {
  enum class Source : std::uint8_t { kUnion, kBase, kModel };
  Source source = Source::kUnion;
  ModelReference model;                                   ///< kModel
  std::vector<std::pair<std::string, TokenSpec>> tokens;  ///< in the recipe's order
  std::optional<std::int64_t> pad_to_multiple_of;
  int line = 0;
};

/// Which models come out of a merge of a language model and multimodal ones.
struct EmitSpec {
  enum class Kind : std::uint8_t { kDefault, kLanguage, kEach, kModels };
  Kind kind = Kind::kDefault;
  std::vector<ModelReference> models;  ///< kModels
};

/// What to do with embedding rows when the models' vocabularies differ and no tokenizer is asked for.
enum class EmbeddingRule : std::uint8_t {
  kDefault,  ///< shared between a language model and a multimodal one, else refused
  kShared,   ///< merge the rows that every model has, carry the others
  kBase,     ///< take base_model's rows where it has them
  kModel,    ///< keep the emitted model's rows
};

/// How wide the cut of `recover` reaches.
enum class Scope : std::uint8_t { kTensor, kModel };

/// Whose shift decides a weight in `shift_softmax`.
enum class Granularity : std::uint8_t { kTensor, kLayer, kModule, kHead };

/// A recipe: what to merge and how. mergekit's YAML, and keys of our own (docs/recipes.md lists them all).
struct Recipe {
  std::string file;  ///< name for messages
  std::string text;  ///< the YAML, overrides applied
  std::string name;
  std::string method;
  std::optional<ModelReference> base_model;
  std::vector<ModuleSpec> modules;  ///< `models:` and `slices:` become one module named "default"
  bool sliced = false;              ///< some module is written as slices
  Settings parameters;
  std::optional<DType> dtype;
  std::optional<DType> out_dtype;
  std::optional<TokenizerSpec> tokenizer;
  std::string chat_template;  ///< empty, "auto", a known name, or Jinja

  std::optional<ModelReference> carry;
  EmitSpec emit;
  std::uint64_t seed = 0;
  Scope scope = Scope::kTensor;
  Granularity granularity = Granularity::kTensor;
  std::vector<Selector> only;
  std::vector<Selector> except;
  EmbeddingRule embeddings = EmbeddingRule::kDefault;

  /// Earlier documents of the same file, which this one may use as models by their `name`.
  std::map<std::string, std::shared_ptr<const Recipe>, std::less<>> documents;
  /// Remarks for the user: parameters of other methods that this one does not use.
  std::vector<std::string> notes;

  /// Every model named, each once, base first, then in the order of the text.
  [[nodiscard]] std::vector<ModelReference> models() const;
};

/// `path=value`, for instance `parameters.alpha=0.1`, `models.0.parameters.weight=0.5`; the value is YAML.
struct Override {
  std::string path;
  std::string value;
};
/// @throws UsageError  no '=' or an empty path
[[nodiscard]] Override parse_override(std::string_view text);

/// Reads a recipe.
///
/// @param text   YAML; several documents (`---`) may name each other, the last one is the output
/// @param where  the file's name for messages
/// @throws RecipeError  not YAML, a key twice or unknown (with its line and the nearest known one), a value of the
/// wrong
///         kind, an unknown method, parameter or dtype, not exactly one of models / slices / modules
[[nodiscard]] Recipe parse_recipe(std::string_view text, std::string_view where,
                                  const std::vector<Override>& overrides);
/// Reads and parses a file. @throws SystemError  it cannot be read; else as parse_recipe
[[nodiscard]] Recipe read_recipe(const std::filesystem::path& file, const std::vector<Override>& overrides);

/// Does this MODEL name a recipe (an existing `.yml` or `.yaml` file)?
[[nodiscard]] bool names_a_recipe(std::string_view model);

}  // namespace cambium::merge
