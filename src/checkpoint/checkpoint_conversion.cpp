#include "checkpoint/checkpoint_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/conversion_source.h"
#include "checkpoint/shard_set.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

std::unique_ptr<ConversionSource> open_file(const ConversionOptions& options) {
  const fs::path file = options.input;
  const std::string extension = file.extension().string();
  if (extension == ".gguf") {
    return std::make_unique<GgufConversion>(GgufModel(file), options.dtype.value_or(DType::kBF16),
                                            options.pre_tokenizer);
  }
  for (const std::string_view pickle : {".bin", ".pth", ".pt", ".ckpt"}) {
    if (extension == pickle) refuse_pickles(file.parent_path(), file.filename().string());
  }
  if (extension == ".safetensors") {
    throw CheckpointError(fmt::format("{}: is one file of a model; name its folder ({})", file.string(),
                                      file.has_parent_path() ? file.parent_path().string() : "."));
  }
  throw CheckpointError(fmt::format("{}: is neither a .gguf file nor a model folder", file.string()));
}

std::unique_ptr<ConversionSource> open_source(const ConversionOptions& options) {
  std::error_code ignored;
  const bool folder = fs::is_directory(options.input, ignored);
  if (!folder && (fs::exists(options.input, ignored) || options.input.ends_with(".gguf"))) return open_file(options);
  if (!options.pre_tokenizer.empty()) {
    throw UsageError(fmt::format("--pre-tokenizer is for .gguf files; {} has a tokenizer of its own", options.input));
  }
  // A folder of nothing but GGUF files has no config either: say what it is first.
  if (folder && !fs::exists(fs::path(options.input) / "config.json", ignored)) {
    (void)find_shards(options.input);
  }
  return std::make_unique<FolderConversion>(ModelFolder::open(options.input), options.dtype);
}

struct Piece {
  std::size_t tensor = 0;
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

std::vector<Piece> cut(const ConversionSource& source) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    const std::uint64_t all = source.tensors()[i].bytes();
    const std::size_t granule = source.granule_bytes(i);
    const std::size_t most = std::max<std::size_t>(1, kPieceBytes / granule) * granule;
    for (std::uint64_t offset = 0; offset < all; offset += most) {
      pieces.push_back({i, offset, static_cast<std::size_t>(std::min<std::uint64_t>(most, all - offset))});
    }
  }
  return pieces;
}

void write_weights(const ConversionSource& source, CheckpointWriter& writer, unsigned threads, Progress& progress) {
  const std::vector<Piece> pieces = cut(source);
  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> out;
  };
  Workers workers(threads);
  std::vector<Scratch> scratch(workers.threads());
  workers.for_each(pieces.size(), [&](std::size_t index, unsigned worker) {
    if (progress.stop_requested()) throw Interrupted("stopped; nothing was written");
    const Piece& piece = pieces[index];
    Scratch& mine = scratch[worker];
    mine.out.resize(piece.bytes);
    source.read(piece.tensor, piece.offset, mine.out, mine.values);
    writer.write(piece.tensor, piece.offset, mine.out);
    progress.advance(piece.bytes);
  });
}

}  // namespace

ConversionResult convert_checkpoint(const ConversionOptions& options, Progress& progress) {
  if (options.dtype && *options.dtype != DType::kF16 && *options.dtype != DType::kBF16 &&
      *options.dtype != DType::kF32) {
    throw UsageError(fmt::format("weights cannot be written as {}; use bfloat16, float16 or float32",
                                 torch_name_of(*options.dtype)));
  }
  const std::unique_ptr<ConversionSource> source = open_source(options);
  if (const fs::path partial = CheckpointWriter::partial_folder(options.output); fs::exists(partial)) {
    throw SystemError(
        fmt::format("{} is left from a run that was killed, or another run is writing it; a conversion does not "
                    "resume: remove that folder and convert again",
                    partial.string()));
  }
  CheckpointWriter writer(options.output, plan_output(source->tensors(), options.shard_bytes),
                          CheckpointWriter::Start::kFresh);
  const ConversionResult result{writer.layout().tensors.size(), writer.layout().total_bytes,
                                writer.layout().shard_files.size()};
  try {
    progress.begin("convert", result.tensor_bytes, "bytes");
    write_weights(*source, writer, options.threads, progress);
    for (const auto& [name, contents] : source->made_files()) writer.write_file(name, contents);
    for (const auto& [name, file] : source->copied_files()) writer.copy_file(file, name);
    writer.finish();
  } catch (...) {
    writer.discard();
    throw;
  }
  return result;
}

}  // namespace cambium::checkpoint
