#include "text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>

#include "tensor/error.h"
#include "text/byte_level.h"
#include "text/char_class.h"
#include "text/json_part.h"
#include "text/pattern.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}
  void apply(AlignedText& text) const override {
    for (const NormalizerPtr& step : steps_) step->apply(text);
  }

 private:
  std::vector<NormalizerPtr> steps_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text) const override { text.prepend(prefix_); }

 private:
  std::string prefix_;
};

class Replace final : public Normalizer {
 public:
  Replace(Pattern pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text) const override {
    std::vector<AlignedText::Match> matches;
    pattern_.for_each(text.text(), [&](std::size_t begin, std::size_t end) { matches.push_back({begin, end}); });
    text.replace(matches, content_);
  }

 private:
  Pattern pattern_;
  std::string content_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override {
    const CharClasses& classes = CharClasses::get();
    const std::string_view all = text.text();
    std::size_t begin = 0;
    std::size_t end = all.size();
    for (std::size_t next = 0; left_ && begin < end; begin = next) {
      if (!classes.is(utf8::next(all, next), kWhiteSpace)) break;
    }
    for (std::size_t before = end; right_ && before > begin; end = before) {
      if (!classes.is(utf8::previous(all, before), kWhiteSpace)) break;
    }
    if (begin == 0 && end == all.size()) return;
    const std::size_t leading = utf8::count(all.substr(0, begin));
    AlignedText::Rewriter rewriter(text);
    rewriter.drop(leading);
    rewriter.keep_until(end);
    rewriter.finish();
  }

 private:
  bool left_;
  bool right_;
};

/// A normalizer that is a function of the text alone.
class Function final : public Normalizer {
 public:
  explicit Function(void (*rewrite)(AlignedText&)) : rewrite_(rewrite) {}
  void apply(AlignedText& text) const override { rewrite_(text); }

 private:
  void (*rewrite_)(AlignedText&);
};

/// Writes each byte as its printable stand-in, as the pre-tokenizer of that name does.
void to_byte_characters(AlignedText& text) {
  const std::string_view source = text.text();
  AlignedText::Rewriter rewriter(text);
  for (std::size_t position = 0; position < source.size();) {
    const std::size_t end = position + utf8::length_from_lead(source[position]);
    for (std::int32_t change = 0; position < end; change = 1)
      rewriter.change({byte_character(source[position++]), change});
  }
  rewriter.finish();
}

/// Sentencepiece's clean-up for machine translation: drops controls, makes exotic blanks plain ones.
void nmt(AlignedText& text) {
  drop_characters(text, [](char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  });
  const auto blank = [](char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  };
  const std::string_view source = text.text();
  std::optional<AlignedText::Rewriter> rewriter;
  for (std::size_t position = 0; position < source.size();) {
    const std::size_t begin = position;
    if (!blank(utf8::next(source, position))) continue;
    if (!rewriter) rewriter.emplace(text);
    rewriter->keep_until(begin);
    rewriter->change({U' ', 0});
  }
  if (!rewriter) return;
  rewriter->keep_until(source.size());
  rewriter->finish();
}

/// Lower-case mappings of Unicode 16 and 17 that utf8proc 2.8 does not have.
char32_t lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c == 0x1C89 || c == 0xA7CC || c == 0xA7CE || c == 0xA7D2 || c == 0xA7D4 || c == 0xA7DA) return c + 1;
  if (c == 0xA7CB) return 0x264;
  if (c == 0xA7DC) return 0x19B;
  if (c >= 0x10D50 && c <= 0x10D65) return c + 0x20;
  if (c >= 0x16EA0 && c <= 0x16EB8) return c + 0x1B;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace

void lowercase(AlignedText& text) {
  constexpr char32_t kDottedCapitalI = 0x130;
  constexpr char32_t kDotAbove = 0x307;
  const std::string_view source = text.text();
  std::optional<AlignedText::Rewriter> rewriter;
  for (std::size_t position = 0; position < source.size();) {
    const std::size_t begin = position;
    const char32_t character = utf8::next(source, position);
    const char32_t lowered = character == kDottedCapitalI ? U'i' : lower(character);
    if (lowered == character) continue;
    if (!rewriter) rewriter.emplace(text);
    rewriter->keep_until(begin);
    rewriter->change({lowered, 0});
    if (character == kDottedCapitalI) rewriter->change({kDotAbove, 1});
  }
  if (!rewriter) return;
  rewriter->keep_until(source.size());
  rewriter->finish();
}

void drop_characters(AlignedText& text, bool (*drop)(char32_t)) {
  const std::string_view source = text.text();
  std::optional<AlignedText::Rewriter> rewriter;
  for (std::size_t position = 0; position < source.size();) {
    const std::size_t begin = position;
    if (!drop(utf8::next(source, position))) continue;
    if (!rewriter) rewriter.emplace(text);
    rewriter->keep_until(begin);
    rewriter->drop(1);
  }
  if (!rewriter) return;
  rewriter->keep_until(source.size());
  rewriter->finish();
}

NormalizerPtr make_normalizer(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    std::vector<NormalizerPtr> steps;
    for (const JsonPart& step : part.at("normalizers").items()) steps.push_back(make_normalizer(step));
    return std::make_unique<NormalizerSequence>(std::move(steps));
  }
  if (type == "NFC") return make_normal_form(NormalForm::kNfc);
  if (type == "NFD") return make_normal_form(NormalForm::kNfd);
  if (type == "NFKC") return make_normal_form(NormalForm::kNfkc);
  if (type == "NFKD") return make_normal_form(NormalForm::kNfkd);
  if (type == "Prepend") return std::make_unique<Prepend>(part.string("prepend"));
  if (type == "Replace") return std::make_unique<Replace>(Pattern(part.at("pattern")), part.string("content"));
  if (type == "Strip")
    return std::make_unique<Strip>(part.boolean("strip_left", true), part.boolean("strip_right", true));
  if (type == "Lowercase") return std::make_unique<Function>(lowercase);
  if (type == "StripAccents") {
    return std::make_unique<Function>([](AlignedText& text) { drop_characters(text, is_combining_mark); });
  }
  if (type == "Nmt") return std::make_unique<Function>(nmt);
  if (type == "ByteLevel") return std::make_unique<Function>(to_byte_characters);
  if (type == "BertNormalizer") return make_bert_normalizer(part);
  if (type == "Precompiled") return make_precompiled_normalizer(part);
  part.unknown("normalizer", type,
               {"BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled",
                "Prepend", "Replace", "Sequence", "Strip", "StripAccents"});
}

}  // namespace cambium::text
