#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// Counts of one answer against its references, from which a corpus's score is computed.
struct BleuCounts {
  std::int64_t answer_words = 0;
  std::int64_t reference_words = 0;
  std::array<std::int64_t, 4> matched{};  ///< n-grams of 1..4 words
  std::array<std::int64_t, 4> total{};
};
struct ChrfCounts {
  struct Order {
    std::int64_t answer = 0;
    std::int64_t reference = 0;
    std::int64_t matched = 0;
  };
  std::vector<Order> orders;  ///< character n-grams of 1..6, then word n-grams
};

/// @param values  (reference or list of references, answer) pairs; all are held against as many references as the
/// document with the
///                fewest has, as lm-evaluation-harness does
/// @throws ValueError  values of another form
[[nodiscard]] std::vector<BleuCounts> bleu_counts(const std::vector<text::jinja::Value>& values);
/// @param word_order  0 for chrF, 2 for chrF++
[[nodiscard]] std::vector<ChrfCounts> chrf_counts(const std::vector<text::jinja::Value>& values, int word_order);

/// BLEU of a corpus in [0, 100]: sacrebleu's default (13a tokens, 4 words, exponential smoothing). Papineni et al.,
/// 2002.
[[nodiscard]] double bleu(const std::vector<BleuCounts>& counts);
/// chrF of a corpus in [0, 100]: sacrebleu's default (6 characters, beta 2). Popović, 2015 and 2017.
[[nodiscard]] double chrf(const std::vector<ChrfCounts>& counts);

}  // namespace cambium::tasks
