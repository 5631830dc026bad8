#pragma once

#include <string>

namespace cambium::model {

/// `cambium forward`: the logits of given inputs.
struct ForwardOptions {
  std::string model;
  std::string inputs;  ///< safetensors: input_ids [batch, seq], optionally attention_mask [batch, seq]
  std::string output;  ///< safetensors to write: logits [batch, seq, vocab] float32
  std::string dtype = "auto";
  std::string device = "cpu";
};

}  // namespace cambium::model

/// Entry points of libcambium_engine.so (see cli/engine_library.h) have C names.
extern "C" void cambium_forward(const cambium::model::ForwardOptions& options);
