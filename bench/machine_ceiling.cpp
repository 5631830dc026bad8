#include "machine_ceiling.h"

#include <time.h>

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "machine_ceiling.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve independent chains hide the latency of the multiply-add on every CPU of today.
double multiply_adds(std::size_t rounds) {
  const hn::ScalableTag<float> f;
  auto s0 = hn::Zero(f), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, sa = s0,
       sb = s0;
  const auto x = hn::Set(f, 1e-8F), y = hn::Set(f, 0.5F);
  for (std::size_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(x, y, s0), s1 = hn::MulAdd(x, y, s1), s2 = hn::MulAdd(x, y, s2), s3 = hn::MulAdd(x, y, s3);
    s4 = hn::MulAdd(x, y, s4), s5 = hn::MulAdd(x, y, s5), s6 = hn::MulAdd(x, y, s6), s7 = hn::MulAdd(x, y, s7);
    s8 = hn::MulAdd(x, y, s8), s9 = hn::MulAdd(x, y, s9), sa = hn::MulAdd(x, y, sa), sb = hn::MulAdd(x, y, sb);
  }
  volatile float kept = hn::GetLane(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + sa + sb);
  (void)kept;
  return static_cast<double>(rounds) * 12 * 2 * static_cast<double>(hn::Lanes(f));
}

double read_all(const std::uint8_t* bytes, std::size_t count) {
  const hn::ScalableTag<std::uint64_t> d;
  const std::size_t step = hn::Lanes(d) * 8;
  auto a = hn::Zero(d), b = a;
  for (std::size_t i = 0; i + 2 * step <= count; i += 2 * step) {
    a = hn::Xor(a, hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(bytes + i)));
    b = hn::Xor(b, hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(bytes + i + step)));
  }
  volatile std::uint64_t kept = hn::GetLane(hn::Xor(a, b));
  (void)kept;
  return static_cast<double>(count);
}

}  // namespace cambium::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::bench {

HWY_EXPORT(multiply_adds);
HWY_EXPORT(read_all);

namespace {

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) double bf16_products(std::size_t rounds) {
  __m512 sums[12] = {};
  const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = _mm512_dpbf16_ps(sum, x, x);
  }
  volatile float kept = 0;
  for (const auto& sum : sums) kept = kept + _mm512_cvtss_f32(sum);
  return static_cast<double>(rounds) * 12 * 2 * 32;
}
#endif

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Work of all threads together per second of each thread's processor time (other programs do not count): the best of a
// few rounds.
double rate(unsigned threads, const std::function<double(unsigned thread)>& work) {
  double best = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<double> done(threads);
    std::vector<std::thread> team;
    const double begin = processor_seconds();
    for (unsigned i = 0; i < threads; ++i) team.emplace_back([&, i] { done[i] = work(i); });
    for (std::thread& thread : team) thread.join();
    const double seconds = (processor_seconds() - begin) / threads;
    double total = 0;
    for (const double one : done) total += one;
    best = total / seconds > best ? total / seconds : best;
  }
  return best;
}

}  // namespace

MachineCeiling measure_ceiling(unsigned threads) {
  if (threads == 0) threads = std::thread::hardware_concurrency();
  constexpr std::size_t kBytes = std::size_t{256} << 20U;
  const std::vector<std::uint8_t> buffer(kBytes, 1);
  const std::size_t share = kBytes / threads;
  MachineCeiling ceiling;
  ceiling.bytes_per_second =
      rate(threads, [&](unsigned i) { return HWY_DYNAMIC_DISPATCH(read_all)(buffer.data() + i * share, share); });
  constexpr std::size_t kRounds = 10'000'000;
  ceiling.float_operations_per_second =
      rate(threads, [](unsigned) { return HWY_DYNAMIC_DISPATCH(multiply_adds)(kRounds); });
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16") != 0) {
    ceiling.bf16_operations_per_second = rate(threads, [](unsigned) { return bf16_products(kRounds); });
  }
#endif
  return ceiling;
}

}  // namespace cambium::bench
#endif
