#pragma once

#include <memory>
#include <vector>

#include "text/aligned_text.h"

namespace cambium::text {

class JsonPart;

/// One step that rewrites text before it is split. Safe to use from several threads at once.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Leaves a text that needs no change as it is (a view of the original stays one).
  virtual void apply(AlignedText& text) const = 0;
};

using NormalizerPtr = std::unique_ptr<const Normalizer>;

/// Builds the normalizer that a tokenizer file describes (an object with "type").
/// @throws CheckpointError  an unknown type (the known ones are listed) or a bad field, with file and place
[[nodiscard]] NormalizerPtr make_normalizer(const JsonPart& part);

/// The parts that live in files of their own.
[[nodiscard]] NormalizerPtr make_bert_normalizer(const JsonPart& part);
[[nodiscard]] NormalizerPtr make_precompiled_normalizer(const JsonPart& part);

/// Unicode normalization forms.
enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
[[nodiscard]] NormalizerPtr make_normal_form(NormalForm form);

/// Characters to lower case, each by itself (no final sigma).
void lowercase(AlignedText& text);
/// Drops the characters for which drop(character) is true.
void drop_characters(AlignedText& text, bool (*drop)(char32_t));
/// What Hugging Face's StripAccents and BertNormalizer take for accents (tables of Unicode 9 and 8).
[[nodiscard]] bool is_combining_mark(char32_t character);
[[nodiscard]] bool is_nonspacing_mark(char32_t character);
/// What its Punctuation takes for punctuation: ASCII's and the general category P of Unicode 8.
[[nodiscard]] bool is_punctuation(char32_t character);

}  // namespace cambium::text
