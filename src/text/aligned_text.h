#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::text {

/// Where a byte of normalised text came from: characters [begin, end) of the original text.
struct Alignment {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// One character of a rewritten text, with how it relates to the characters before:
/// change > 0 is inserted (it takes the alignment of what stands before it), 0 replaces the next character, -n replaces
/// the next one and swallows the n characters behind that.
struct CharChange {
  char32_t character;
  std::int32_t change;
};

/// A stretch of text that normalizers rewrite while every byte remembers its place in the original, with the
/// conventions of Hugging Face's `tokenizers` (so that offsets come out equal through any chain of normalizers).
///
/// Starts as a view of the original (`is_original()`), where byte i belongs to the character it is part of; the first
/// rewrite makes a copy. Buffers are kept between uses: one object tokenizes many texts without allocating.
class AlignedText {
 public:
  /// @param text   valid UTF-8, must outlive the use
  /// @param first  index of its first character in the whole original text
  void reset(std::string_view text, std::uint32_t first);

  [[nodiscard]] std::string_view text() const { return is_original_ ? original_ : std::string_view(text_); }
  /// True while nothing was rewritten: text() is the original and alignments() is empty.
  [[nodiscard]] bool is_original() const { return is_original_; }
  /// One for each byte of text(), once it was rewritten.
  [[nodiscard]] std::span<const Alignment> alignments() const { return alignments_; }
  /// Index of the original's first character.
  [[nodiscard]] std::uint32_t first() const { return first_; }
  /// True if the byte at `position` of text() came from the first character of the whole original text.
  [[nodiscard]] bool at_start(std::size_t position) const {
    return is_original_ ? first_ == 0 && position == 0 : alignments_[position].begin == 0;
  }

  /// Rewrites the text from front to back: what is neither kept nor changed is gone. At most one at a time; finish()
  /// puts the result in place (without it the text stays as it was).
  class Rewriter {
   public:
    explicit Rewriter(AlignedText& text);
    /// Bytes of the old text that were passed over so far.
    [[nodiscard]] std::size_t position() const { return position_; }
    /// Bytes of the new text so far.
    [[nodiscard]] std::size_t size() const { return text_.next_text_.size(); }
    /// Drops the old text up to byte `position`.
    void skip_to(std::size_t position) { position_ = position; }
    /// Keeps the old text up to byte `end`.
    void keep_until(std::size_t end);
    /// Drops the next characters of the old text.
    void drop(std::size_t characters);
    void change(CharChange change);
    /// Passes over the old text up to byte `end` and puts `content` there (with the alignment of the last byte passed
    /// over).
    void insert(std::string_view content, std::size_t end);
    /// Puts `content` in front of the next character of the old text, with its alignment.
    void insert_before(std::string_view content);
    /// Drops what was not reached.
    void finish();

   private:
    AlignedText& text_;
    std::size_t position_ = 0;
  };

  /// Puts `prefix` in front (it takes the alignment of the first character); an empty text stays empty.
  void prepend(std::string_view prefix);
  /// A span of text() to be replaced.
  struct Match {
    std::size_t begin;
    std::size_t end;
  };
  /// Replaces each match (sorted, not overlapping) by `content`, whose characters take the alignment of the last byte
  /// replaced.
  void replace(std::span<const Match> matches, std::string_view content);

  /// Turns the view of the original into a copy with alignments.
  void materialize();

 private:
  std::string_view original_;
  std::uint32_t first_ = 0;
  bool is_original_ = true;
  std::string text_;
  std::vector<Alignment> alignments_;
  std::string next_text_;  // kept for their capacity
  std::vector<Alignment> next_alignments_;
};

}  // namespace cambium::text
