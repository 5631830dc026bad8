#include <memory>

#include "cli/commands.h"
#include "cli/engine_library.h"
#include "model/forward_run.h"

namespace cambium::cli {

void add_forward_command(CLI::App& app) {
  auto options = std::make_shared<model::ForwardOptions>();
  CLI::App* command = app.add_subcommand("forward", "Write the logits that a model gives for ready-made inputs");
  command->add_option("model", options->model, "folder, org/name in the Hugging Face cache, or recipe")->required();
  command->add_option("--inputs", options->inputs, "safetensors with input_ids, attention_mask, ...")->required();
  command->add_option("-o,--out", options->output, "safetensors to write: logits [batch, seq, vocab]")->required();
  command->add_option("--dtype", options->dtype, "auto, float32, bfloat16 or float16")->capture_default_str();
  command->add_option("--device", options->device, "cpu, cuda or cuda:N")->capture_default_str();
  command->callback([options] { engine_function<decltype(cambium_forward)>("cambium_forward")(*options); });
}

}  // namespace cambium::cli
