#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"
#include "text/token_table.h"

namespace cambium::text {

/// A part of the text on its way to become tokens: bytes [begin, end) of it, or an added token that was found (then
/// `begin` is its place in PieceList::found).
struct Piece {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool is_found = false;
};

/// An added token found in the text.
struct FoundToken {
  TokenId id = 0;
  Alignment place;            // characters of the original text
  std::uint32_t leading = 0;  // white space at the ends of what it matched, in characters
  std::uint32_t trailing = 0;
};

/// How the parts that a pattern matches are treated when a piece is split.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// A stretch of text with the pieces it is cut into, as pre-tokenizers pass it on. Pieces are in order and do not
/// overlap; none is empty. Buffers are kept between uses.
class PieceList {
 public:
  AlignedText text;
  std::vector<Piece> pieces;
  std::vector<FoundToken> found;

  /// One piece: the whole text.
  void reset_pieces();
  [[nodiscard]] std::string_view of(const Piece& piece) const {
    return text.text().substr(piece.begin, piece.end - piece.begin);
  }

  /// Replaces each piece that is text by what cut(piece text, emit) emits: emit(begin, end) in bytes of the piece, in
  /// order.
  template <typename Cut>
  void cut_each(Cut&& cut) {
    next_.clear();
    for (const Piece& piece : pieces) {
      if (piece.is_found) {
        next_.push_back(piece);
        continue;
      }
      cut(of(piece), [&](std::size_t begin, std::size_t end) {
        if (begin < end) {
          next_.push_back(
              {static_cast<std::uint32_t>(piece.begin + begin), static_cast<std::uint32_t>(piece.begin + end), false});
        }
      });
    }
    pieces.swap(next_);
  }

  /// Cuts each piece that is text into words: scanner.next(piece text, begin) is the end of the word at `begin`.
  template <typename Scanner>
  void cut_words(const Scanner& scanner) {
    cut_each([&](std::string_view whole, auto&& emit) {
      for (std::size_t begin = 0; begin < whole.size();) {
        const std::size_t end = scanner.next(whole, begin);
        emit(begin, end);
        begin = end;
      }
    });
  }

  /// Splits each piece that is text at the matches that find(piece text, found) reports: found(begin, end) in order,
  /// not overlapping.
  /// @param invert  what lies between the matches counts as matched, and the matches as not
  template <typename Find>
  void split_each(SplitBehavior behavior, bool invert, Find&& find) {
    cut_each([&](std::string_view whole, auto&& emit) {
      Joiner<std::remove_reference_t<decltype(emit)>> joiner(behavior, emit);
      std::size_t done = 0;
      find(whole, [&](std::size_t begin, std::size_t end) {
        if (done != begin) joiner.add(done, begin, invert);
        joiner.add(begin, end, !invert);
        done = end;
      });
      if (done != whole.size()) joiner.add(done, whole.size(), invert);
      joiner.finish();
    });
  }

  /// Rewrites the text of each piece: rewrite(rewriter, piece) keeps, changes or inserts up to piece.end.
  template <typename Rewrite>
  void rewrite_each(Rewrite&& rewrite) {
    AlignedText::Rewriter rewriter(text);
    for (Piece& piece : pieces) {
      if (piece.is_found) continue;
      rewriter.skip_to(piece.begin);
      const std::size_t begin = rewriter.size();
      rewrite(rewriter, piece);
      piece.begin = static_cast<std::uint32_t>(begin);
      piece.end = static_cast<std::uint32_t>(rewriter.size());
    }
    rewriter.finish();
  }

 private:
  /// Joins matched and unmatched parts, which come in order, as the behaviour says.
  template <typename Emit>
  class Joiner {
   public:
    Joiner(SplitBehavior behavior, Emit& emit) : behavior_(behavior), emit_(emit) {}

    void add(std::size_t begin, std::size_t end, bool matched) {
      switch (behavior_) {
        case SplitBehavior::kIsolated:
          emit_(begin, end);
          return;
        case SplitBehavior::kRemoved:
          if (!matched) emit_(begin, end);
          return;
        case SplitBehavior::kContiguous:
          join(begin, end, matched, matched == last_matched_);
          return;
        case SplitBehavior::kMergedWithPrevious:
          join(begin, end, matched, matched && !last_matched_);
          return;
        case SplitBehavior::kMergedWithNext:
          join(begin, end, matched, last_matched_ && !matched);
          return;
      }
    }
    void finish() {
      if (held_) emit_(begin_, end_);
    }

   private:
    void join(std::size_t begin, std::size_t end, bool matched, bool together) {
      if (held_ && together) {
        end_ = end;
      } else {
        finish();
        begin_ = begin;
        end_ = end;
        held_ = true;
      }
      last_matched_ = matched;
    }

    SplitBehavior behavior_;
    Emit& emit_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool held_ = false;
    bool last_matched_ = false;
  };

  std::vector<Piece> next_;
};

}  // namespace cambium::text
