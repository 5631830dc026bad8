#include <algorithm>

#include "text/json_part.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

enum class Prefix { kAlways, kFirst, kNever };

/// Sentencepiece's word boundaries: spaces become a mark (mostly U+2581), one may be put in front, and words begin at
/// the marks.
class Metaspace final : public PreTokenizer {
 public:
  Metaspace(std::string mark, Prefix prefix, bool split) : mark_(std::move(mark)), prefix_(prefix), split_(split) {}

  void apply(PieceList& list) const override {
    const auto needs_prefix = [&](const Piece& piece) {
      if (prefix_ == Prefix::kNever || (prefix_ == Prefix::kFirst && !list.text.at_start(piece.begin))) return false;
      const std::string_view text = list.of(piece);
      return !text.starts_with(' ') && !text.starts_with(mark_);
    };
    const auto changes = [&](const Piece& piece) {
      return !piece.is_found && (needs_prefix(piece) || list.of(piece).find(' ') != std::string_view::npos);
    };
    if (std::any_of(list.pieces.begin(), list.pieces.end(), changes)) {
      list.rewrite_each([&](AlignedText::Rewriter& rewriter, const Piece& piece) {
        if (needs_prefix(piece)) rewriter.insert_before(mark_);
        const std::string_view text = list.of(piece);
        for (std::size_t space = text.find(' '); space != std::string_view::npos; space = text.find(' ', space + 1)) {
          rewriter.keep_until(piece.begin + space);
          rewriter.insert(mark_, piece.begin + space + 1);
        }
        rewriter.keep_until(piece.end);
      });
    }
    if (!split_) return;
    list.split_each(SplitBehavior::kMergedWithNext, false, [&](std::string_view text, auto&& found) {
      for (std::size_t place = text.find(mark_); place != std::string_view::npos;
           place = text.find(mark_, place + mark_.size())) {
        found(place, place + mark_.size());
      }
    });
  }

 private:
  std::string mark_;
  Prefix prefix_;
  bool split_;
};

Prefix prefix_of(const JsonPart& part) {
  Prefix prefix = Prefix::kAlways;
  // The older spelling; it must not contradict the newer one.
  const bool wants_prefix = part.boolean("add_prefix_space", true);
  if (!part.has("prepend_scheme")) return wants_prefix ? Prefix::kAlways : Prefix::kNever;
  const JsonPart field = part.at("prepend_scheme");
  const std::string name = field.string();
  if (name == "first") {
    prefix = Prefix::kFirst;
  } else if (name == "never") {
    prefix = Prefix::kNever;
  } else if (name != "always") {
    field.unknown("prepend_scheme", name, {"always", "first", "never"});
  }
  if (!wants_prefix && prefix != Prefix::kNever)
    field.fail("says that a space is put in front, add_prefix_space says it is not");
  return prefix;
}

}  // namespace

PreTokenizerPtr make_metaspace(const JsonPart& part) {
  const std::string mark = part.string("replacement");
  if (utf8::count(mark) != 1) part.at("replacement").fail("must be one character");
  return std::make_unique<Metaspace>(mark, prefix_of(part), part.boolean("split", true));
}

}  // namespace cambium::text
