#include "model/native/key_value_blocks.h"

#include <cassert>
#include <cstring>
#include <span>

#include "tensor/convert.h"

namespace cambium::model {

namespace {

DType stored_type(PanelType type) { return type == PanelType::kFloat16 ? DType::kF16 : DType::kBF16; }

template <typename Element>
void scatter(PanelType type, const Element* key, const Element* value, std::size_t head_dim, std::size_t slot,
             Element* keys, Element* values) {
  const std::size_t value_panel = kPanelColumns * kPanelColumns;
  for (std::size_t i = 0; i < head_dim; ++i) keys[panel_index(type, i, slot)] = key[i];
  for (std::size_t i = 0; i < head_dim; ++i) {
    values[i / kPanelColumns * value_panel + panel_index(type, slot, i % kPanelColumns)] = value[i];
  }
}

}  // namespace

void KeyValueBlocks::grow(std::size_t count) { slabs_.emplace_back(count * shape_.block_bytes()); }

void KeyValueBlocks::clear(BlockId id) { std::memset(block(id), 0, shape_.block_bytes()); }

void KeyValueBlocks::duplicate(BlockId from, BlockId to) { std::memcpy(block(to), block(from), shape_.block_bytes()); }

void KeyValueBlocks::store(BlockId id, std::size_t layer, std::size_t head, std::size_t slot, const float* key,
                           const float* value) {
  std::byte* keys = block(id) + shape_.head_offset(layer, head);
  std::byte* values = keys + shape_.key_bytes();
  const std::size_t dim = shape_.head_dim;
  if (shape_.type == PanelType::kFloat32) {
    scatter(shape_.type, key, value, dim, slot, reinterpret_cast<float*>(keys), reinterpret_cast<float*>(values));
    return;
  }
  constexpr std::size_t kMostValues = 1024;
  std::uint16_t rounded[2 * kMostValues];
  assert(dim <= kMostValues);
  from_float32(stored_type(shape_.type), {key, dim}, std::as_writable_bytes(std::span(rounded, dim)));
  from_float32(stored_type(shape_.type), {value, dim}, std::as_writable_bytes(std::span(rounded + dim, dim)));
  scatter(shape_.type, static_cast<const std::uint16_t*>(rounded), static_cast<const std::uint16_t*>(rounded + dim),
          dim, slot, reinterpret_cast<std::uint16_t*>(keys), reinterpret_cast<std::uint16_t*>(values));
}

}  // namespace cambium::model
