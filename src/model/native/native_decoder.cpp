#include "model/native/native_decoder.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "model/native/block_attention.h"
#include "model/native/packed_matrix.h"
#include "model/native/panel_product.h"
#include "model/native/rope_table.h"
#include "model/native/row_kernels.h"
#include "model/native/thread_team.h"
#include "tensor/convert.h"

namespace cambium::model {

namespace {

using Member = ThreadTeam::Member;
using Mode = ProductOutput::Mode;

PanelType panel_type(at::ScalarType dtype) {
  if (dtype == at::kHalf) return PanelType::kFloat16;
  return dtype == at::kBFloat16 ? PanelType::kBFloat16 : PanelType::kFloat32;
}

DType stored_dtype(PanelType type) {
  if (type == PanelType::kFloat32) return DType::kF32;
  return type == PanelType::kFloat16 ? DType::kF16 : DType::kBF16;
}

std::vector<float> widened(const at::Tensor& values) {
  if (!values.defined()) return {};
  const at::Tensor wide = values.to(at::kFloat).contiguous();
  const auto* data = wide.const_data_ptr<float>();
  return {data, data + wide.numel()};
}

struct NormValues {
  std::vector<float> weight, bias;
};

struct PackedLayer {
  NormValues attention_norm, attention_output_norm, feedforward_norm, feedforward_output_norm;
  std::vector<float> query_norm, key_norm;
  PackedMatrix query_key_value, attention_output, up, down;  // up: gate and up interleaved, if gated
};

// Rows of a buffer that one product takes at a time, so that they stay in a core's second-level cache.
std::size_t rows_at_once(std::size_t columns) {
  constexpr std::size_t kBytes = 512 * 1024;
  return std::max<std::size_t>(48, kBytes / (columns * sizeof(float)) / 12 * 12);
}

// With so few rows each thread prepares all inputs of a product for itself: cheaper than waiting for another one.
constexpr std::size_t kFewRows = 4;

// A float32 buffer of rows, zeroed when it grows (padding must be zero), with a bfloat16 copy where the products want
// one.
class Rows {
 public:
  void resize(std::size_t rows, std::size_t columns, bool with_rounded) {
    columns_ = columns;
    stride_ = row_stride(columns);
    if (values_.size() < rows * stride_) values_.assign(rows * stride_, 0.0F);
    if (with_rounded && rounded_.size() < rows * stride_) rounded_.assign(rows * stride_, 0);
    with_rounded_ = with_rounded;
  }
  [[nodiscard]] float* row(std::size_t index) { return values_.data() + index * stride_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] bool with_rounded() const { return with_rounded_; }
  void round(std::size_t index) { round_rows(row(index), even(columns_), rounded_.data() + index * stride_); }
  [[nodiscard]] ActivationRows view(std::size_t count) const {
    return {values_.data(), with_rounded_ ? rounded_.data() : nullptr, stride_, count};
  }

 private:
  std::vector<float> values_;
  std::vector<std::uint16_t> rounded_;
  std::size_t columns_ = 0, stride_ = 0;
  bool with_rounded_ = false;
};

ActivationRows part_of(const ActivationRows& rows, std::size_t first, std::size_t count) {
  return {rows.values + first * rows.stride, rows.rounded == nullptr ? nullptr : rows.rounded + first * rows.stride,
          rows.stride, count};
}

}  // namespace

struct NativeDecoder::Impl {
  DecoderConfig config;
  PanelType type;
  bool rounds;
  ThreadTeam team;
  KeyValueBlocks cache;
  at::Tensor embedding;  // [vocab, hidden], contiguous, of the weights' type
  at::Tensor positions;
  float embedding_scale = 1.0F;
  std::vector<PackedLayer> layers;
  NormValues final_norm;
  PackedMatrix head;
  std::vector<RopeTable> ropes;

  // One step.
  struct Place {  // of a row: its sequence and its number among the sequence's new tokens
    std::size_t sequence, token;
  };
  struct AttentionPiece {
    std::size_t sequence, kv_head, first, last;
  };
  std::span<const StepSequence> sequences;
  std::vector<Place> places;
  std::vector<std::size_t> first_rows;
  std::vector<AttentionPiece> pieces;
  std::vector<std::vector<const float*>> angles;  // by rope and row: cosines, then sines
  std::vector<std::vector<float>> own_angles;     // rows for sequences with frequencies of their own
  Rows x, normed, second_normed, qkv, attended, inner, extra, logits;
  std::vector<Rows> private_rows;  // one a thread, for few rows

