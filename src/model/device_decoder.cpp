#include "model/device_decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>

#include "model/decoder_blocks.h"

namespace cambium::model {

namespace {

constexpr auto kBlock = static_cast<std::int64_t>(BlockPool::kBlockTokens);

// Keys and values of each layer: [slots, num_kv_heads, head_dim]; block b holds the slots 32 b .. 32 b + 31.
class DeviceBlocks final : public BlockPool {
 public:
  DeviceBlocks(const DecoderConfig& config, const at::TensorOptions& options, std::size_t max_blocks)
      : BlockPool(max_blocks) {
    const at::Tensor none = at::zeros({0, config.num_kv_heads, config.head_dim}, options);
    keys.assign(config.layers.size(), none);
    values.assign(config.layers.size(), none);
  }
  std::vector<at::Tensor> keys, values;

 protected:
  void grow(std::size_t count) override {
    for_each([&](at::Tensor& part) {
      // Room grows by half at a time: copies stay a fixed multiple of what is used.
      const std::int64_t slots = (blocks_ + static_cast<std::int64_t>(count)) * kBlock;
      if (slots <= part.size(0)) return;
      const std::int64_t more = std::max(slots - part.size(0), part.size(0) / 2 / kBlock * kBlock);
      part = at::cat({part, at::zeros({more, part.size(1), part.size(2)}, part.options())});
    });
    blocks_ += static_cast<std::int64_t>(count);
  }
  void clear(BlockId block) override {
    for_each([&](at::Tensor& part) { part.narrow(0, block * kBlock, kBlock).zero_(); });
  }
  void duplicate(BlockId from, BlockId to) override {
    for_each(
        [&](at::Tensor& part) { part.narrow(0, to * kBlock, kBlock).copy_(part.narrow(0, from * kBlock, kBlock)); });
  }

 private:
  template <typename Change>
  void for_each(const Change& change) {
    for (at::Tensor& part : keys) change(part);
    for (at::Tensor& part : values) change(part);
  }
  std::int64_t blocks_ = 0;
};

// Sequences of a step with the same number of new tokens, attended to together.
struct Group {
  std::vector<std::size_t> sequences;
  std::int64_t tokens = 0;                     // new ones, of each
  std::int64_t keys = 0;                       // of the longest
  at::Tensor rows;                             // [sequences * tokens]: their rows of the step
  at::Tensor slots;                            // [sequences * keys]: where their keys lie (any slot behind the end)
  std::map<std::int64_t, at::Tensor> visible;  // by window: [sequences, 1, tokens, keys]
  std::vector<at::Tensor> heads_on;            // by layer: [sequences, num_heads, 1, 1], or undefined
};

}  // namespace

struct DeviceDecoder::Impl {
  DecoderConfig config;
  DecoderWeights weights;
  DeviceBlocks cache;

  // Of one step.
  std::vector<std::size_t> first_rows;
  std::vector<Group> groups;
  std::vector<at::Tensor> cosines, sines;  // by rope: [1, 1, rows, rotary_dim / 2]
  at::Tensor slots;                        // [rows]: where new keys go

  Impl(DecoderConfig c, DecoderWeights w, std::size_t max_blocks)
      : config(std::move(c)), weights(std::move(w)), cache(config, weights.embedding.options(), max_blocks) {}

  template <typename T>
  [[nodiscard]] at::Tensor moved(const std::vector<T>& list, at::ScalarType type) const {
    at::Tensor tensor = at::empty({static_cast<std::int64_t>(list.size())}, at::TensorOptions().dtype(type));
    std::copy(list.begin(), list.end(), tensor.mutable_data_ptr<T>());
    return tensor.to(weights.embedding.device());
  }

  void prepare_angles(std::span<const StepSequence> step) {
    cosines.clear();
    sines.clear();
    for (const RopeConfig& rope : config.ropes) {
      std::vector<float> angles;
      for (const StepSequence& sequence : step) {
        const std::vector<float> frequencies = rope.inverse_frequencies(sequence.rope_length);
        for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
          const auto position = static_cast<float>(sequence.first_position + static_cast<std::int64_t>(t));
          for (const float frequency : frequencies) angles.push_back(position * frequency);
        }
      }
      const at::Tensor all = moved(angles, at::kFloat).view({1, 1, -1, rope.rotary_dim / 2});
      cosines.push_back((all.cos() * rope.attention_factor).to(weights.embedding.scalar_type()));
      sines.push_back((all.sin() * rope.attention_factor).to(weights.embedding.scalar_type()));
    }
  }

  static std::int64_t slot_of(const StepSequence& sequence, std::int64_t position) {
    return static_cast<std::int64_t>(sequence.blocks[static_cast<std::size_t>(position / kBlock)]) * kBlock +
           position % kBlock;
  }

