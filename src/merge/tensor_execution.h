#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "merge/execute.h"
#include "merge/merge_plan.h"
#include "merge/placed_output.h"
#include "merge/provenance.h"

namespace cambium::merge {

/// What was learnt while one tensor was merged.
struct TensorRecord {
  std::vector<std::vector<ReadTensor>> read;  ///< one list for each input
  std::vector<TaskReport> reports;            ///< one for each part
};

/// Executes the tensors of a plan, one after another, each with all threads.
class TensorExecution {
 public:
  TensorExecution(MergePlan& plan, const ExecuteOptions& options, SpillPlace spill);

  /// Merges one tensor. @throws as execute
  TensorRecord run(std::size_t tensor, TensorSink& output);
  /// Bytes of inputs that run() reports as progress for these tensors.
  [[nodiscard]] std::uint64_t bytes_of(std::size_t first, std::size_t end) const;

 private:
  void copy_bytes(const PlannedTensor& tensor, TensorSink& output);
  void hash_inputs(const PlannedTensor& tensor, TensorRecord& record);

  MergePlan& plan_;
  ExecuteOptions options_;
  SpillPlace spill_;
  /// Hashes of tensors that several output tensors are read from (a tied embedding, layers used twice).
  std::map<std::pair<const Source*, std::string>, checkpoint::ContentHash> known_;
};

}  // namespace cambium::merge
