#include "shift/mass_curve.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace cambium::shift {
namespace {

constexpr std::uint32_t kLowMask = (1U << MagnitudeTable::kLowBits) - 1;
constexpr double kTolerance = 1e-6;

// The unit of a float's last bit, which is the same all over a bucket.
double unit_of(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 23);
  return std::ldexp(1.0, std::max(exponent, 1) - 150);
}

double value_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

double mass_of(const MassBucket& bucket) {
  const std::uint32_t low_end = bucket.key << MagnitudeTable::kLowBits;
  return static_cast<double>(bucket.count) * value_of(low_end) + static_cast<double>(bucket.low_sum) * unit_of(low_end);
}

std::uint64_t wanted(double share, std::uint64_t count) {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::floor(share * static_cast<double>(count))));
}

// A threshold: the buckets above it are taken whole, of `bucket` only the `taken` largest.
struct Cut {
  std::size_t bucket = 0;
  double above = 0;
  std::uint64_t taken = 0;
};

// Low bits of the magnitudes in one bucket: how often each occurs.
using LowCounts = std::vector<std::uint64_t>;

double largest_of(const MassBucket& bucket, const LowCounts& lows, std::uint64_t taken) {
  const std::uint32_t low_end = bucket.key << MagnitudeTable::kLowBits;
  double mass = 0;
  for (std::uint32_t low = kLowMask + 1; low-- > 0 && taken > 0;) {
    const std::uint64_t here = std::min(taken, lows[low]);
    mass += static_cast<double>(here) * value_of(low_end + low);
    taken -= here;
  }
  return mass;
}

// How far the mass of the `taken` largest of a bucket may lie from `taken` times the bucket's mean.
double doubt(const MassBucket& bucket, std::uint64_t taken) {
  if (taken == bucket.count) return 0;
  const double count = static_cast<double>(bucket.count), part = static_cast<double>(taken);
  const double width = static_cast<double>(kLowMask), sum = static_cast<double>(bucket.low_sum);
  const double spread = part * (count - part) / count * width;
  return std::min({spread, sum, count * width - sum}) * unit_of(bucket.key << MagnitudeTable::kLowBits);
}

}  // namespace

MagnitudeTable::MagnitudeTable() : packed_(kKeys) {}

void MagnitudeTable::take_range(std::uint32_t smallest, std::uint32_t largest) {
  if (largest == 0) return;
  first_ = std::min<std::size_t>(first_, smallest >> kLowBits);
  last_ = std::max<std::size_t>(last_, largest >> kLowBits);
}

void MagnitudeTable::add(std::span<const float> magnitudes, MagnitudeRange range) {
  take_range(std::bit_cast<std::uint32_t>(range.smallest), std::bit_cast<std::uint32_t>(range.largest));
  while (!magnitudes.empty()) {
    const std::size_t now = std::min(magnitudes.size(), kFlushEvery - since_flush_);
    // One table: several, to keep equal neighbours apart, miss the first-level cache and are slower.
    std::uint64_t* const words = packed_.data();
    for (const float magnitude : magnitudes.first(now)) {
      const auto bits = std::bit_cast<std::uint32_t>(magnitude);
      words[bits >> kLowBits] += (std::uint64_t{1} << kSumBits) | (bits & kLowMask);
    }
    since_flush_ += now;
    if (since_flush_ == kFlushEvery) flush();
    magnitudes = magnitudes.subspan(now);
  }
}

MagnitudeTable::Counters MagnitudeTable::begin(std::size_t count) {
  if (plain_counts_.empty()) {
    plain_counts_.resize(kKeys);
    plain_sums_.resize(kKeys);
  }
  counted_since_flush_ += count;
  if (counted_since_flush_ >= kFlushCountsEvery) {
    flush();
    counted_since_flush_ = count;
  }
  return {.counts = plain_counts_.data(), .low_sums = plain_sums_.data(), .lowest = UINT32_MAX, .highest = 0};
}

void MagnitudeTable::end(const Counters& counters) { take_range(counters.lowest + 1, counters.highest); }

template <class Visit>
void MagnitudeTable::for_each_key(const Visit& visit) {
  if (first_ > 0) visit(0);
  for (std::size_t key = first_; key <= last_; ++key) visit(key);
}

MassBucket MagnitudeTable::take_bucket(std::size_t key) {
  MassBucket bucket{.key = static_cast<std::uint32_t>(key), .count = 0, .low_sum = 0};
  const auto move = [](auto& from) { return std::uint64_t{std::exchange(from, 0)}; };
  const std::uint64_t word = move(packed_[key]);
  bucket.count = word >> kSumBits;
  bucket.low_sum = word & ((std::uint64_t{1} << kSumBits) - 1);
  if (!plain_counts_.empty()) {
    bucket.count += move(plain_counts_[key]);
    bucket.low_sum += move(plain_sums_[key]);
  }
  return bucket;
}

void MagnitudeTable::flush() {
  if (counts_.empty()) {
    counts_.resize(kKeys);
    sums_.resize(kKeys);
  }
  for_each_key([this](std::size_t key) {
    const MassBucket bucket = take_bucket(key);
    counts_[key] += bucket.count;
    sums_[key] += bucket.low_sum;
  });
  since_flush_ = 0;
  counted_since_flush_ = 0;
}

