#pragma once

#include <functional>
#include <memory>

#include "model/decoder_backend.h"
#include "model/decoder_weights.h"
#include "model/native/layer_trace.h"

namespace cambium::model {

/// The decoder on this machine's CPUs: weights packed once in panels, keys and values in shared blocks, activations in
/// float32, no padding, all threads going through a step together. The result of a sequence has the same bits whatever
/// else is in the step.
class NativeDecoder final : public DecoderBackend {
 public:
  struct Options {
    unsigned threads = 1;
    std::size_t max_blocks = 4096;  ///< of 32 tokens
  };
  /// Copies the weights (but for the embedding, which stays where it is). Cost: one pass over them, on all threads.
  /// @param dtype  type of the weights: float32, bfloat16 or float16; keys and values are kept in it
  NativeDecoder(const DecoderConfig& config, const DecoderWeights& weights, at::ScalarType dtype,
                const Options& options);
  /// Gives the weights of a layer; may compute them, each is asked for once and not kept.
  using LayerSource = std::function<LayerWeights(std::size_t layer)>;
  /// @param outside  all but the layers
  NativeDecoder(const DecoderConfig& config, const DecoderWeights& outside, const LayerSource& layers,
                at::ScalarType dtype, const Options& options);
  ~NativeDecoder() override;

  /// Other values of the same shapes, packed into the same memory. Whatever the cache holds is of the old ones.
  void repack(std::size_t layer, const LayerWeights& weights);
  /// Embedding (kept where it is, not copied), positions, final norm and head.
  void repack_outside_layers(const DecoderWeights& outside);

  [[nodiscard]] const DecoderConfig& config() const override;
  [[nodiscard]] BlockPool& cache() override;
  void step(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
            const Consumer& consumer) override;

  /// A step whose sequences may go on from each other's new tokens: a whole tree of prompts at once. Such a sequence
  /// shares the full blocks of the one that it goes on from, and has a block of its own for a last one that is only
  /// partly filled, which is among the other's `mirrors`. Keeps what each layer held.
  void trace(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted, const Consumer& consumer,
             LayerTrace& trace);
  /// Runs a traced step again from a layer on, with heads switched off there or above: what lies below is not computed.
  /// The results have the same bits as those of a whole step with these masks.
  /// @param layer      the lowest that has heads switched off
  /// @param sequences  those of the traced step, any number of times one behind the other, each copy with blocks and a
  ///                   mask of its own (one mask for all sequences of a copy)
  /// @param wanted     the traced step's, the same number of times
  void restart(std::size_t layer, const LayerTrace& trace, std::span<const StepSequence> sequences,
               std::span<const std::size_t> wanted, const Consumer& consumer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::model
