#pragma once

#include <memory>

#include "text/piece_list.h"

namespace cambium::text {

class JsonPart;

/// One step that cuts text into the pieces a model tokenizes one by one. Safe to use from several threads at once.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(PieceList& list) const = 0;
};

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

/// What a tokenizer file's pre-tokenizer comes to.
struct PreTokenization {
  PreTokenizerPtr steps;
  /// The last step is ByteLevel and was left to the model: pieces hold plain bytes instead of their printable
  /// stand-ins.
  bool model_maps_bytes = false;
};

/// @param model_can_map_bytes  the model can take plain bytes when ByteLevel is the last step (its tokens are all
/// spelled in the byte
///                             alphabet), which saves writing the stand-ins
/// @throws CheckpointError  an unknown type (the known ones are listed) or a bad field, with file and place
[[nodiscard]] PreTokenization make_pre_tokenizer(const JsonPart& part, bool model_can_map_bytes);

/// The parts that live in files of their own.
[[nodiscard]] PreTokenizerPtr make_split(const JsonPart& part);
[[nodiscard]] PreTokenizerPtr make_metaspace(const JsonPart& part);
[[nodiscard]] PreTokenizerPtr make_byte_level(const JsonPart& part, bool map_bytes);
[[nodiscard]] PreTokenizerPtr make_unicode_scripts();

/// "Isolated", "MergedWithNext" ...; the member may be absent.
[[nodiscard]] SplitBehavior split_behavior(const JsonPart& part, SplitBehavior fallback);

}  // namespace cambium::text