  Impl(const DecoderConfig& c, const DecoderWeights& outside, const LayerSource& source, at::ScalarType dtype,
       const Options& options)
      : config(c),
        type(panel_type(dtype)),
        rounds(rounds_activations(type)),
        team(options.threads),
        cache({type, static_cast<std::size_t>(c.num_layers), static_cast<std::size_t>(c.num_kv_heads),
               static_cast<std::size_t>(c.head_dim)},
              options.max_blocks),
        private_rows(options.threads) {
    for (const RopeConfig& rope : config.ropes) ropes.emplace_back(rope);
    embedding_scale = static_cast<float>(config.embedding_scale);
    if (type != PanelType::kFloat32) {  // rounded to the weights' type, as Hugging Face does
      std::byte stored[2];
      from_float32(stored_dtype(type), {&embedding_scale, 1}, stored);
      to_float32(stored_dtype(type), stored, {&embedding_scale, 1});
    }
    layers.resize(size(config.num_layers));
    for (std::size_t i = 0; i < layers.size(); ++i) pack_layer(layers[i], source(i));
    pack_outside(outside);
  }

  void pack_outside(const DecoderWeights& outside) {
    embedding = outside.embedding.contiguous();
    if (outside.positions.defined()) positions = outside.positions.contiguous();
    final_norm = norm_values(outside.final_norm);
    pack(head, {&outside.head}, false);
  }

  static NormValues norm_values(const Norm& norm) { return {widened(norm.weight), widened(norm.bias)}; }

  // Into the memory that the matrix has, if it has been packed before.
  void pack(PackedMatrix& matrix, const std::vector<const Linear*>& parts, bool interleave) {
    std::vector<at::Tensor> kept;
    std::vector<std::vector<float>> biases(parts.size());
    std::vector<WeightRows> rows;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      kept.push_back(parts[i]->weight.contiguous());
      biases[i] = widened(parts[i]->bias);
      rows.push_back({kept.back().const_data_ptr(), static_cast<std::size_t>(kept.back().size(0)),
                      biases[i].empty() ? nullptr : biases[i].data()});
    }
    if (matrix.panels() > 0) {
      matrix.repack(rows, interleave, team);
    } else {
      matrix = PackedMatrix(type, static_cast<std::size_t>(kept.front().size(1)), rows, interleave, team);
    }
  }

  void pack_layer(PackedLayer& packed, const LayerWeights& layer) {
    packed.attention_norm = norm_values(layer.attention_norm);
    packed.attention_output_norm = norm_values(layer.attention_output_norm);
    packed.feedforward_norm = norm_values(layer.feedforward_norm);
    packed.feedforward_output_norm = norm_values(layer.feedforward_output_norm);
    packed.query_norm = widened(layer.query_norm);
    packed.key_norm = widened(layer.key_norm);
    pack(packed.query_key_value, {&layer.query, &layer.key, &layer.value}, false);
    pack(packed.attention_output, {&layer.attention_output}, false);
    config.gated ? pack(packed.up, {&layer.gate, &layer.up}, true) : pack(packed.up, {&layer.up}, false);
    pack(packed.down, {&layer.down}, false);
  }

  [[nodiscard]] std::size_t size(std::int64_t value) const { return static_cast<std::size_t>(value); }

  // ---- preparation on the calling thread ----

