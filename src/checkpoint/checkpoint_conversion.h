#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tensor/dtype.h"
#include "tensor/progress.h"

namespace cambium::checkpoint {

/// What to convert, and to what.
struct ConversionOptions {
  std::string input;  ///< a .gguf file (any part of a split one), a model folder, or org/name in the Hugging Face cache
  std::filesystem::path output;
  std::optional<DType> dtype;  ///< F16, BF16 or F32; unset: BF16 for a GGUF file, for a folder each tensor's own
  std::uint64_t shard_bytes = 5'000'000'000;
  unsigned threads = 1;
  std::string pre_tokenizer{};  ///< of a GGUF file whose tokenizer does not name one
};

struct ConversionResult {
  std::size_t tensors = 0;
  std::uint64_t tensor_bytes = 0;
  std::size_t weight_files = 0;
};

/// Writes a model as a Hugging Face folder with weights of one type in shards of one size.
///
/// From a GGUF file: tensors are dequantised, renamed and put back into Hugging Face's order, config, generation
/// config, tokenizer and chat template are rebuilt. From a folder: F16, BF16, F32 and F64 tensors change type, all
/// others are copied as they are, the files beside the weights are copied, and config.json names the new type.
///
/// The output is the same for any number of threads, and complete or absent: nothing stands under its name before the
/// end, and a failure or a stop leaves nothing behind.
/// @throws UsageError       a type other than the three
/// @throws CheckpointError  the input is damaged, incomplete, of an unknown kind, or a Python pickle (the message tells
///         how to convert it); a folder whose weights are quantised, if a type is asked for
/// @throws ValueError       a finite value that float16 cannot hold (tensor and index named)
/// @throws SystemError      the output exists, or cannot be written
/// @throws Interrupted      progress asked to stop
/// Cost: one pass over the input; memory of a few pieces of 4 MiB for each thread.
ConversionResult convert_checkpoint(const ConversionOptions& options, Progress& progress);

}  // namespace cambium::checkpoint
