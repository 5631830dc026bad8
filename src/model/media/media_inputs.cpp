#include "model/media/media_inputs.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <map>
#include <set>

#include "tensor/error.h"

namespace cambium::model {
namespace {

[[noreturn]] void wrong_number(const MediaFeatures& features, std::size_t tokens, std::size_t rows) {
  const ModalityNames& names = names_of(features.modality);
  throw ShapeError(
      fmt::format("the prompts have {} {} tokens (id {}), but the {}s give {} feature rows; each {} needs a run of its "
                  "rows' number of tokens",
                  tokens, names.name, features.token, names.item, rows, names.item));
}

// Runs of one modality's tokens, row by row.
void add_runs(const MediaFeatures& features, const at::Tensor& all_ids, const at::Tensor& mask,
              std::vector<std::vector<EmbeddingRows>>& out) {
  const at::Tensor ids = all_ids.contiguous();
  const at::Tensor kept = mask.contiguous();
  const at::Tensor rows = features.rows.reshape({-1, features.rows.size(-1)});
  const auto available = static_cast<std::size_t>(rows.size(0));
  const std::int64_t columns = ids.size(1);
  std::size_t used = 0;
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    std::size_t position = 0;
    std::size_t run = 0;
    const auto close = [&] {
      if (run == 0) return;
      if (used + run <= available) {
        out[static_cast<std::size_t>(row)].push_back(embedding_rows(
            rows.narrow(0, static_cast<std::int64_t>(used), static_cast<std::int64_t>(run)), position - run));
      }
      used += run;
      run = 0;
    };
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t at = row * columns + column;
      if (kept.const_data_ptr<std::int64_t>()[at] == 0) continue;
      if (ids.const_data_ptr<std::int64_t>()[at] == features.token) {
        ++run;
      } else {
        close();
      }
      ++position;
    }
    close();
  }
  if (used != available) wrong_number(features, used, available);
}

// The id whose runs are as long as `tokens` or several of it, and which occurs `rows` times; `otherwise` if there is
// none.
std::int64_t run_id(const at::Tensor& all_ids, std::int64_t tokens, std::int64_t rows, std::int64_t otherwise) {
  const at::Tensor ids = all_ids.contiguous();
  const auto* values = ids.const_data_ptr<std::int64_t>();
  std::map<std::int64_t, std::int64_t> occurrences;
  std::set<std::int64_t> in_other_runs;
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    ++occurrences[values[i]];
    std::int64_t length = 1;
    while (i + 1 < ids.numel() && values[i + 1] == values[i] && (i + 1) % ids.size(-1) != 0) {
      ++length;
      ++i;
      ++occurrences[values[i]];
    }
    if (length % tokens != 0) in_other_runs.insert(values[i]);
  }
  for (const auto& [id, count] : occurrences) {
    if (count == rows && !in_other_runs.contains(id)) return id;
  }
  return otherwise;
}

}  // namespace

MediaInputs take_media(TensorMap& tensors, const std::function<const MediaTowers&()>& towers) {
  MediaInputs out;
  const auto ids = tensors.find("input_ids");
  if (ids == tensors.end()) return out;
  for (const Modality modality : kModalities) {
    const auto given = tensors.find(std::string(names_of(modality).input));
    if (given == tensors.end()) continue;
    const MediaTower* tower = towers().find(modality);
    if (tower == nullptr) {
      throw UsageError(fmt::format("{} is given, but the model has no tower for {}s", names_of(modality).input,
                                   names_of(modality).item));
    }
    const at::Tensor rows = tower->features(given->second);
    std::int64_t token = tower->token();
    if (token < 0 && !ids->second.eq(token).any().item<bool>())
      token = run_id(ids->second, tower->tokens(), rows.size(0) * rows.size(1), token);
    out.features.push_back({modality, token, rows});
    tensors.erase(given);
    // A sound's tokens are all kept, the silence behind a short one too.
    if (modality == Modality::kAudio) tensors.erase("feature_attention_mask");
  }
  if (out.features.empty()) return out;
  out.ids = ids->second;
  for (const MediaFeatures& features : out.features)
    ids->second = at::where(out.ids.eq(features.token), at::zeros_like(out.ids), ids->second);
  return out;
}

at::Tensor place_media(const at::Tensor& embeddings, const MediaInputs& media) {
  at::Tensor placed = embeddings;
  for (const MediaFeatures& features : media.features) {
    const auto tokens = static_cast<std::size_t>(media.ids.eq(features.token).sum().item<std::int64_t>());
    const auto rows = static_cast<std::size_t>(features.rows.numel() / features.rows.size(-1));
    if (tokens != rows) wrong_number(features, tokens, rows);
    placed = place_features(placed, media.ids, features.rows, features.token);
  }
  return placed;
}

std::vector<std::vector<EmbeddingRows>> media_rows(const MediaInputs& media, const at::Tensor& mask) {
  std::vector<std::vector<EmbeddingRows>> rows(static_cast<std::size_t>(mask.size(0)));
  for (const MediaFeatures& features : media.features) add_runs(features, media.ids, mask, rows);
  return rows;
}

EmbeddingRows embedding_rows(const at::Tensor& rows, std::size_t position) {
  const at::Tensor wide = rows.to(at::kFloat).contiguous();
  const auto* first = wide.const_data_ptr<float>();
  const auto values = static_cast<std::size_t>(wide.numel());
  EmbeddingRows out{position, static_cast<std::size_t>(wide.size(0)),
                    std::make_shared<const std::vector<float>>(first, first + values), 0};
  out.identity = XXH3_64bits(first, values * sizeof(float));
  return out;
}

}  // namespace cambium::model
