#pragma once

#include <cstddef>
#include <vector>

namespace cambium::model {

/// What a step of the native decoder held at each layer, for later steps that begin above the bottom.
struct LayerTrace {
  std::size_t rows = 0;                    ///< new tokens of all sequences of the step
  std::size_t hidden = 0;                  ///< hidden_size
  std::size_t attention = 0;               ///< num_heads * head_dim
  std::vector<std::vector<float>> inputs;  ///< by layer: [rows, hidden], the residual stream that enters it
  std::vector<std::vector<float>>
      attended;  ///< by layer: [rows, attention], the heads' outputs before their projection

  /// Bytes that a trace takes for one token.
  [[nodiscard]] static std::size_t bytes_per_token(std::size_t layers, std::size_t hidden, std::size_t attention) {
    return layers * (hidden + attention) * sizeof(float);
  }
};

}  // namespace cambium::model