  void prepare_groups(std::span<const StepSequence> step) {
    std::map<std::int64_t, Group> by_tokens;
    for (std::size_t s = 0; s < step.size(); ++s) {
      const auto tokens = static_cast<std::int64_t>(step[s].ids.size());
      Group& group = by_tokens[tokens];
      group.tokens = tokens;
      group.keys = std::max(group.keys, step[s].first_position + tokens);
      group.sequences.push_back(s);
    }
    groups.clear();
    for (auto& [tokens, group] : by_tokens) {
      std::vector<std::int64_t> rows, places;
      for (const std::size_t s : group.sequences) {
        for (std::int64_t t = 0; t < tokens; ++t) rows.push_back(static_cast<std::int64_t>(first_rows[s]) + t);
        const std::int64_t end = step[s].first_position + tokens;
        for (std::int64_t k = 0; k < group.keys; ++k) places.push_back(slot_of(step[s], std::min(k, end - 1)));
      }
      group.rows = moved(rows, at::kLong);
      group.slots = moved(places, at::kLong);
      for (const LayerConfig& layer : config.layers) {
        if (!group.visible.contains(layer.window)) group.visible[layer.window] = visible_in(step, group, layer.window);
      }
      switch_heads_off(step, group);
      groups.push_back(std::move(group));
    }
  }

  [[nodiscard]] at::Tensor visible_in(std::span<const StepSequence> step, const Group& group,
                                      std::int64_t window) const {
    const auto count = static_cast<std::int64_t>(group.sequences.size());
    at::Tensor visible = at::zeros({count, 1, group.tokens, group.keys}, at::TensorOptions().dtype(at::kBool));
    bool* flags = visible.mutable_data_ptr<bool>();
    for (const std::size_t s : group.sequences) {
      for (std::int64_t t = 0; t < group.tokens; ++t, flags += group.keys) {
        const std::int64_t position = step[s].first_position + t;
        const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, position - window + 1) : 0;
        std::fill(flags + first, flags + position + 1, true);
      }
    }
    return visible.to(weights.embedding.device());
  }

  void switch_heads_off(std::span<const StepSequence> step, Group& group) const {
    const auto masked = [&](std::size_t s) { return step[s].heads_off != nullptr; };
    if (std::ranges::none_of(group.sequences, masked)) return;
    for (std::size_t layer = 0; layer < config.layers.size(); ++layer) {
      std::vector<float> on;
      for (const std::size_t s : group.sequences) {
        for (std::int64_t h = 0; h < config.num_heads; ++h) {
          on.push_back(masked(s) && step[s].heads_off->layer(layer)[h] != 0 ? 0.0F : 1.0F);
        }
      }
      group.heads_on.push_back(
          moved(on, at::kFloat).to(weights.embedding.scalar_type()).view({-1, config.num_heads, 1, 1}));
    }
  }

  [[nodiscard]] at::Tensor embed(std::span<const StepSequence> step) const {
    std::vector<std::int64_t> ids, positions;
    for (const StepSequence& sequence : step) {
      for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
        ids.push_back(sequence.ids[t]);
        positions.push_back(sequence.first_position + static_cast<std::int64_t>(t));
      }
    }
    at::Tensor x = embedded(config, weights.embedding, moved(ids, at::kLong));  // [rows, hidden]
    std::vector<std::int64_t> rows;
    std::vector<float> given;
    for (std::size_t s = 0; s < step.size(); ++s) {
      for (std::size_t t = 0; t < step[s].embeddings.size(); ++t) {
        const float* row = step[s].embeddings[t];
        if (row == nullptr) continue;
        rows.push_back(static_cast<std::int64_t>(first_rows[s] + t));
        given.insert(given.end(), row, row + config.hidden_size);
      }
    }
    if (!rows.empty()) {
      x = x.index_copy(0, moved(rows, at::kLong),
                       moved(given, at::kFloat).view({-1, config.hidden_size}).to(x.scalar_type()));
    }
    if (weights.positions.defined()) x = x + at::embedding(weights.positions, moved(positions, at::kLong));
    return x;
  }

  [[nodiscard]] at::Tensor attention(const at::Tensor& input, std::size_t index) {
    const LayerWeights& layer = weights.layers[index];
    const LayerConfig& form = config.layers[index];
    const std::int64_t rows = input.size(0), dim = config.head_dim;
    const auto heads = [&](const Linear& projection, std::int64_t count) {
      return projected(projection, input).view({rows, count, dim});
    };
    at::Tensor query = heads(layer.query, config.num_heads), key = heads(layer.key, config.num_kv_heads);
    if (config.query_key_norm) {
      query = normalised_heads(config, layer.query_norm, query);
      key = normalised_heads(config, layer.key_norm, key);
    }
    if (!config.ropes.empty()) {
      const auto turned = [&](const at::Tensor& each) {
        return rotated(each.transpose(0, 1).unsqueeze(0), cosines[form.rope], sines[form.rope])
            .squeeze(0)
            .transpose(0, 1)
            .contiguous();
      };
      query = turned(query);
      key = turned(key);
    }
    cache.keys[index].index_copy_(0, slots, key);
    cache.values[index].index_copy_(0, slots, heads(layer.value, config.num_kv_heads));

    at::Tensor output = at::empty({rows, config.num_heads * dim}, input.options());
    for (const Group& group : groups) {
      const auto count = static_cast<std::int64_t>(group.sequences.size());
      const auto stored = [&](const at::Tensor& part) {
        return part.index_select(0, group.slots).view({count, group.keys, config.num_kv_heads, dim}).transpose(1, 2);
      };
      const at::Tensor asked =
          query.index_select(0, group.rows).view({count, group.tokens, config.num_heads, dim}).transpose(1, 2);
      at::Tensor found = attended(config, form.attention_scale, asked, stored(cache.keys[index]),
                                  stored(cache.values[index]), group.visible.at(form.window));
      if (!group.heads_on.empty()) found = found * group.heads_on[index];
      output.index_copy_(0, group.rows, found.transpose(1, 2).reshape({count * group.tokens, config.num_heads * dim}));
    }
    return projected(layer.attention_output, output);
  }

  [[nodiscard]] at::Tensor hidden_states(std::span<const StepSequence> step) {
    at::Tensor x = embed(step);
    for (std::size_t i = 0; i < weights.layers.size(); ++i) {
      const LayerWeights& layer = weights.layers[i];
      at::Tensor mixed = attention(normalised(config, layer.attention_norm, x), i);
      if (config.parallel_residual) {
        x = x + mixed + fed_forward(config, layer, normalised(config, layer.feedforward_norm, x));
        continue;
      }
      if (config.sandwich_norms) mixed = normalised(config, layer.attention_output_norm, mixed);
      x = x + mixed;
      at::Tensor fed = fed_forward(config, layer, normalised(config, layer.feedforward_norm, x));
      if (config.sandwich_norms) fed = normalised(config, layer.feedforward_output_norm, fed);
      x = x + fed;
    }
    return x;
  }
};

