#include "merge/order_statistics.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "merge/element_kernels.h"
#include "merge/select_kernels.h"

namespace cambium::merge {

namespace {

constexpr std::uint32_t kLowestKey = 0;
constexpr std::uint32_t kHighestKey = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kSampleRun = 64;        // elements read side by side: a cache line or two of the stored type
constexpr std::size_t kSampleRelease = 64;    // runs after which their pages are given back
constexpr std::uint64_t kCollectAll = 65536;  // tensors up to this size need no sample: everything is collected
constexpr std::size_t kBins = 65536;

enum class Mode : std::uint8_t {
  kCollect,    // copy what lies in the bracket
  kCount,      // the bracket is one value: its number in each piece is all that is missing
  kHistogram,  // too much lies in it: find the part of it that holds the value
};

// One value looked for: it lies in [low, high] of order keys, if the bracket is right.
struct StatisticSearch {
  OrderQuery query;
  std::uint32_t low = kLowestKey;
  std::uint32_t high = kHighestKey;
  double expected = 1;  // share of the elements that lie in the bracket
  Mode mode = Mode::kCollect;
  bool done = false;
  OrderStatistic result;

  // Of one pass, by piece:
  std::vector<std::uint32_t> above;
  std::vector<std::uint32_t> inside;
  std::vector<std::vector<float>> collected;
  // By thread:
  std::vector<std::vector<std::uint64_t>> bins;

