#include "tasks/translation_metric.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tensor/error.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;
using Counts = std::unordered_map<std::string, std::int64_t>;

constexpr std::size_t kWordOrder = 4;
constexpr std::size_t kCharacterOrder = 6;
constexpr double kBetaSquared = 4;  // recall counts twice as much as precision
constexpr double kLogOfNothing = -9999999999.0;

struct Segment {
  std::string answer;
  std::vector<std::string> references;
};

std::vector<Segment> segments_of(const std::vector<Value>& values) {
  std::vector<Segment> segments;
  std::size_t fewest = static_cast<std::size_t>(-1);
  for (const Value& value : values) {
    const auto fail = [] { throw ValueError("bleu and chrf need a text as answer and texts as references"); };
    if (!value.is_sequence() || value.items().size() != 2) fail();
    Segment segment;
    Value answer = value.items()[1];
    if (answer.is_sequence() && answer.items().size() == 1) answer = Value(answer.items().front());
    if (!answer.is_string()) fail();
    segment.answer = answer.as_string();
    const Value& references = value.items()[0];
    for (const Value& reference : references.is_sequence() ? references.items() : std::vector<Value>{references}) {
      if (!reference.is_string()) fail();
      segment.references.push_back(reference.as_string());
    }
    fewest = std::min(fewest, segment.references.size());
    segments.push_back(std::move(segment));
  }
  if (fewest == 0) throw ValueError("bleu and chrf need at least one reference for each answer");
  for (Segment& segment : segments) segment.references.resize(fewest);
  return segments;
}

