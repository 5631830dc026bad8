#include "model/native/block_attention.h"

#include <algorithm>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/native/block_attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/native/activation-inl.h"
#include "model/native/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::model::HWY_NAMESPACE {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// A few rows (query heads of a few tokens) on their way over the blocks.
struct RowTile {
  std::size_t count = 0;
  std::int64_t first_visible[kMostRows];  // positions that the row sees
  std::int64_t last_visible[kMostRows];
  float largest[kMostRows];  // of the scores so far
  float total[kMostRows];    // of exp(score - largest)
  HWY_ALIGN float scores[kMostRows][kPanelColumns];
  HWY_ALIGN float part[kMostRows][kPanelColumns];
};

// Scores of one row and block become shares exp(score - largest); returns what earlier sums must be multiplied with.
float take_block(RowTile& tile, std::size_t row, std::int64_t block_first, float scale, float softcap) {
  const Floats f;
  float* HWY_RESTRICT scores = tile.scores[row];
  const auto scales = hn::Set(f, scale);
  for (std::size_t n = 0; n < kPanelColumns; n += kLanes) {
    Vector score = hn::Mul(hn::Load(f, scores + n), scales);
    if (softcap > 0) {
      score = hn::Mul(hn::Set(f, softcap), hyperbolic_tangent(f, hn::Mul(score, hn::Set(f, 1.0F / softcap))));
    }
    hn::Store(score, f, scores + n);
  }
  const std::int64_t hidden_before = std::clamp<std::int64_t>(tile.first_visible[row] - block_first, 0, kPanelColumns);
  const std::int64_t seen_until = std::clamp<std::int64_t>(tile.last_visible[row] + 1 - block_first, 0, kPanelColumns);
  for (std::int64_t n = 0; n < hidden_before; ++n) scores[n] = kMinusInfinity;
  for (std::int64_t n = seen_until; n < static_cast<std::int64_t>(kPanelColumns); ++n) scores[n] = kMinusInfinity;

  Vector most = hn::Load(f, scores);
  for (std::size_t n = kLanes; n < kPanelColumns; n += kLanes) most = hn::Max(most, hn::Load(f, scores + n));
  const float largest = std::max(tile.largest[row], hn::GetLane(hn::MaxOfLanes(f, most)));
  if (largest == kMinusInfinity) {
    // Nothing visible yet: shares of zero, nothing to rescale.
    for (std::size_t n = 0; n < kPanelColumns; n += kLanes) hn::Store(hn::Zero(f), f, scores + n);
    return 1.0F;
  }
  const auto base = hn::Set(f, largest);
  Vector sum = hn::Zero(f);
  for (std::size_t n = 0; n < kPanelColumns; n += kLanes) {
    const Vector x = hn::Load(f, scores + n);
    const Vector share = hn::IfThenElseZero(hn::Gt(x, hn::Set(f, kMinusInfinity)), hn::Exp(f, hn::Sub(x, base)));
    hn::Store(share, f, scores + n);
    sum = hn::Add(sum, share);
  }
  const float before = tile.largest[row];
  const float rescale = before == largest
                            ? 1.0F
                            : (before == kMinusInfinity ? 0.0F : hn::GetLane(hn::Exp(f, hn::Set(f, before - largest))));
  tile.largest[row] = largest;
  tile.total[row] = tile.total[row] * rescale + hn::GetLane(hn::SumOfLanes(f, sum));
  return rescale;
}

