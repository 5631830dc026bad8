#include <optional>

#include "text/char_class.h"
#include "text/json_part.h"
#include "text/normalizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

/// The ranges the reference takes for ideographs: those of BERT's first release, with its start of extension E (2B920).
bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_dropped(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  // Format characters that are younger than the reference's table stay.
  if (c == 0x890 || c == 0x891 || c == 0x8E2 || c == 0x110CD || (c >= 0x13430 && c <= 0x1343F)) return false;
  return c == 0 || c == 0xFFFD || CharClasses::get().is(c, kControl);
}

/// Rewrites characters one by one; rewrite(character, emit) is called for each, emit(CharChange) at least once when it
/// changes.
template <typename Rewrite>
void rewrite_each(AlignedText& text, Rewrite&& rewrite) {
  const std::string_view source = text.text();
  std::optional<AlignedText::Rewriter> rewriter;
  for (std::size_t position = 0; position < source.size();) {
    const std::size_t begin = position;
    const char32_t character = utf8::next(source, position);
    rewrite(character, [&](CharChange change) {
      if (!rewriter) rewriter.emplace(text);
      if (rewriter->position() < begin) rewriter->keep_until(begin);
      rewriter->change(change);
    });
  }
  if (!rewriter) return;
  rewriter->keep_until(source.size());
  rewriter->finish();
}

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const JsonPart& part)
      : clean_text_(part.boolean("clean_text", true)),
        spread_ideographs_(part.boolean("handle_chinese_chars", true)),
        lowercase_(part.boolean("lowercase", true)),
        strip_accents_(part.boolean("strip_accents", lowercase_)),
        decomposed_(make_normal_form(NormalForm::kNfd)) {}

  void apply(AlignedText& text) const override {
    if (clean_text_) {
      drop_characters(text, is_dropped);
      rewrite_each(text, [](char32_t character, const auto& emit) {
        if (character != ' ' && CharClasses::get().is(character, kWhiteSpace)) emit({U' ', 0});
      });
    }
    if (spread_ideographs_) {
      rewrite_each(text, [](char32_t character, const auto& emit) {
        if (!is_ideograph(character)) return;
        emit({U' ', 0});
        emit({character, 1});
        emit({U' ', 1});
      });
    }
    if (strip_accents_) {
      decomposed_->apply(text);
      drop_characters(text, is_nonspacing_mark);
    }
    if (lowercase_) lowercase(text);
  }

 private:
  bool clean_text_;
  bool spread_ideographs_;
  bool lowercase_;
  bool strip_accents_;
  NormalizerPtr decomposed_;
};

}  // namespace

NormalizerPtr make_bert_normalizer(const JsonPart& part) { return std::make_unique<BertNormalizer>(part); }

}  // namespace cambium::text