DeviceDecoder::DeviceDecoder(DecoderConfig config, DecoderWeights weights, std::size_t max_blocks)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(weights), max_blocks)) {}

DeviceDecoder::~DeviceDecoder() = default;

const DecoderConfig& DeviceDecoder::config() const { return impl_->config; }

BlockPool& DeviceDecoder::cache() { return impl_->cache; }

void DeviceDecoder::replace(DecoderWeights weights) { impl_->weights = std::move(weights); }

void DeviceDecoder::step(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
                         const Consumer& consumer) {
  const at::NoGradGuard no_gradients;
  Impl& impl = *impl_;
  impl.first_rows.clear();
  std::vector<std::int64_t> places;
  for (const StepSequence& sequence : sequences) {
    impl.first_rows.push_back(places.size());
    for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
      places.push_back(Impl::slot_of(sequence, sequence.first_position + static_cast<std::int64_t>(t)));
    }
  }
  if (places.empty()) return;
  impl.slots = impl.moved(places, at::kLong);
  impl.prepare_angles(sequences);
  impl.prepare_groups(sequences);
  const at::Tensor x = impl.hidden_states(sequences);
  // A few rows at a time: their logits may be a large part of the memory.
  constexpr std::size_t kRowsAtOnce = 64;
  for (std::size_t first = 0; first < wanted.size(); first += kRowsAtOnce) {
    const std::size_t count = std::min(kRowsAtOnce, wanted.size() - first);
    const std::vector<std::int64_t> rows(wanted.begin() + static_cast<std::ptrdiff_t>(first),
                                         wanted.begin() + static_cast<std::ptrdiff_t>(first + count));
    const at::Tensor chosen =
        normalised(impl.config, impl.weights.final_norm, x.index_select(0, impl.moved(rows, at::kLong)));
    at::Tensor logits = logits_of(impl.config, impl.weights.head, chosen).to(at::kFloat).cpu().contiguous();
    const auto vocab = static_cast<std::size_t>(logits.size(1));
    for (std::size_t i = 0; i < count; ++i) {
      consumer(first + i, {logits.mutable_data_ptr<float>() + i * vocab, vocab});
    }
  }
}

DecoderWeights on_device(const DecoderWeights& weights, c10::Device device) {
  DecoderWeights moved = weights;
  const auto move = [&](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(device);
  };
  const auto move_linear = [&](Linear& linear) {
    move(linear.weight);
    move(linear.bias);
  };
  const auto move_norm = [&](Norm& norm) {
    move(norm.weight);
    move(norm.bias);
  };
  move(moved.embedding);
  move(moved.positions);
  move_norm(moved.final_norm);
  if (moved.head.weight.is_same(weights.embedding)) {
    moved.head.weight = moved.embedding;  // tied: one copy
    move(moved.head.bias);
  } else {
    move_linear(moved.head);
  }
  for (LayerWeights& layer : moved.layers) {
    for (Norm* norm : {&layer.attention_norm, &layer.attention_output_norm, &layer.feedforward_norm,
                       &layer.feedforward_output_norm}) {
      move_norm(*norm);
    }
    for (Linear* linear :
         {&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.gate, &layer.up, &layer.down}) {
      move_linear(*linear);
    }
    move(layer.query_norm);
    move(layer.key_norm);
  }
  return moved;
}

}  // namespace cambium::model