template <class Stored>
void attend_tile(const AttentionCall& call, std::size_t kv_head, std::size_t first_token, std::size_t tokens,
                 std::size_t first_head, std::size_t heads) {
  using Raw = typename Stored::Raw;
  const Floats f;
  const KeyValueShape& shape = call.cache->shape();
  const std::size_t dim = shape.head_dim, wide = panels_for(dim) * kPanelColumns;
  constexpr std::size_t kMostValues = 1024 + kPanelColumns;
  HWY_ALIGN static thread_local float queries[kMostRows * kMostValues];
  HWY_ALIGN static thread_local float outputs[kMostRows * kMostValues];
  const std::size_t query_row = even(dim) + 16;
  RowTile tile;
  tile.count = tokens * heads;
  std::int64_t first_key = std::numeric_limits<std::int64_t>::max(), last_key = 0;
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::int64_t position = call.first_position + static_cast<std::int64_t>(first_token + t);
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t row = t * heads + h;
      const float* query = call.queries + (first_token + t) * call.query_stride + (first_head + h) * dim;
      std::memcpy(queries + row * query_row, query, dim * sizeof(float));
      if (dim % 2 != 0) queries[row * query_row + dim] = 0.0F;
      tile.first_visible[row] = call.window > 0 ? std::max<std::int64_t>(0, position - call.window + 1) : 0;
      tile.last_visible[row] = position;
      tile.largest[row] = kMinusInfinity;
      tile.total[row] = 0.0F;
      first_key = std::min(first_key, tile.first_visible[row]);
      last_key = std::max(last_key, position);
    }
  }
  std::fill_n(outputs, tile.count * wide, 0.0F);

  const PanelProduct<Stored> product = panel_product_for<Stored>(tile.count);
  const std::size_t offset = shape.head_offset(call.layer, kv_head);
  constexpr auto kTokens = static_cast<std::int64_t>(KeyValueBlocks::kBlockTokens);
  for (std::int64_t block = first_key / kTokens; block <= last_key / kTokens; ++block) {
    const std::byte* keys = call.cache->block(call.blocks[block]) + offset;
    const std::byte* values = keys + shape.key_bytes();
    product(reinterpret_cast<const Raw*>(keys), even(dim) / 2, queries, query_row, tile.scores[0], kPanelColumns, 0);
    float rescale[kMostRows];
    for (std::size_t row = 0; row < tile.count; ++row) {
      rescale[row] = take_block(tile, row, block * kTokens, call.scale, call.softcap);
    }
    for (std::size_t column = 0; column < wide; column += kPanelColumns) {
      const std::byte* panel = values + column / kPanelColumns * panel_bytes(shape.type, kPanelColumns);
      product(reinterpret_cast<const Raw*>(panel), kPanelColumns / 2, tile.scores[0], kPanelColumns, tile.part[0],
              kPanelColumns, 0);
      for (std::size_t row = 0; row < tile.count; ++row) {
        float* HWY_RESTRICT out = outputs + row * wide + column;
        const auto factor = hn::Set(f, rescale[row]);
        for (std::size_t n = 0; n < kPanelColumns; n += kLanes) {
          hn::StoreU(hn::MulAdd(hn::LoadU(f, out + n), factor, hn::Load(f, tile.part[row] + n)), f, out + n);
        }
      }
    }
  }

  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t row = t * heads + h;
      float* out = call.output + (first_token + t) * call.output_stride + (first_head + h) * dim;
      const bool off = call.heads_off != nullptr && call.heads_off[first_head + h] != 0;
      const float factor = off ? 0.0F : 1.0F / tile.total[row];
      for (std::size_t i = 0; i < dim; ++i) out[i] = outputs[row * wide + i] * factor;
    }
  }
}

template <class Stored>
void attend_stored(const AttentionCall& call, std::size_t kv_head, std::size_t first, std::size_t last) {
  const std::size_t group = call.num_heads / call.cache->shape().kv_heads;
  const std::size_t heads_at_once = std::min(group, kMostRows);
  const std::size_t tokens_at_once = kMostRows / heads_at_once;
  for (std::size_t token = first; token < last; token += tokens_at_once) {
    const std::size_t tokens = std::min(tokens_at_once, last - token);
    for (std::size_t head = 0; head < group; head += heads_at_once) {
      attend_tile<Stored>(call, kv_head, token, tokens, kv_head * group + head, std::min(heads_at_once, group - head));
    }
  }
}

void attend_any(const AttentionCall& call, std::size_t kv_head, std::size_t first, std::size_t last) {
  switch (call.cache->shape().type) {
    case PanelType::kFloat32:
      return attend_stored<StoredFloat32>(call, kv_head, first, last);
    case PanelType::kFloat16:
      return attend_stored<StoredFloat16>(call, kv_head, first, last);
    case PanelType::kBFloat16:
      return attend_stored<StoredBFloat16>(call, kv_head, first, last);
  }
}

}  // namespace cambium::model::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::model {

HWY_EXPORT(attend_any);

void attend(const AttentionCall& call, std::size_t kv_head, std::size_t first, std::size_t last) {
  HWY_DYNAMIC_DISPATCH(attend_any)(call, kv_head, first, last);
}

}  // namespace cambium::model
#endif
