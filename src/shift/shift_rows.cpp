#include "shift/shift_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "tensor/error.h"

namespace cambium::shift {
namespace {

using family::Part;
using family::Role;

constexpr std::pair<Level, std::string_view> kLevels[] = {
    {Level::kModel, "model"},   {Level::kLayer, "layer"}, {Level::kModule, "module"},
    {Level::kTensor, "tensor"}, {Level::kHead, "head"},
};

ShiftRow row_of(Level level) {
  ShiftRow row;
  row.level = level;
  return row;
}

void add(const TensorShift& tensor, ShiftRow& row) {
  row.moments += tensor.moments;
  row.nonfinite += tensor.nonfinite;
}

std::vector<ShiftRow> model_rows(const ModelShift& shift) {
  ShiftRow row = row_of(Level::kModel);
  for (const TensorShift& tensor : shift.tensors) {
    if (tensor.part == Part::kLanguage) add(tensor, row);
  }
  row.curve = shift.curve;
  return {row};
}

std::vector<ShiftRow> layer_rows(const ModelShift& shift) {
  std::map<int, ShiftRow> rows;
  for (const TensorShift& tensor : shift.tensors) {
    if (tensor.part != Part::kLanguage || tensor.layer < 0) continue;
    ShiftRow& row = rows.try_emplace(tensor.layer, row_of(Level::kLayer)).first->second;
    row.layer = tensor.layer;
    row.curve = shift.layer_curves.at(tensor.layer);
    add(tensor, row);
  }
  std::vector<ShiftRow> list;
  for (auto& [layer, row] : rows) list.push_back(std::move(row));
  return list;
}

std::vector<ShiftRow> module_rows(const ModelShift& shift) {
  std::map<Role, ShiftRow> rows;
  for (const TensorShift& tensor : shift.tensors) {
    ShiftRow& row = rows.try_emplace(tensor.role, row_of(Level::kModule)).first->second;
    row.role = name_of(tensor.role);
    row.curve = shift.module_curves.at(tensor.role);
    add(tensor, row);
  }
  std::vector<ShiftRow> list;
  for (auto& [role, row] : rows) list.push_back(std::move(row));
  return list;
}

std::vector<ShiftRow> tensor_rows(const ModelShift& shift) {
  std::vector<ShiftRow> list;
  for (const TensorShift& tensor : shift.tensors) {
    ShiftRow row = row_of(Level::kTensor);
    row.tensor = tensor.tensor;
    row.role = name_of(tensor.role);
    row.layer = tensor.layer;
    row.curve = tensor.curve;
    add(tensor, row);
    list.push_back(std::move(row));
  }
  return list;
}

std::vector<ShiftRow> head_rows(const ModelShift& shift) {
  std::map<std::tuple<int, Role, int>, Moments> heads;
  std::map<std::pair<int, Role>, int> counts;  // heads of a role in a layer
  for (const TensorShift& tensor : shift.tensors) {
    for (const HeadShift& head : tensor.heads) {
      heads[{tensor.layer, head.slot.role, head.slot.head}] += head.moments;
      int& count = counts[{tensor.layer, head.slot.role}];
      count = std::max(count, head.slot.head + 1);
    }
  }
  std::vector<ShiftRow> list;
  const auto push = [&](int layer, std::string_view role, int head, const Moments& moments) {
    ShiftRow row = row_of(Level::kHead);
    row.role = role;
    row.layer = layer;
    row.head = head;
    row.moments = moments;
    list.push_back(std::move(row));
  };
  for (const auto& [key, moments] : heads) push(std::get<0>(key), name_of(std::get<1>(key)), std::get<2>(key), moments);
  for (const auto& [key, count] : counts) {
    if (key.second != Role::kQuery) continue;
    for (int head = 0; head < count; ++head) {
      Moments together;
      for (const Role role : {Role::kQuery, Role::kKey, Role::kValue, Role::kAttentionOutput}) {
        const auto of_role = counts.find({key.first, role});
        if (of_role == counts.end()) continue;
        // Several query heads share one of keys and values.
        const auto found = heads.find({key.first, role, head * of_role->second / count});
        if (found != heads.end()) together += found->second;
      }
      push(key.first, "attention", head, together);
    }
  }
  std::ranges::stable_sort(list, {}, &ShiftRow::layer);
  return list;
}

}  // namespace

std::string_view name_of(Level level) {
  return std::ranges::find(kLevels, level, &std::pair<Level, std::string_view>::first)->second;
}

Level level_from_name(std::string_view name) {
  for (const auto& [level, known] : kLevels) {
    if (known == name) return level;
  }
  throw UsageError(
      fmt::format("--by {}: unknown; use model, layer, module, tensor or head, or several of them with commas", name));
}

std::vector<ShiftRow> shift_rows(const ModelShift& shift, Level level) {
  switch (level) {
    case Level::kModel:
      return model_rows(shift);
    case Level::kLayer:
      return layer_rows(shift);
    case Level::kModule:
      return module_rows(shift);
    case Level::kTensor:
      return tensor_rows(shift);
    case Level::kHead:
      return head_rows(shift);
  }
  return {};
}

LayerModuleTable by_layer_and_module(const ModelShift& shift) {
  std::map<std::pair<int, Role>, Moments> cells;
  std::set<int> layers;
  std::set<Role> roles;
  for (const TensorShift& tensor : shift.tensors) {
    if (tensor.part != Part::kLanguage || tensor.layer < 0) continue;
    cells[{tensor.layer, tensor.role}] += tensor.moments;
    layers.insert(tensor.layer);
    roles.insert(tensor.role);
  }
  LayerModuleTable table;
  table.layers.assign(layers.begin(), layers.end());
  for (const Role role : roles) table.modules.emplace_back(name_of(role));
  for (const int layer : layers) {
    for (const Role role : roles) {
      const auto cell = cells.find({layer, role});
      table.mean_abs.push_back(cell == cells.end() ? std::numeric_limits<double>::quiet_NaN()
                                                   : cell->second.mean_abs());
    }
  }
  return table;
}

}  // namespace cambium::shift
