#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/engine_library.h"
#include "model/generate_run.h"
#include "tensor/error.h"

namespace cambium::cli {

namespace {

struct GenerateFlags {
  model::GenerateOptions run;
  std::string prompt;
  bool json = false;
  bool stats = false;
};

double rate(std::size_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }

nlohmann::ordered_json as_json(const model::GenerateReport& report) {
  nlohmann::ordered_json text = nlohmann::ordered_json::array(), ids = text, logprobs = text, stop = text;
  for (const model::GeneratedText& row : report.rows) {
    text.push_back(row.text);
    ids.push_back(row.ids);
    logprobs.push_back(row.log_probabilities);
    stop.push_back(row.stop);
  }
  const bool one = report.rows.size() == 1;
  const double decoding = report.seconds - report.prompt_seconds;
  return {{"text", one ? text[0] : text},
          {"ids", one ? ids[0] : ids},
          {"logprobs", one ? logprobs[0] : logprobs},
          {"stop", one ? stop[0] : stop},
          {"prompt_tokens", report.prompt_tokens},
          {"computed_tokens", report.computed_tokens},
          {"generated_tokens", report.generated_tokens},
          {"load_seconds", report.load_seconds},
          {"prompt_seconds", report.prompt_seconds},
          {"seconds", report.seconds},
          {"tokens_per_second", rate(report.generated_tokens - report.rows.size(), decoding)}};
}

void print_statistics(const model::GenerateReport& report) {
  const double decoding = report.seconds - report.prompt_seconds;
  std::cerr << fmt::format(
      "load {:.2f} s; prompt {} tokens ({} computed) in {:.2f} s, {:.0f} a second; new {} tokens in {:.2f} s, {:.1f} a "
      "second\n",
      report.load_seconds, report.prompt_tokens, report.computed_tokens, report.prompt_seconds,
      rate(report.computed_tokens, report.prompt_seconds), report.generated_tokens, decoding,
      rate(report.generated_tokens - report.rows.size(), decoding));
}

void generate(GenerateFlags& flags, bool with_prompt) {
  model::GenerateOptions& options = flags.run;
  if (with_prompt) options.prompt = flags.prompt;
  const bool media = !options.images.empty() || !options.videos.empty() || !options.sounds.empty();
  if (media && !options.inputs.empty()) throw UsageError("--image, --video and --audio do not go with --inputs");
  const bool conversation = !with_prompt && options.inputs.empty() && options.chat;
  if (!conversation && with_prompt == !options.inputs.empty()) {
    throw UsageError("give either --prompt or --inputs (or --chat alone for a conversation)");
  }
  if (!flags.json) {
    options.show = [](std::string_view text) { std::cout << text << std::flush; };
    options.next_message = []() -> std::optional<std::string> {
      std::cout << "> " << std::flush;
      std::string line;
      if (!std::getline(std::cin, line)) return std::nullopt;
      return line;
    };
  }
  model::GenerateReport report;
  engine_function<decltype(cambium_generate)>("cambium_generate")(options, report);
  if (flags.json) {
    std::cout << as_json(report).dump() << '\n';
  } else if (!options.inputs.empty()) {
    for (const model::GeneratedText& row : report.rows) std::cout << row.text << '\n';
  } else {
    std::cout << '\n';
  }
  if (flags.stats) print_statistics(report);
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto flags = std::make_shared<GenerateFlags>();
  model::GenerateOptions& run = flags->run;
  CLI::App* command = app.add_subcommand("generate", "Continue a prompt, or hold a conversation");
  command->add_option("model", run.model, "folder, org/name in the Hugging Face cache, or recipe")->required();
  const CLI::Option* prompt =
      command->add_option("--prompt", flags->prompt, "text to continue; with --chat a user's message");
  command->add_option("--image", run.images,
                      "picture of the prompt; several, in the order of its <image> placeholders");
  command->add_option("--video", run.videos, "clip (a GIF, or a folder of frames), for <video>");
  command->add_option("--audio", run.sounds, "sound (WAV), for <audio>");
  command->add_option("--resizer", run.resizer, "of pictures: torchvision (the default of transformers) or pillow")
      ->capture_default_str();
  command->add_option("--inputs", run.inputs, "safetensors with input_ids, attention_mask, ...");
  command->add_option("--max-new-tokens", run.max_new_tokens, "tokens to generate at most")
      ->check(CLI::Range(0, 1 << 30))  // before the conversion, which would wrap -1 around
      ->capture_default_str();
  command->add_flag("--chat", run.chat,
                    "put the prompt into the model's chat template; without --prompt: a conversation");
  command->add_option("--system", run.system, "system message, with --chat");
  command->add_option("--temperature", run.temperature, "0: always the most probable token")->capture_default_str();
  command->add_option("--top-k", run.top_k, "only the k most probable tokens; 0: all")->capture_default_str();
  command->add_option("--top-p", run.top_p, "only the tokens that make up this share of the probability")
      ->capture_default_str();
  command->add_option("--min-p", run.min_p, "only tokens this probable relative to the best")->capture_default_str();
  command->add_option("--repetition-penalty", run.repetition_penalty, "1: none")->capture_default_str();
  command->add_option("--seed", run.seed, "of the random numbers")->capture_default_str();
  command->add_option("--stop", run.stop, "text that ends the generation; may be given several times");
  command->add_flag("--ignore-eos", run.ignore_stop_tokens, "go on behind the model's end token");
  command->add_option("--dtype", run.dtype, "auto, float32, bfloat16 or float16")->capture_default_str();
  command->add_option("--device", run.device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--threads", run.threads, "0: all CPUs")->capture_default_str();
  command->add_option("--cache-memory", run.cache_gib, "GiB for keys and values; 0: a quarter of the machine's")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print one JSON object");
  command->add_flag("--stats", flags->stats, "print counts and speed");
  command->callback([flags, prompt] { generate(*flags, prompt->count() > 0); });
}

}  // namespace cambium::cli
