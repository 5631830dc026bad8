#include "tune/step_batch.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <map>

namespace cambium::tune {

namespace {

MicroBatch packed(std::span<const Sample> samples, const model::MediaReader* reader) {
  MicroBatch batch;
  std::vector<std::int64_t> ids, labelled, targets;
  struct Group {
    std::vector<at::Tensor> inputs, places;
  };
  std::map<model::Modality, Group> media;
  for (const Sample& sample : samples) {
    const LabelledTokens& tokens = sample.tokens;
    const auto base = static_cast<std::int64_t>(ids.size());
    ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
    batch.rows.lengths.push_back(static_cast<std::int64_t>(tokens.ids.size()));
    for (std::size_t t = 0; t + 1 < tokens.ids.size(); ++t) {
      if (tokens.learned[t + 1] == 0) continue;
      labelled.push_back(base + static_cast<std::int64_t>(t));
      targets.push_back(tokens.ids[t + 1]);
    }
    for (std::size_t i = 0; i < tokens.places.size(); ++i) {
      const model::MediaPlace& place = tokens.places[i];
      Group& group = media[place.modality];
      group.inputs.push_back(reader->read(tokens.media[i]));
      const std::int64_t first = base + static_cast<std::int64_t>(place.position);
      group.places.push_back(at::arange(first, first + static_cast<std::int64_t>(place.count), at::kLong));
    }
  }
  batch.rows.ids = at::tensor(at::ArrayRef<std::int64_t>(ids));
  batch.labelled = at::tensor(at::ArrayRef<std::int64_t>(labelled));
  batch.targets = at::tensor(at::ArrayRef<std::int64_t>(targets));
  for (auto& [modality, group] : media) {
    batch.media.push_back({modality, at::stack(group.inputs), at::cat(group.places)});
  }
  return batch;
}

}  // namespace

StepBatch pack(std::vector<Sample> samples, std::int64_t micro_tokens, const model::MediaReader* reader) {
  std::ranges::stable_sort(samples, std::ranges::greater(),
                           [](const Sample& sample) { return sample.tokens.ids.size(); });
  StepBatch batch;
  std::size_t first = 0;
  while (first < samples.size()) {
    std::size_t end = first;
    std::int64_t tokens = 0;
    while (end < samples.size()) {
      const auto more = static_cast<std::int64_t>(samples[end].tokens.ids.size());
      if (end > first && tokens + more > micro_tokens) break;
      tokens += more;
      ++end;
    }
    batch.parts.push_back(packed(std::span(samples).subspan(first, end - first), reader));
    batch.tokens += tokens;
    batch.supervised += batch.parts.back().targets.numel();
    first = end;
  }
  batch.samples = static_cast<std::int64_t>(samples.size());
  return batch;
}

}  // namespace cambium::tune
