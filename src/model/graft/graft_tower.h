#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "model/graft/graft_file.h"

namespace cambium::model {

/// A tensor of the grafted model and where its values come from.
struct GraftTensor {
  std::string name;  ///< in the grafted model
  Shape shape;
  const checkpoint::WeightSource* source = nullptr;  ///< null: fresh
  std::string source_name;
  double deviation = 0;    ///< of fresh normal values
  float constant = 0;      ///< fresh values where the deviation is 0
  bool more_rows = false;  ///< has more rows than the source: those take the mean of its rows
};

/// One modality with everything that the grafted model says about it.
struct PreparedPart {
  GraftPart part;
  checkpoint::Json config;  ///< fields of a LLaVA config: vision_config, vision_feature_layer, ...; without the token
  checkpoint::Json processor;  ///< image_processor, video_processor or feature_extractor
  std::vector<GraftTensor> tower, projector;
  std::vector<std::unique_ptr<checkpoint::WeightSource>> opened;  ///< what the tensors come from
};

/// Opens checkpoints, decides on sizes and initial values.
///
/// Fresh matrices are normal with deviation 1 / sqrt(inputs), those that write into the residual stream less by
/// sqrt(2 layers); class token and positions 1 / sqrt(hidden_size); norms 1, biases 0. The projector's last matrix is
/// scaled so that its rows begin as large as word embeddings are.
/// @param hidden_size     of the language model
/// @param embedding_size  root mean square of the language model's embedding values (with the family's scale)
/// @throws CheckpointError  a checkpoint without a tower of this form, or of sizes that do not fit
[[nodiscard]] PreparedPart prepare_part(const GraftPart& part, std::int64_t hidden_size, double embedding_size);

}  // namespace cambium::model
