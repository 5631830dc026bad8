#include "model/native/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace cambium::model {

namespace {

// columns <= 32 rows of a stored [out, in] weight become the columns of one panel.
void pack_wide(const float* rows, std::size_t columns, std::size_t inputs, float* panel) {
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t n = 0; n < columns; ++n) panel[k * kPanelColumns + n] = rows[n * inputs + k];
  }
}

void pack_half(const std::uint16_t* rows, std::size_t columns, std::size_t inputs, std::uint16_t* panel) {
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t n = 0; n < columns; ++n) panel[k * kPanelColumns + n] = rows[n * inputs + k];
  }
}

void pack_pairs(const std::uint16_t* rows, std::size_t columns, std::size_t inputs, std::uint16_t* panel) {
  for (std::size_t k = 0; k + 1 < inputs; k += 2) {
    std::uint16_t* pair = panel + k * kPanelColumns;
    for (std::size_t n = 0; n < columns; ++n)
      std::memcpy(pair + 2 * n, rows + n * inputs + k, 2 * sizeof(std::uint16_t));
  }
  if (inputs % 2 == 0) return;
  const std::size_t last = inputs - 1;
  for (std::size_t n = 0; n < columns; ++n) panel[last * kPanelColumns + 2 * n] = rows[n * inputs + last];
}

}  // namespace

PackedMatrix::PackedMatrix(PanelType type, std::size_t inputs, const std::vector<WeightRows>& parts, bool interleave,
                           ThreadTeam& team)
    : type_(type), inputs_(inputs) {
  for (const WeightRows& part : parts) {
    part_columns_.push_back(panels_ * kPanelColumns);
    panels_ += (part.count + kPanelColumns - 1) / kPanelColumns;
  }
  data_ = HugeBuffer(panels_ * panel_bytes(type, even(inputs)));
  if (std::ranges::any_of(parts, [](const WeightRows& part) { return part.bias != nullptr; })) {
    bias_.assign(panels_ * kPanelColumns, 0.0F);
  }
  pack(parts, interleave, team);
}

void PackedMatrix::repack(const std::vector<WeightRows>& parts, bool interleave, ThreadTeam& team) {
  assert(parts.size() == part_columns_.size());
  pack(parts, interleave, team);
}

void PackedMatrix::pack(const std::vector<WeightRows>& parts, bool interleave, ThreadTeam& team) {
  struct Source {
    const WeightRows* part;
    std::size_t first;
  };
  std::vector<Source> sources;
  for (const WeightRows& part : parts) {
    for (std::size_t first = 0; first < part.count; first += kPanelColumns) sources.push_back({&part, first});
  }
  assert(sources.size() == panels_);
  if (interleave) {
    assert(parts.size() == 2 && parts[0].count == parts[1].count);
    std::vector<Source> mixed;
    const std::size_t half = sources.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
      mixed.push_back(sources[i]);
      mixed.push_back(sources[half + i]);
    }
    sources = std::move(mixed);
  }
  team.run([&](ThreadTeam::Member& member) {
    member.share(panels_, [&](std::size_t index) {
      const auto [part, first] = sources[index];
      const std::size_t columns = std::min(kPanelColumns, part->count - first);
      std::byte* panel = data_.data() + index * panel_bytes(type_, even(inputs_));
      if (type_ == PanelType::kFloat32) {
        pack_wide(static_cast<const float*>(part->values) + first * inputs_, columns, inputs_,
                  reinterpret_cast<float*>(panel));
      } else {
        const auto* rows = static_cast<const std::uint16_t*>(part->values) + first * inputs_;
        auto* halves = reinterpret_cast<std::uint16_t*>(panel);
        type_ == PanelType::kFloat16 ? pack_half(rows, columns, inputs_, halves)
                                     : pack_pairs(rows, columns, inputs_, halves);
      }
      if (part->bias != nullptr) std::copy_n(part->bias + first, columns, bias_.data() + index * kPanelColumns);
    });
  });
}

}  // namespace cambium::model
