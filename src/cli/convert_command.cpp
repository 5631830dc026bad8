#include <fmt/format.h>

#include <memory>
#include <string>

#include "checkpoint/checkpoint_conversion.h"
#include "cli/commands.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::cli {

void add_convert_command(CLI::App& app) {
  auto options = std::make_shared<checkpoint::ConversionOptions>();
  auto dtype = std::make_shared<std::string>();
  options->threads = default_threads();
  CLI::App* command = app.add_subcommand(
      "convert", "Turn a GGUF file, or a folder of another dtype or shard size, into a safetensors folder");
  command->add_option("input", options->input, "a .gguf file, a model folder, or org/name in the Hugging Face cache")
      ->required();
  command->add_option("-o,--out", options->output, "folder to create")->required();
  command->add_option("--dtype", *dtype, "bfloat16, float16 or float32 [bfloat16 for GGUF, else unchanged]");
  command->add_option("--shard-size", options->shard_bytes, "largest weight file, as 5GB or 800MiB")
      ->transform(CLI::AsSizeValue(true))
      ->check(CLI::PositiveNumber)
      ->default_str("5GB");
  command->add_option("--threads", options->threads, "threads to convert with")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command->add_option("--pre-tokenizer", options->pre_tokenizer,
                      "how the model cuts text (qwen2, llama-bpe, gpt-2 ...), for old GGUF files that do not say");
  command->callback([options, dtype] {
    if (!dtype->empty()) {
      options->dtype = dtype_from_name(*dtype);
      if (!options->dtype) {
        throw UsageError(fmt::format("--dtype {}: unknown; use bfloat16, float16 or float32", *dtype));
      }
    }
    checkpoint::ConversionResult result;
    {
      TerminalProgress progress;
      result = checkpoint::convert_checkpoint(*options, progress);
    }
    fmt::print("{}: {} tensors, {} in {} file{}\n", options->output.string(), result.tensors,
               human_bytes(result.tensor_bytes), result.weight_files, result.weight_files == 1 ? "" : "s");
  });
}

}  // namespace cambium::cli
