#include <algorithm>

#include "text/byte_level.h"
#include "text/json_part.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"
#include "text/word_scanner.h"

namespace cambium::text {

namespace {

/// GPT-2: an optional space in front, its word pattern, and bytes written as printable characters.
class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool prefix, bool words, bool map_bytes) : prefix_(prefix), map_bytes_(map_bytes) {
    if (words) words_ = WordScanner::gpt2();
  }

  void apply(PieceList& list) const override {
    if (prefix_) add_prefix(list);
    if (words_) list.cut_words(*words_);
    if (map_bytes_) write_stand_ins(list);
  }

 private:
  static void add_prefix(PieceList& list) {
    const auto lacks = [&](const Piece& piece) { return !piece.is_found && !list.of(piece).starts_with(' '); };
    if (std::none_of(list.pieces.begin(), list.pieces.end(), lacks)) return;
    list.rewrite_each([&](AlignedText::Rewriter& rewriter, const Piece& piece) {
      if (lacks(piece)) rewriter.insert_before(" ");
      rewriter.keep_until(piece.end);
    });
  }

  static void write_stand_ins(PieceList& list) {
    list.rewrite_each([&](AlignedText::Rewriter& rewriter, const Piece& piece) {
      const std::string_view text = list.of(piece);
      for (std::size_t position = 0; position < text.size();) {
        const std::size_t end = position + utf8::length_from_lead(text[position]);
        for (std::int32_t change = 0; position < end; change = 1)
          rewriter.change({byte_character(text[position++]), change});
      }
    });
  }

  bool prefix_;
  bool map_bytes_;
  std::optional<WordScanner> words_;
};

}  // namespace

PreTokenizerPtr make_byte_level(const JsonPart& part, bool map_bytes) {
  return std::make_unique<ByteLevel>(part.boolean("add_prefix_space", true), part.boolean("use_regex", true),
                                     map_bytes);
}

}  // namespace cambium::text
