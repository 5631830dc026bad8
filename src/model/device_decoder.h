#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "model/decoder_backend.h"
#include "model/decoder_weights.h"

namespace cambium::model {

/// The backend for a GPU: at:: operations over keys and values that lie on the device. (On a CPU it gives the same
/// numbers as NativeDecoder to rounding, which is how it is tested; it is slower there.)
class DeviceDecoder final : public DecoderBackend {
 public:
  /// @param weights     all on one device and of one type; the decoder computes there
  /// @param max_blocks  of the cache; memory is taken as it is used
  DeviceDecoder(DecoderConfig config, DecoderWeights weights, std::size_t max_blocks);
  ~DeviceDecoder() override;

  [[nodiscard]] const DecoderConfig& config() const override;
  [[nodiscard]] BlockPool& cache() override;
  void step(std::span<const StepSequence> sequences, std::span<const std::size_t> wanted,
            const Consumer& consumer) override;
  /// Goes on with other weights of the same form; what the cache holds is of the old ones.
  void replace(DecoderWeights weights);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Copies of all tensors on a device (those that are there already are shared).
[[nodiscard]] DecoderWeights on_device(const DecoderWeights& weights, c10::Device device);

}  // namespace cambium::model
