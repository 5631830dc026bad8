// AVX512-BF16, which Highway 1.0 does not know as a target of its own.
#include "model/native/bf16_product.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cassert>
#include <cstring>

namespace cambium::model {

#if defined(__x86_64__)

#define CAMBIUM_BF16_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace {

CAMBIUM_BF16_TARGET inline __m512bh broadcast_pair(const std::uint16_t* at) {
  int pair = 0;
  std::memcpy(&pair, at, sizeof(pair));
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

template <std::size_t kRows>
CAMBIUM_BF16_TARGET void product(const std::uint16_t* panel, std::size_t pairs, const std::uint16_t* rows,
                                 std::size_t row_distance, float* tile, std::size_t tile_distance, std::size_t ahead) {
  const std::uint16_t* a[4] = {rows, rows + row_distance, rows + 2 * row_distance, rows + 3 * row_distance};
  const std::size_t four_rows = 4 * row_distance;
  __m512 left[kRows], right[kRows];
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) left[m] = right[m] = _mm512_setzero_ps();
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const auto first = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel));
    const auto second = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + 32));
    _mm_prefetch(reinterpret_cast<const char*>(panel) + ahead, _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(panel + 32) + ahead, _MM_HINT_T1);
    panel += 64;
#pragma GCC unroll 16
    for (std::size_t m = 0; m < kRows; ++m) {
      const __m512bh x = broadcast_pair(a[m % 4] + (m / 4) * four_rows);
      left[m] = _mm512_dpbf16_ps(left[m], first, x);
      right[m] = _mm512_dpbf16_ps(right[m], second, x);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) a[j] += 2;
  }
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) {
    _mm512_storeu_ps(tile + m * tile_distance, left[m]);
    _mm512_storeu_ps(tile + m * tile_distance + 16, right[m]);
  }
}

}  // namespace

bool has_bf16_product() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
  return has;
}

void bf16_panel_product(const std::uint16_t* panel, std::size_t pairs, const std::uint16_t* rows,
                        std::size_t row_distance, std::size_t count, float* tile, std::size_t tile_distance,
                        std::size_t ahead) {
  using Product =
      void (*)(const std::uint16_t*, std::size_t, const std::uint16_t*, std::size_t, float*, std::size_t, std::size_t);
  static constexpr Product kProducts[kBf16Rows] = {product<1>, product<2>,  product<3>,  product<4>,
                                                   product<5>, product<6>,  product<7>,  product<8>,
                                                   product<9>, product<10>, product<11>, product<12>};
  kProducts[count - 1](panel, pairs, rows, row_distance, tile, tile_distance, ahead);
}

#else

bool has_bf16_product() { return false; }

void bf16_panel_product(const std::uint16_t*, std::size_t, const std::uint16_t*, std::size_t, std::size_t, float*,
                        std::size_t) {
  assert(false);
}

#endif

}  // namespace cambium::model
