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
#include "model/native/row_buffer.h"
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
  std::span<const std::size_t> wanted;
  bool linked = false;         // sequences may go on from each other's new tokens
  LayerTrace* kept = nullptr;  // receives what the layers hold
  std::vector<Place> places;
  std::vector<std::size_t> first_rows;
  std::vector<AttentionPiece> pieces;
  std::vector<AttentionPiece> last_pieces;        // of the last layer: wanted rows only
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
    std::vector<at::Tensor> held;
    std::vector<std::vector<float>> biases(parts.size());
    std::vector<WeightRows> rows;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      held.push_back(parts[i]->weight.contiguous());
      biases[i] = widened(parts[i]->bias);
      rows.push_back({held.back().const_data_ptr(), static_cast<std::size_t>(held.back().size(0)),
                      biases[i].empty() ? nullptr : biases[i].data()});
    }
    if (matrix.panels() > 0) {
      matrix.repack(rows, interleave, team);
    } else {
      matrix = PackedMatrix(type, static_cast<std::size_t>(held.front().size(1)), rows, interleave, team);
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

  void prepare(std::span<const StepSequence> step, std::span<const std::size_t> rows_wanted) {
    sequences = step;
    wanted = rows_wanted;
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
    last_pieces.clear();
    for (const std::size_t row : wanted) {
      for (std::size_t h = 0; h < cache.shape().kv_heads; ++h)
        last_pieces.push_back({places[row].sequence, h, places[row].token, places[row].token + 1});
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
    const std::size_t block = position / BlockPool::kBlockTokens, slot = position % BlockPool::kBlockTokens;
    cache.store(sequences[s].blocks[block], index, kv_head, slot, key, value);
    for (const BlockMirror& mirror : sequences[s].mirrors) {
      if (mirror.index == block) cache.store(mirror.block, index, kv_head, slot, key, value);
    }
  }

  // True if of the last layer only some rows are needed.
  [[nodiscard]] bool narrows(std::size_t index) const {
    return index + 1 == layers.size() && wanted.size() < places.size();
  }

  void attention(Member& member, std::size_t index) {
    const std::size_t rows = places.size(), kv_heads = cache.shape().kv_heads;
    const std::vector<AttentionPiece>& parts = narrows(index) ? last_pieces : pieces;
    // A sequence with one new token needs nothing from other rows: no barrier between its two halves.
    const bool single = !linked && rows == sequences.size() && !narrows(index);
    if (!single) {
      member.share(rows * kv_heads, [&](std::size_t i) { finish_heads(index, i / kv_heads, i % kv_heads); });
      member.barrier();
    }
    member.share(parts.size(), [&](std::size_t i) {
      const AttentionPiece& piece = parts[i];
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

  void keep(Member& member, std::size_t index) {
    const std::size_t hidden = kept->hidden, heads = kept->attention;
    member.share(places.size(), [&](std::size_t i) {
      std::copy_n(x.row(i), hidden, kept->inputs[index].data() + i * hidden);
      std::copy_n(attended.row(i), heads, kept->attended[index].data() + i * heads);
    });
    member.barrier();
  }

  // Rows of which more is needed move to the front.
  void narrow(Member& member) {
    if (member.index() == 0) {
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == i) continue;
        std::copy_n(x.row(wanted[i]), size(config.hidden_size), x.row(i));
        std::copy_n(attended.row(wanted[i]), size(config.num_heads * config.head_dim), attended.row(i));
      }
    }
    member.barrier();
  }

  void run_layer(Member& member, std::size_t index) {
    const PackedLayer& layer = layers[index];
    const ActivationRows input = product_input(member, normed, places.size(), [&](std::size_t i, float* out) {
      normalise(x.row(i), layer.attention_norm, out);
    });
    product(member, layer.query_key_value, input, {Mode::kStore, config.activation, qkv.row(0), qkv.stride()});
    attention(member, index);
    if (kept != nullptr) keep(member, index);
    if (narrows(index)) narrow(member);
    finish_layer(member, index, narrows(index) ? wanted.size() : places.size());
  }

  // What follows the heads: x holds the layer's input, `attended` the heads' outputs.
  void finish_layer(Member& member, std::size_t index, std::size_t rows) {
    if (rows == 0) return;
    const PackedLayer& layer = layers[index];
    const bool sandwich = config.sandwich_norms;
    const ProductOutput residual{sandwich ? Mode::kStore : Mode::kAdd, config.activation,
                                 sandwich ? extra.row(0) : x.row(0), sandwich ? extra.stride() : x.stride()};
    if (config.parallel_residual) {  // reads x before attention adds to it
      member.share(rows, [&](std::size_t i) {
        normalise(x.row(i), layer.feedforward_norm, second_normed.row(i));
        if (rounds) second_normed.round(i);
      });
      member.barrier();
    }
    product(member, layer.attention_output, written_input(member, attended, rows), residual);
    if (sandwich) add_normalised(member, rows, layer.attention_output_norm);

    const ActivationRows input = config.parallel_residual
                                     ? second_normed.view(rows)
                                     : product_input(member, normed, rows, [&](std::size_t i, float* out) {
                                         normalise(x.row(i), layer.feedforward_norm, out);
                                       });
    product(member, layer.up, input,
            {config.gated ? Mode::kGate : Mode::kActivate, config.activation, inner.row(0), inner.stride()});
    product(member, layer.down, written_input(member, inner, rows), residual);
    if (sandwich) add_normalised(member, rows, layer.feedforward_output_norm);
  }

  // Behind the last layer the wanted rows are the first ones, if there are others.
  void run_head(Member& member, const Consumer& consumer) {
    constexpr std::size_t kRowsAtOnce = 48;
    const std::size_t vocab = size(config.vocab_size);
    for (std::size_t first = 0; first < wanted.size(); first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, wanted.size() - first);
      const ActivationRows input = product_input(
          member, normed, count, [&](std::size_t i, float* out) { normalise(x.row(first + i), final_norm, out); });
      product(member, head, input, {Mode::kStore, config.activation, logits.row(0), logits.stride()});
      member.share(count, [&](std::size_t i) {
        if (config.logit_softcap > 0) soft_cap(logits.row(i), vocab, static_cast<float>(config.logit_softcap));
        consumer(first + i, {logits.row(i), vocab});
      });
      member.barrier();
    }
  }

  void run(std::span<const StepSequence> step, std::span<const std::size_t> rows_wanted, const Consumer& consumer,
           const std::function<void(Member&)>& body) {
    prepare(step, rows_wanted);
    if (places.empty()) return;
    logits.resize(std::min<std::size_t>(48, wanted.size()), head.panels() * kPanelColumns, false);
    team.run([&](Member& member) {
      body(member);
      run_head(member, consumer);
    });
  }

  void step(std::span<const StepSequence> step, std::span<const std::size_t> rows_wanted, const Consumer& consumer) {
    run(step, rows_wanted, consumer, [&](Member& member) {
      member.share(places.size(), [&](std::size_t row) { embed_row(row); });
      member.barrier();
      for (std::size_t i = 0; i < layers.size(); ++i) run_layer(member, i);
    });
  }

  void start_trace(LayerTrace& trace, std::span<const StepSequence> step) {
    trace.hidden = size(config.hidden_size);
    trace.attention = size(config.num_heads * config.head_dim);
    trace.rows = 0;
    for (const StepSequence& sequence : step) trace.rows += sequence.ids.size();
    trace.inputs.resize(layers.size());
    trace.attended.resize(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      trace.inputs[i].resize(trace.rows * trace.hidden);
      trace.attended[i].resize(trace.rows * trace.attention);
    }
  }

  // A row of a traced layer, as it is before its heads' outputs are projected.
  void take_row(const LayerTrace& trace, std::size_t layer, std::size_t row, std::size_t to) {
    const std::size_t from = row % trace.rows, dim = size(config.head_dim);
    std::copy_n(trace.inputs[layer].data() + from * trace.hidden, trace.hidden, x.row(to));
    std::copy_n(trace.attended[layer].data() + from * trace.attention, trace.attention, attended.row(to));
    const HeadMask* off = sequences[places[row].sequence].heads_off;
    if (off == nullptr) return;
    for (std::size_t h = 0; h < size(config.num_heads); ++h) {
      if (off->layer(layer)[h] != 0) std::fill_n(attended.row(to) + h * dim, dim, 0.0F);
    }
  }

  void restart(std::size_t layer, const LayerTrace& trace, std::span<const StepSequence> step,
               std::span<const std::size_t> rows_wanted, const Consumer& consumer) {
    run(step, rows_wanted, consumer, [&](Member& member) {
      const bool few = narrows(layer);
      const std::size_t rows = few ? wanted.size() : places.size();
      member.share(rows, [&](std::size_t i) { take_row(trace, layer, few ? wanted[i] : i, i); });
      member.barrier();
      finish_layer(member, layer, rows);
      for (std::size_t i = layer + 1; i < layers.size(); ++i) run_layer(member, i);
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

void NativeDecoder::trace(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
                          const Consumer& consumer, LayerTrace& trace) {
  impl_->start_trace(trace, sequences);
  impl_->linked = true;
  impl_->kept = &trace;
  impl_->step(sequences, wanted, consumer);
  impl_->kept = nullptr;
  impl_->linked = false;
}

void NativeDecoder::restart(std::size_t layer, const LayerTrace& trace, std::span<const StepSequence> sequences,
                            std::span<const std::size_t> wanted, const Consumer& consumer) {
  impl_->linked = true;
  impl_->restart(layer, trace, sequences, wanted, consumer);
  impl_->linked = false;
}

}  // namespace cambium::model
