#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/block_pool.h"
#include "model/decoder_config.h"

namespace cambium::model {

/// Query heads whose output is replaced by zeros, before the attention's output projection.
class HeadMask {
 public:
  HeadMask(std::size_t layers, std::size_t heads) : heads_(heads), off_(layers * heads, 0) {}
  void switch_off(std::size_t layer, std::size_t head) { off_[layer * heads_ + head] = 1; }
  /// One flag a head.
  [[nodiscard]] const std::uint8_t* layer(std::size_t index) const { return off_.data() + index * heads_; }

 private:
  std::size_t heads_;
  std::vector<std::uint8_t> off_;
};

/// A block of another sequence of the same step that begins with tokens of this one.
struct BlockMirror {
  std::size_t index = 0;  ///< in this sequence's `blocks`
  BlockId block = 0;      ///< receives the same keys and values
};

/// The next tokens of one sequence, to be run in one step.
struct StepSequence {
  std::span<const BlockId>
      blocks;  ///< of the sequence: for every position up to the last new token; the last ones held by it alone
  std::int64_t first_position = 0;
  std::span<const std::int32_t> ids;  ///< one a new token; an id below the vocabulary's size
  /// Where not empty: for each new token a row of hidden_size values that stands in for the id's embedding (scaled as
  /// the family's embeddings are), or null.
  std::span<const float* const> embeddings;
  std::int64_t rope_length =
      0;  ///< what length-dependent rope types go by: tokens of the sequence, the new ones included
  const HeadMask* heads_off = nullptr;
  /// Only for steps that trace or restart (NativeDecoder): where sequences of the step go on from this one.
  std::span<const BlockMirror> mirrors = {};
};

/// Runs the decoder over a batch of sequences of any lengths ("ragged": no padding).
class DecoderBackend {
 public:
  /// Receives the logits of one wanted row. `logits` may be changed and is gone after the call; calls for different
  /// rows may come from several threads at once; must not throw.
  using Consumer = std::function<void(std::size_t wanted, std::span<float> logits)>;

  virtual ~DecoderBackend() = default;
  [[nodiscard]] virtual const DecoderConfig& config() const = 0;
  [[nodiscard]] virtual BlockPool& cache() = 0;
  /// @param wanted  rows whose logits are needed: numbers of new tokens, counted through all sequences of the step,
  /// rising
  virtual void step(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
                    const Consumer& consumer) = 0;
};

}  // namespace cambium::model