std::vector<std::string> blank_separated(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (!jinja::is_space(jinja::next_code_point(text, at))) {
      word += text.substr(begin, at - begin);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// The tokens of mteval-v13a, WMT's scorer.
std::vector<std::string> tokens_13a(std::string_view text) {
  static const text::PythonRegex kMarks(R"(([\{-\~\[-\` -\&\(-\+\:-\@\/]))");
  static const text::PythonRegex kPointBehindOther(R"(([^0-9])([\.,]))");
  static const text::PythonRegex kPointBeforeOther(R"(([\.,])([^0-9]))");
  static const text::PythonRegex kDashBehindDigit(R"(([0-9])(-))");
  std::string line(jinja::strip(text, false, true));
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  replace_all(line, "&quot;", "\"");
  replace_all(line, "&amp;", "&");
  replace_all(line, "&lt;", "<");
  replace_all(line, "&gt;", ">");
  line = kMarks.substitute(" " + line + " ", R"( \1 )");
  line = kPointBehindOther.substitute(line, R"(\1 \2 )");
  line = kPointBeforeOther.substitute(line, R"( \1 \2)");
  return blank_separated(kDashBehindDigit.substitute(line, R"(\1 \2 )"));
}

Counts word_ngrams(const std::vector<std::string>& words, std::size_t order) {
  Counts counts;
  for (std::size_t begin = 0; begin + order <= words.size(); ++begin) {
    std::string ngram;
    for (std::size_t i = 0; i < order; ++i) ngram += (i > 0 ? " " : "") + words[begin + i];
    ++counts[ngram];
  }
  return counts;
}

Counts character_ngrams(std::u32string_view characters, std::size_t order) {
  Counts counts;
  for (std::size_t begin = 0; begin + order <= characters.size(); ++begin) {
    ++counts[jinja::to_utf8(characters.substr(begin, order))];
  }
  return counts;
}

BleuCounts counts_of(const Segment& segment) {
  BleuCounts counts;
  const std::vector<std::string> answer = tokens_13a(segment.answer);
  counts.answer_words = std::ssize(answer);
  std::vector<std::vector<std::string>> references;
  std::int64_t nearest = -1;
  for (const std::string& reference : segment.references) {
    references.push_back(tokens_13a(reference));
    const std::int64_t size = std::ssize(references.back());
    const std::int64_t distance = std::abs(size - counts.answer_words);
    if (nearest < 0 || distance < nearest || (distance == nearest && size < counts.reference_words)) {
      nearest = distance;
      counts.reference_words = size;
    }
  }
  for (std::size_t order = 1; order <= kWordOrder; ++order) {
    Counts best;
    for (const auto& reference : references) {
      for (const auto& [ngram, count] : word_ngrams(reference, order)) best[ngram] = std::max(best[ngram], count);
    }
    for (const auto& [ngram, count] : word_ngrams(answer, order)) {
      counts.total[order - 1] += count;
      const auto found = best.find(ngram);
      if (found != best.end()) counts.matched[order - 1] += std::min(count, found->second);
    }
  }
  return counts;
}

// Words with the punctuation at one end cut off.
std::vector<std::string> words_without_marks(std::string_view text) {
  static constexpr std::string_view kMarks = R"(!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~)";
  std::vector<std::string> words;
  for (std::string& word : blank_separated(text)) {
    const bool one = jinja::count_code_points(word) == 1;
    if (!one && kMarks.find(word.back()) != std::string_view::npos) {
      words.push_back(word.substr(0, word.size() - 1));
      words.push_back(word.substr(word.size() - 1));
    } else if (!one && kMarks.find(word.front()) != std::string_view::npos) {
      words.push_back(word.substr(0, 1));
      words.push_back(word.substr(1));
    } else {
      words.push_back(std::move(word));
    }
  }
  return words;
}

std::vector<Counts> chrf_ngrams(std::string_view text, int word_order) {
  std::u32string characters;
  for (const std::string& word : blank_separated(text)) characters += jinja::to_code_points(word);
  std::vector<Counts> all;
  for (std::size_t order = 1; order <= kCharacterOrder; ++order) all.push_back(character_ngrams(characters, order));
  if (word_order == 0) return all;
  const std::vector<std::string> words = words_without_marks(text);
  for (std::size_t order = 1; order <= static_cast<std::size_t>(word_order); ++order)
    all.push_back(word_ngrams(words, order));
  return all;
}

ChrfCounts::Order compared(const Counts& answer, const Counts& reference) {
  ChrfCounts::Order order;
  for (const auto& [ngram, count] : reference) order.reference += count;
  for (const auto& [ngram, count] : answer) {
    order.answer += reference.empty() ? 0 : count;
    const auto found = reference.find(ngram);
    if (found != reference.end()) order.matched += std::min(count, found->second);
  }
  return order;
}

double f_score(const std::vector<ChrfCounts::Order>& orders) {
  double precision = 0;
  double recall = 0;
  int used = 0;
  for (const ChrfCounts::Order& order : orders) {
    if (order.answer == 0 || order.reference == 0) continue;
    precision += static_cast<double>(order.matched) / static_cast<double>(order.answer);
    recall += static_cast<double>(order.matched) / static_cast<double>(order.reference);
    ++used;
  }
  if (used == 0 || precision + recall == 0) return 0;
  precision /= used;
  recall /= used;
  return 100 * ((1 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall));
}

}  // namespace

std::vector<BleuCounts> bleu_counts(const std::vector<Value>& values) {
  std::vector<BleuCounts> counts;
  for (const Segment& segment : segments_of(values)) counts.push_back(counts_of(segment));
  return counts;
}

std::vector<ChrfCounts> chrf_counts(const std::vector<Value>& values, int word_order) {
  std::vector<ChrfCounts> counts;
  for (const Segment& segment : segments_of(values)) {
    const std::vector<Counts> answer = chrf_ngrams(segment.answer, word_order);
    ChrfCounts best;
    double best_score = -1;
    for (const std::string& text : segment.references) {
      const std::vector<Counts> reference = chrf_ngrams(text, word_order);
      ChrfCounts now;
      for (std::size_t i = 0; i < answer.size(); ++i) now.orders.push_back(compared(answer[i], reference[i]));
      const double score = f_score(now.orders);
      if (score <= best_score) continue;
      best_score = score;
      best = std::move(now);
    }
    counts.push_back(std::move(best));
  }
  return counts;
}

double bleu(const std::vector<BleuCounts>& counts) {
  BleuCounts sum;
  for (const BleuCounts& one : counts) {
    sum.answer_words += one.answer_words;
    sum.reference_words += one.reference_words;
    for (std::size_t i = 0; i < kWordOrder; ++i) {
      sum.matched[i] += one.matched[i];
      sum.total[i] += one.total[i];
    }
  }
  if (std::ranges::all_of(sum.matched, [](std::int64_t matched) { return matched == 0; })) return 0;
  double brevity = 1;
  if (sum.answer_words < sum.reference_words) {
    brevity = sum.answer_words > 0
                  ? std::exp(1 - static_cast<double>(sum.reference_words) / static_cast<double>(sum.answer_words))
                  : 0;
  }
  std::array<double, kWordOrder> precisions{};
  double smoothing = 1;
  for (std::size_t i = 0; i < kWordOrder && sum.total[i] > 0; ++i) {
    const auto total = static_cast<double>(sum.total[i]);
    if (sum.matched[i] == 0) {
      smoothing *= 2;
      precisions[i] = 100 / (smoothing * total);
    } else {
      precisions[i] = 100 * static_cast<double>(sum.matched[i]) / total;
    }
  }
  double logs = 0;
  for (const double precision : precisions) logs += precision == 0 ? kLogOfNothing : std::log(precision);
  return brevity * std::exp(logs / static_cast<double>(kWordOrder));
}

double chrf(const std::vector<ChrfCounts>& counts) {
  std::vector<ChrfCounts::Order> sum(counts.front().orders.size());
  for (const ChrfCounts& one : counts) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i].answer += one.orders[i].answer;
      sum[i].reference += one.orders[i].reference;
      sum[i].matched += one.orders[i].matched;
    }
  }
  return f_score(sum);
}

}  // namespace cambium::tasks