std::vector<MassBucket> MagnitudeTable::take() {
  std::vector<MassBucket> buckets;
  const bool wide = !counts_.empty();
  for_each_key([&](std::size_t key) {
    MassBucket bucket = take_bucket(key);
    if (wide) {
      bucket.count += counts_[key];
      bucket.low_sum += sums_[key];
    }
    if (bucket.count > 0) buckets.push_back(bucket);
  });
  counts_.clear();
  sums_.clear();
  since_flush_ = 0;
  counted_since_flush_ = 0;
  first_ = kKeys;
  last_ = 0;
  return buckets;
}

std::vector<MassBucket> merge_buckets(std::span<const MassBucket> one, std::span<const MassBucket> other) {
  std::vector<MassBucket> all;
  all.reserve(one.size() + other.size());
  while (!one.empty() || !other.empty()) {
    if (other.empty() || (!one.empty() && one[0].key < other[0].key)) {
      all.push_back(one[0]);
      one = one.subspan(1);
    } else if (one.empty() || other[0].key < one[0].key) {
      all.push_back(other[0]);
      other = other.subspan(1);
    } else {
      all.push_back({one[0].key, one[0].count + other[0].count, one[0].low_sum + other[0].low_sum});
      one = one.subspan(1);
      other = other.subspan(1);
    }
  }
  return all;
}

void CoarseMass::add(std::span<const MassBucket> buckets) {
  std::vector<Bucket> merged;
  merged.reserve(buckets_.size() + buckets.size());
  auto old = buckets_.begin();
  for (const MassBucket& bucket : buckets) {
    const std::uint32_t key = bucket.key >> kFold;
    while (old != buckets_.end() && old->key < key) merged.push_back(*old++);
    if (old != buckets_.end() && old->key == key) merged.push_back(*old++);
    if (merged.empty() || merged.back().key != key) merged.push_back({key, 0, 0});
    merged.back().count += bucket.count;
    merged.back().mass += mass_of(bucket);
  }
  merged.insert(merged.end(), old, buckets_.end());
  buckets_ = std::move(merged);
}

MassCurve CoarseMass::curve() const {
  std::uint64_t count = 0;
  double mass = 0;
  for (const Bucket& bucket : buckets_) count += bucket.count, mass += bucket.mass;
  MassCurve curve;
  curve.fill(std::numeric_limits<double>::quiet_NaN());
  if (!(mass > 0)) return curve;
  for (std::size_t i = 0; i < kMassShares.size(); ++i) {
    std::uint64_t left = wanted(kMassShares[i], count);
    double above = 0;
    for (auto bucket = buckets_.rbegin(); left > 0; ++bucket) {
      const std::uint64_t taken = std::min(left, bucket->count);
      above += bucket->mass * (static_cast<double>(taken) / static_cast<double>(bucket->count));
      left -= taken;
    }
    curve[i] = above / mass;
  }
  return curve;
}

MassCurve mass_curve(std::span<const MassBucket> buckets, const ReadAgain& read_again) {
  MassCurve curve;
  curve.fill(std::numeric_limits<double>::quiet_NaN());
  std::uint64_t count = 0;
  double mass = 0;
  for (const MassBucket& bucket : buckets) count += bucket.count, mass += mass_of(bucket);
  if (!(mass > 0)) return curve;

  std::array<Cut, kMassShares.size()> cuts;
  std::map<std::uint32_t, LowCounts> doubtful;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    std::uint64_t left = wanted(kMassShares[i], count);
    Cut cut{.bucket = buckets.size() - 1, .above = 0, .taken = 0};
    while (left > buckets[cut.bucket].count) {
      cut.above += mass_of(buckets[cut.bucket]);
      left -= buckets[cut.bucket--].count;
    }
    cut.taken = left;
    const MassBucket& bucket = buckets[cut.bucket];
    if (doubt(bucket, cut.taken) >
        kTolerance * (cut.above + static_cast<double>(cut.taken) * value_of(bucket.key << MagnitudeTable::kLowBits))) {
      doubtful[bucket.key];
    }
    cuts[i] = cut;
  }
  if (!doubtful.empty()) {
    for (auto& [key, lows] : doubtful) lows.resize(kLowMask + 1);
    read_again([&](std::span<const float> magnitudes) {
      for (const float magnitude : magnitudes) {
        const auto bits = std::bit_cast<std::uint32_t>(magnitude);
        const auto found = doubtful.find(bits >> MagnitudeTable::kLowBits);
        if (found != doubtful.end()) ++found->second[bits & kLowMask];
      }
    });
  }
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const Cut& cut = cuts[i];
    const MassBucket& bucket = buckets[cut.bucket];
    const auto lows = doubtful.find(bucket.key);
    const double part = lows != doubtful.end()
                            ? largest_of(bucket, lows->second, cut.taken)
                            : mass_of(bucket) * (static_cast<double>(cut.taken) / static_cast<double>(bucket.count));
    curve[i] = (cut.above + part) / mass;
  }
  return curve;
}

}  // namespace cambium::shift