  [[nodiscard]] int bin_shift() const { return std::max(0, static_cast<int>(std::bit_width(high - low)) - 16); }
};

// Scattered without a pattern that a row length could meet.
std::uint64_t scramble(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

// Room for the inputs and the scores of pieces read outside a pass.
struct SampleRoom {
  std::vector<float> floats;
  Piece piece;
  std::vector<std::span<float>> scores;

  SampleRoom(std::size_t inputs, std::size_t channels) : floats((inputs + channels + 1) * kSampleRun) {
    for (std::size_t i = 0; i < inputs; ++i)
      piece.inputs.push_back(std::span(floats).subspan(i * kSampleRun, kSampleRun));
    piece.out = std::span(floats).subspan(inputs * kSampleRun, kSampleRun);
    for (std::size_t c = 0; c < channels; ++c) {
      scores.push_back(std::span(floats).subspan((inputs + 1 + c) * kSampleRun, kSampleRun));
    }
  }
};

class StatisticsFinder {
 public:
  StatisticsFinder(TensorRun& run, Cut cut, std::size_t channels, std::span<const OrderQuery> queries,
                   const ScoreFunction& score)
      : run_(run), cut_(cut), channels_(channels), score_(score) {
    for (const OrderQuery& query : queries) {
      assert(query.rank < run.elements() && query.channel < channels);
      searches_.emplace_back().query = query;
    }
  }

  std::vector<OrderStatistic> find() {
    if (run_.elements() > kCollectAll) bracket_by_sample();
    while (std::ranges::any_of(searches_, [](const StatisticSearch& search) { return !search.done; })) {
      for (StatisticSearch& search : searches_) {
        if (!search.done) choose_mode(search);
      }
      scan();
      run_.in_parallel(searches_.size(), [&](std::size_t i, unsigned) {
        if (!searches_[i].done) conclude(searches_[i]);
      });
    }
    std::vector<OrderStatistic> results;
    for (StatisticSearch& search : searches_) results.push_back(std::move(search.result));
    return results;
  }

 private:
  void bracket_by_sample() {
    const std::uint64_t elements = run_.elements();
    const std::size_t sample_runs = elements >= (std::uint64_t{1} << 24) ? 1024 : 256;
    const std::uint64_t stratum = elements / sample_runs;
    std::vector<std::vector<float>> samples(channels_);
    SampleRoom room(run_.task().inputs.size(), channels_);
    for (std::size_t i = 0; i < sample_runs; ++i) {
      // A read maps the large pages around it: of a thousand reads, hundreds of MiB.
      if (i % kSampleRelease == 0 && i > 0) release((i - kSampleRelease) * stratum, kSampleRelease * stratum);
      const std::uint64_t first = i * stratum + scramble(i) % (stratum - kSampleRun + 1);
      run_.sample(first, kSampleRun, room.piece);
      score_(room.piece, room.scores);
      for (std::size_t c = 0; c < channels_; ++c) {
        samples[c].insert(samples[c].end(), room.scores[c].begin(), room.scores[c].end());
      }
    }
    release((sample_runs - kSampleRelease) * stratum, elements - (sample_runs - kSampleRelease) * stratum);
    for (StatisticSearch& search : searches_) bracket(search, samples[search.query.channel]);
  }

  void release(std::uint64_t first, std::uint64_t count) const {
    for (const TaskInput& input : run_.task().inputs) {
      input.tensor->release(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    }
  }

  void bracket(StatisticSearch& search, std::vector<float>& sample) const {
    const auto size = static_cast<double>(sample.size());
    const double share = (static_cast<double>(search.query.rank) + 0.5) / static_cast<double>(run_.elements());
    // Eight standard deviations of an independent sample: neighbours resemble each other, so its error is larger than
    // that.
    const double margin = 8 * std::sqrt(size * share * (1 - share)) + 8;
    const double top = std::floor(share * size - margin);
    const double bottom = std::ceil(share * size + margin);
    std::span<float> part = sample;
    if (bottom < size) {
      search.low = order_key(pick_by_rank(part, static_cast<std::uint64_t>(bottom)));
      part = part.first(static_cast<std::size_t>(bottom));  // picking has put the larger ones here
    }
    if (top >= 0) search.high = order_key(pick_by_rank(part, static_cast<std::uint64_t>(top)));
    const Collected inside = collect_between(from_key(search.low), from_key(search.high), sample, {});
    search.expected = static_cast<double>(inside.inside) / size;
  }

  // The ends of the key range stand for the infinities.
  static float from_key(std::uint32_t key) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (key >= order_key(kInfinity)) return kInfinity;
    if (key <= order_key(-kInfinity)) return -kInfinity;
    return from_order_key(key);
  }

  void choose_mode(StatisticSearch& search) const {
    const double bytes = search.expected * static_cast<double>(run_.elements()) * sizeof(float);
    const double allowed = static_cast<double>(run_.options().memory_bytes) / 4 / static_cast<double>(searches_.size());
    search.mode = search.low == search.high ? Mode::kCount : bytes <= allowed ? Mode::kCollect : Mode::kHistogram;
    const std::size_t pieces = run_.pieces(cut_);
    search.above.assign(pieces, 0);
    search.inside.assign(pieces, 0);
    if (search.mode == Mode::kCollect) search.collected.assign(pieces, {});
    if (search.mode == Mode::kHistogram) {
      search.bins.assign(run_.threads(), std::vector<std::uint64_t>(kBins));
    }
  }

  void scan() {
    const std::size_t largest = run_.largest_piece(cut_);
    std::vector<std::vector<float>> scratch(run_.threads());
    run_.read(cut_, [&](Piece& piece) {
      std::vector<float>& floats = scratch[piece.worker];
      if (floats.empty()) floats.resize((channels_ + 1) * largest);
      std::vector<std::span<float>> scores;
      for (std::size_t c = 0; c < channels_; ++c) scores.push_back(std::span(floats).subspan(c * largest, piece.count));
      score_(piece, scores);
      const std::span<float> room = std::span(floats).subspan(channels_ * largest, piece.count);
      for (StatisticSearch& search : searches_) {
        if (!search.done) scan_piece(search, piece, scores[search.query.channel], room);
      }
    });
  }

  static void scan_piece(StatisticSearch& search, const Piece& piece, std::span<const float> scores,
                         std::span<float> room) {
    const bool collects = search.mode == Mode::kCollect;
    const float low = from_key(search.low);
    const float high = from_key(search.high);
    const Collected found = collect_between(low, high, scores, collects ? room : std::span<float>());
    search.above[piece.index] = static_cast<std::uint32_t>(found.above);
    search.inside[piece.index] = static_cast<std::uint32_t>(found.inside);
    if (collects)
      search.collected[piece.index].assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(found.inside));
    if (search.mode != Mode::kHistogram) return;
    std::vector<std::uint64_t>& bins = search.bins[piece.worker];
    const int shift = search.bin_shift();
    for (const float score : scores) {
      const std::uint32_t key = order_key(score);
      if (key >= search.low && key <= search.high) ++bins[(key - search.low) >> shift];
    }
  }

  void conclude(StatisticSearch& search) {
    std::uint64_t above = 0, inside = 0;
    for (const std::uint32_t count : search.above) above += count;
    for (const std::uint32_t count : search.inside) inside += count;
    const std::uint64_t rank = search.query.rank;
    if (rank < above || rank >= above + inside) {
      // The sample misled: the value is on one side of the bracket, which may hold anything.
      if (rank < above) {
        search.low = search.high + 1;
        search.high = kHighestKey;
      } else {
        search.high = search.low - 1;
        search.low = kLowestKey;
      }
      search.expected = 1;
    } else if (search.mode == Mode::kHistogram) {
      narrow(search, rank - above);
    } else {
      search.mode == Mode::kCount ? conclude_count(search, above) : conclude_collected(search, above);
      search.done = true;
    }
    search.collected.clear();
    search.bins.clear();
  }

  void narrow(StatisticSearch& search, std::uint64_t rank_inside) const {
    const int shift = search.bin_shift();
    std::uint64_t before = 0;
    for (std::size_t bin = kBins; bin-- > 0;) {
      std::uint64_t count = 0;
      for (const std::vector<std::uint64_t>& own : search.bins) count += own[bin];
      if (before + count <= rank_inside) {
        before += count;
        continue;
      }
      const std::uint32_t low = search.low + static_cast<std::uint32_t>(bin << shift);
      const std::uint32_t last = low + ((std::uint32_t{1} << shift) - 1);
      search.high = last < low ? search.high : std::min(search.high, last);
      search.low = low;
      search.expected = static_cast<double>(count) / static_cast<double>(run_.elements());
      return;
    }
  }

  static void conclude_count(StatisticSearch& search, std::uint64_t above) {
    search.result.value = from_key(search.low);
    search.result.above = above;
    search.result.in_piece = std::move(search.inside);
    for (const std::uint32_t count : search.result.in_piece) search.result.equal += count;
  }

  static void conclude_collected(StatisticSearch& search, std::uint64_t above) {
    OrderStatistic& result = search.result;
    result.value = pick_collected(search, search.query.rank - above);
    result.above = above;
    result.in_piece.reserve(search.collected.size());
    for (const std::vector<float>& piece : search.collected) {
      const Collected found = collect_between(result.value, result.value, piece, {});
      result.above += found.above;
      result.equal += found.inside;
      result.in_piece.push_back(static_cast<std::uint32_t>(found.inside));
    }
  }

  // A histogram over the bracket leaves a handful of values to sort. Neighbours count in different copies of it: there
  // may be few different values, and an addition must not wait for the one before.
  static float pick_collected(const StatisticSearch& search, std::uint64_t rank) {
    constexpr std::size_t kFewBins = 1024, kCopies = 4;
    const int shift = std::max(0, static_cast<int>(std::bit_width(search.high - search.low)) - 10);
    const auto bin_of = [&](float value) { return (order_key(value) - search.low) >> shift; };
    std::vector<std::uint32_t> copies(kCopies * kFewBins);
    for (const std::vector<float>& piece : search.collected) {
      for (std::size_t i = 0; i < piece.size(); ++i) ++copies[i % kCopies * kFewBins + bin_of(piece[i])];
    }
    const auto count_of = [&](std::size_t bin) {
      std::uint64_t count = 0;
      for (std::size_t copy = 0; copy < kCopies; ++copy) count += copies[copy * kFewBins + bin];
      return count;
    };
    std::size_t bin = kFewBins - 1;
    while (rank >= count_of(bin)) rank -= count_of(bin--);
    const std::uint32_t low = search.low + (static_cast<std::uint32_t>(bin) << shift);
    if (shift == 0) return from_key(low);
    const float first = from_key(low), last = from_key(low + ((std::uint32_t{1} << shift) - 1));
    std::vector<float> values, room(TensorRun::kPieceElements);
    for (const std::vector<float>& piece : search.collected) {
      room.resize(std::max(room.size(), piece.size()));
      const std::size_t inside = collect_between(first, last, piece, room).inside;
      values.insert(values.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(inside));
    }
    return pick_by_rank(values, rank);
  }

  TensorRun& run_;
  const Cut cut_;
  const std::size_t channels_;
  const ScoreFunction& score_;
  std::vector<StatisticSearch> searches_;
};

}  // namespace

std::vector<OrderStatistic> find_order_statistics(TensorRun& run, Cut cut, std::size_t channels,
                                                  std::span<const OrderQuery> queries, const ScoreFunction& score) {
  return StatisticsFinder(run, cut, channels, queries, score).find();
}

TopCut TopCut::of(const OrderStatistic& statistic, std::uint64_t k) {
  TopCut cut;
  cut.threshold = statistic.value;
  std::uint64_t left = k - statistic.above;  // how many of the equal ones are kept
  for (std::size_t piece = 0; piece < statistic.in_piece.size(); ++piece) {
    if (statistic.in_piece[piece] > left) {
      cut.partial_piece = piece;
      cut.partial_ties = static_cast<std::uint32_t>(left);
      break;
    }
    left -= statistic.in_piece[piece];
  }
  return cut;
}

void TopCut::keep(const Piece& piece, std::span<const float> scores, std::span<float> values) const {
  if (piece.index != partial_piece) return zero_below(threshold, piece.index < partial_piece, scores, values);
  zero_in_partial_piece(scores, values, false);
}

void TopCut::drop(const Piece& piece, std::span<const float> scores, std::span<float> values) const {
  if (piece.index != partial_piece) return zero_above(threshold, piece.index > partial_piece, scores, values);
  zero_in_partial_piece(scores, values, true);
}

void TopCut::zero_in_partial_piece(std::span<const float> scores, std::span<float> values, bool zero_large) const {
  std::uint32_t ties = partial_ties;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float score = std::abs(scores[i]);
    bool large = score > threshold;
    if (score == threshold && ties > 0) {
      --ties;
      large = true;
    }
    if (large == zero_large) values[i] = 0;
  }
}

}  // namespace cambium::merge