  void prepare(std::span<const StepSequence> step) {
    sequences = step;
    places.clear();
    first_rows.clear();
    pieces.clear();
    own_angles.clear();
    for (std::size_t s = 0; s < step.size(); ++s) {
      first_rows.push_back(places.size());
      for (std::size_t t = 0; t < step[s].ids.size(); ++t) places.push_back({s, t});
    }
    prepare_angles();
    // Pieces of at most 64 tokens, so that threads get even shares; the later ones, which see most, come first.
    constexpr std::size_t kPieceTokens = 64;
    for (std::size_t s = 0; s < step.size(); ++s) {
      const std::size_t tokens = step[s].ids.size();
      for (std::size_t last = tokens; last > 0;) {
        const std::size_t first = (last - 1) / kPieceTokens * kPieceTokens;
        for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) pieces.push_back({s, h, first, last});
        last = first;
      }
    }
    const std::size_t rows = places.size(), hidden = size(config.hidden_size),
                      heads = size(config.num_heads * config.head_dim);
    x.resize(rows, hidden, false);
    normed.resize(rows, hidden, rounds);
    if (config.parallel_residual) second_normed.resize(rows, hidden, rounds);
    if (config.sandwich_norms) extra.resize(rows, hidden, false);
    qkv.resize(rows, layers.front().query_key_value.panels() * kPanelColumns, false);
    attended.resize(rows, heads, rounds);
    inner.resize(rows, size(config.intermediate_size), rounds);
    const std::size_t widest = std::max({hidden, heads, size(config.intermediate_size)});
    for (Rows& own : private_rows) own.resize(kFewRows, widest, rounds);
  }

  void prepare_angles() {
    angles.assign(ropes.size(), std::vector<const float*>(places.size()));
    for (std::size_t r = 0; r < ropes.size(); ++r) {
      RopeTable& table = ropes[r];
      for (const StepSequence& sequence : sequences) {
        if (!table.depends_on(sequence.rope_length)) {
          table.reach(sequence.first_position + static_cast<std::int64_t>(sequence.ids.size()));
        }
      }
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        const StepSequence& sequence = sequences[s];
        const bool own = table.depends_on(sequence.rope_length);
        if (own)
          own_angles.push_back(
              table.rows_for_length(sequence.first_position, sequence.ids.size(), sequence.rope_length));
        for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
          angles[r][first_rows[s] + t] = own ? own_angles.back().data() + t * 2 * table.half()
                                             : table.row(sequence.first_position + static_cast<std::int64_t>(t));
        }
      }
    }
  }

  // ---- phases; every member of the team goes through them ----

  void normalise(const float* row, const NormValues& norm, float* out) const {
    const auto epsilon = static_cast<float>(config.norm_epsilon);
    const std::size_t hidden = size(config.hidden_size);
    if (config.norm == NormKind::kLayer) {
      layer_norm_row(row, norm.weight.data(), norm.bias.empty() ? nullptr : norm.bias.data(), hidden, epsilon, out);
    } else {
      rms_norm_row(row, norm.weight.data(), hidden, epsilon, config.norm == NormKind::kRmsPlusOne, out);
    }
  }

  // The input of a product: fill(i, out) writes row i. For few rows into the thread's own buffer; else shared out,
  // behind a barrier.
  template <typename Fill>
  ActivationRows product_input(Member& member, Rows& shared, std::size_t rows, const Fill& fill) {
    if (rows <= kFewRows) {
      Rows& own = private_rows[member.index()];
      for (std::size_t i = 0; i < rows; ++i) {
        fill(i, own.row(i));
        if (own.with_rounded()) own.round(i);
      }
      return own.view(rows);
    }
    member.share(rows, [&](std::size_t i) {
      fill(i, shared.row(i));
      if (shared.with_rounded()) shared.round(i);
    });
    member.barrier();
    return shared.view(rows);
  }

  // The same for rows that are written already (and need no more than rounding).
  ActivationRows written_input(Member& member, Rows& written, std::size_t rows) {
    if (!written.with_rounded()) return written.view(rows);
    if (rows <= kFewRows) {  // every thread writes the same values
      Rows& own = private_rows[member.index()];
      for (std::size_t i = 0; i < rows; ++i) {
        std::memcpy(own.row(i), written.row(i), written.stride() * sizeof(float));
        own.round(i);
      }
      return own.view(rows);
    }
    member.share(rows, [&](std::size_t i) { written.round(i); });
    member.barrier();
    return written.view(rows);
  }

  void product(Member& member, const PackedMatrix& matrix, const ActivationRows& rows,
               const ProductOutput& output) const {
    const std::size_t step = output.mode == Mode::kGate ? 2 : 1;
    const std::size_t units = matrix.panels() / step;
    const std::size_t most = rows_at_once(matrix.inputs());
    const std::size_t row_parts = (rows.rows + most - 1) / most;
    // About eight pieces a thread: a thread that was held up leaves its share to the others.
    const std::size_t column_parts = std::min(units, std::max<std::size_t>(1, 8 * member.threads() / row_parts));
    member.share(row_parts * column_parts, [&](std::size_t index) {
      const std::size_t r = index / column_parts, c = index % column_parts;
      const std::size_t first = rows.rows * r / row_parts, last = rows.rows * (r + 1) / row_parts;
      ProductOutput part = output;
      part.values += first * output.stride;
      multiply(matrix, part_of(rows, first, last - first), part, units * c / column_parts * step,
               units * (c + 1) / column_parts * step);
    });
    member.barrier();
  }

  void embed_row(std::size_t row) {
    const auto [s, t] = places[row];
    const StepSequence& sequence = sequences[s];
    const std::size_t hidden = size(config.hidden_size);
    float* out = x.row(row);
    const float* given = sequence.embeddings.empty() ? nullptr : sequence.embeddings[t];
    if (given != nullptr) {
      std::copy_n(given, hidden, out);
    } else {
      read_row(embedding, sequence.ids[t], out);
      if (embedding_scale != 1.0F) {
        for (std::size_t i = 0; i < hidden; ++i) out[i] *= embedding_scale;
      }
    }
    if (positions.defined()) {
      float* learned = normed.row(row);  // free at this time
      read_row(positions, sequence.first_position + static_cast<std::int64_t>(t), learned);
      for (std::size_t i = 0; i < hidden; ++i) out[i] += learned[i];
    }
  }

  void read_row(const at::Tensor& table, std::int64_t index, float* out) const {
    const std::size_t hidden = size(config.hidden_size);
    const std::size_t bytes = hidden * element_bytes(type);
    to_float32(stored_dtype(type), {static_cast<const std::byte*>(table.const_data_ptr()) + size(index) * bytes, bytes},
               {out, hidden});
  }

  // Norms and rotation of one row's query heads that belong to a key-value head, and of its key; key and value go into
  // the cache.
  void finish_heads(std::size_t index, std::size_t row, std::size_t kv_head) {
    const PackedLayer& layer = layers[index];
    const std::size_t dim = size(config.head_dim), group = size(config.num_heads / config.num_kv_heads);
    const auto epsilon = static_cast<float>(config.norm_epsilon);
    const bool plus_one = config.norm == NormKind::kRmsPlusOne;
    float* values = qkv.row(row);
    float* key = values + layer.query_key_value.part_column(1) + kv_head * dim;
    const float* value = values + layer.query_key_value.part_column(2) + kv_head * dim;
    const float* turn = ropes.empty() ? nullptr : angles[config.layers[index].rope][row];
    const std::size_t half = ropes.empty() ? 0 : ropes[config.layers[index].rope].half();
    for (std::size_t h = 0; h < group; ++h) {
      float* query = values + (kv_head * group + h) * dim;
      if (config.query_key_norm) rms_norm_row(query, layer.query_norm.data(), dim, epsilon, plus_one, query);
      if (turn != nullptr) rotate_head(query, turn, turn + half, half);
    }
    if (config.query_key_norm) rms_norm_row(key, layer.key_norm.data(), dim, epsilon, plus_one, key);
    if (turn != nullptr) rotate_head(key, turn, turn + half, half);
    const auto [s, t] = places[row];
    const auto position = size(sequences[s].first_position) + t;
    cache.store(sequences[s].blocks[position / BlockPool::kBlockTokens], index, kv_head,
                position % BlockPool::kBlockTokens, key, value);
  }

  void attention(Member& member, std::size_t index) {
    const std::size_t rows = places.size(), kv_heads = cache.shape().kv_heads;
    // A sequence with one new token needs nothing from other rows: no barrier between its two halves.
    const bool single = rows == sequences.size();
    if (!single) {
      member.share(rows * kv_heads, [&](std::size_t i) { finish_heads(index, i / kv_heads, i % kv_heads); });
      member.barrier();
    }
    member.share(pieces.size(), [&](std::size_t i) {
      const AttentionPiece& piece = pieces[i];
      const StepSequence& sequence = sequences[piece.sequence];
      const std::size_t row = first_rows[piece.sequence];
      if (single) finish_heads(index, row, piece.kv_head);
      AttentionCall call;
      call.cache = &cache;
      call.blocks = sequence.blocks.data();
      call.layer = index;
      call.num_heads = size(config.num_heads);
      call.first_position = sequence.first_position;
      call.tokens = sequence.ids.size();
      call.window = config.layers[index].window;
      call.scale = static_cast<float>(config.layers[index].attention_scale);
      call.softcap = static_cast<float>(config.attention_softcap);
      call.queries = qkv.row(row);
      call.query_stride = qkv.stride();
      call.output = attended.row(row);
      call.output_stride = attended.stride();
      call.heads_off = sequence.heads_off == nullptr ? nullptr : sequence.heads_off->layer(index);
      attend(call, piece.kv_head, piece.first, piece.last);
    });
    member.barrier();
  }

  // x += norm(extra), row by row (sandwich norms)
  void add_normalised(Member& member, std::size_t rows, const NormValues& norm) {
    member.share(rows, [&](std::size_t i) {
      normalise(extra.row(i), norm, extra.row(i));
      float* to = x.row(i);
      const float* from = extra.row(i);
      for (std::size_t n = 0; n < size(config.hidden_size); ++n) to[n] += from[n];
    });
    member.barrier();
  }

  void run_layer(Member& member, std::size_t index) {
    const PackedLayer& layer = layers[index];
    const std::size_t rows = places.size();
    const bool sandwich = config.sandwich_norms;
    const ProductOutput residual{sandwich ? Mode::kStore : Mode::kAdd, config.activation,
                                 sandwich ? extra.row(0) : x.row(0), sandwich ? extra.stride() : x.stride()};
    const auto norm_of_x = [&](const NormValues& norm) {
      return [this, &norm](std::size_t i, float* out) { normalise(x.row(i), norm, out); };
    };
    ActivationRows input = product_input(member, normed, rows, norm_of_x(layer.attention_norm));
    product(member, layer.query_key_value, input, {Mode::kStore, config.activation, qkv.row(0), qkv.stride()});
    if (config.parallel_residual) {  // reads x before attention adds to it
      member.share(rows, [&](std::size_t i) {
        normalise(x.row(i), layer.feedforward_norm, second_normed.row(i));
        if (rounds) second_normed.round(i);
      });
      member.barrier();
    }
    attention(member, index);
    product(member, layer.attention_output, written_input(member, attended, rows), residual);
    if (sandwich) add_normalised(member, rows, layer.attention_output_norm);

    input = config.parallel_residual ? second_normed.view(rows)
                                     : product_input(member, normed, rows, norm_of_x(layer.feedforward_norm));
    product(member, layer.up, input,
            {config.gated ? Mode::kGate : Mode::kActivate, config.activation, inner.row(0), inner.stride()});
    product(member, layer.down, written_input(member, inner, rows), residual);
    if (sandwich) add_normalised(member, rows, layer.feedforward_output_norm);
  }

  void run_head(Member& member, std::span<const std::size_t> wanted, const Consumer& consumer) {
    constexpr std::size_t kRowsAtOnce = 48;
    const std::size_t vocab = size(config.vocab_size);
    for (std::size_t first = 0; first < wanted.size(); first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, wanted.size() - first);
      const ActivationRows input = product_input(member, normed, count, [&](std::size_t i, float* out) {
        normalise(x.row(wanted[first + i]), final_norm, out);
      });
      product(member, head, input, {Mode::kStore, config.activation, logits.row(0), logits.stride()});
      member.share(count, [&](std::size_t i) {
        if (config.logit_softcap > 0) soft_cap(logits.row(i), vocab, static_cast<float>(config.logit_softcap));
        consumer(first + i, {logits.row(i), vocab});
      });
      member.barrier();
    }
  }

  void step(std::span<const StepSequence> step, std::span<const std::size_t> wanted, const Consumer& consumer) {
    prepare(step);
    if (places.empty()) return;
    logits.resize(std::min<std::size_t>(48, wanted.size()), head.panels() * kPanelColumns, false);
    team.run([&](Member& member) {
      member.share(places.size(), [&](std::size_t row) { embed_row(row); });
      member.barrier();
      for (std::size_t i = 0; i < layers.size(); ++i) run_layer(member, i);
      run_head(member, wanted, consumer);
    });
  }
};

NativeDecoder::NativeDecoder(const DecoderConfig& config, const DecoderWeights& weights, at::ScalarType dtype,
                             const Options& options)
    : NativeDecoder(
          config, weights, [&](std::size_t layer) { return weights.layers[layer]; }, dtype, options) {}

NativeDecoder::NativeDecoder(const DecoderConfig& config, const DecoderWeights& outside, const LayerSource& layers,
                             at::ScalarType dtype, const Options& options)
    : impl_(std::make_unique<Impl>(config, outside, layers, dtype, options)) {}

NativeDecoder::~NativeDecoder() = default;

void NativeDecoder::repack(std::size_t layer, const LayerWeights& weights) {
  impl_->pack_layer(impl_->layers[layer], weights);
}

void NativeDecoder::repack_outside_layers(const DecoderWeights& outside) { impl_->pack_outside(outside); }

const DecoderConfig& NativeDecoder::config() const { return impl_->config; }

BlockPool& NativeDecoder::cache() { return impl_->cache; }

void NativeDecoder::step(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
                         const Consumer& consumer) {
  impl_->step(sequences, wanted, consumer);
}

}  // namespace cambium::model
