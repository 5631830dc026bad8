#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "tensor/error.h"
#include "text/chat_template.h"
#include "text/jinja_json.h"
#include "text/jinja_limits.h"
#include "text/jinja_operators.h"

namespace cambium::cli {
namespace {

namespace jinja = text::jinja;

struct TemplateOptions {
  std::string model;
  std::string now;
  std::string name;
  bool json = false;
};

text::ChatTemplate open_template(const std::string& model) {
  const std::filesystem::path path(model);
  if (path.extension() == ".jinja" && std::filesystem::is_regular_file(path))
    return text::ChatTemplate::from_file(path);
  return text::ChatTemplate::from_folder(checkpoint::resolve_model(model));
}

bool flag(const jinja::Value& row, std::string_view key) {
  const jinja::Value* value = row.as_dict().find(key);
  return value != nullptr && jinja::truthy(*value);
}

jinja::Value entry(const jinja::Value& row, std::string_view key) {
  const jinja::Value* value = row.as_dict().find(key);
  return value == nullptr ? jinja::Value() : *value;
}

text::ChatRequest read_request(const std::string& line, std::size_t number) {
  const jinja::Value row = jinja::from_json(line, "line " + std::to_string(number));
  if (!row.is_dict())
    throw RecipeError("line " + std::to_string(number) + ": expected a JSON object with \"messages\"");
  text::ChatRequest request;
  request.messages = entry(row, "messages");
  request.tools = entry(row, "tools");
  request.documents = entry(row, "documents");
  request.add_generation_prompt = flag(row, "add_generation_prompt");
  const jinja::Value open = entry(row, "continue_final_message");
  if (open.is_string()) {
    request.continue_field = open.as_string();
  } else if (jinja::truthy(open)) {
    request.continue_field = "content";
  }
  const jinja::Value more = entry(row, "kwargs");
  if (more.is_dict()) {
    for (const auto& [key, value] : more.as_dict().entries()) request.variables.emplace_back(key.as_string(), value);
  }
  return request;
}

void write_row(std::string_view key, std::string value) {
  jinja::Limits limits;
  limits.max_text_bytes *= 8;  // escapes make a text longer
  jinja::Budget budget(limits);
  std::cout << jinja::to_json(jinja::Value::dict({{std::string(key), jinja::Value::string(std::move(value))}}), {},
                              budget)
            << '\n';
}

void render_rows(const TemplateOptions& options) {
  std::optional<jinja::DateTime> now;
  if (!options.now.empty()) {
    now = jinja::DateTime::parse(options.now);
    if (!now)
      throw UsageError("--now: expected a date and time such as 2024-07-26T10:00:00, got '" + options.now + "'");
  }
  const text::ChatTemplate chat = open_template(options.model);
  std::optional<std::string_view> name;
  if (!options.name.empty()) name = options.name;
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (!options.json) {
      std::cout << chat.render(read_request(line, number), now, name) << '\n';
      continue;
    }
    try {
      write_row("text", chat.render(read_request(line, number), now, name));
    } catch (const Error& error) {
      write_row("error", error.what());
    }
  }
  std::cout.flush();
}

}  // namespace

void add_template_command(CLI::App& app) {
  auto options = std::make_shared<TemplateOptions>();
  CLI::App* command = app.add_subcommand(
      "template", "Render conversations with a model's chat template: JSON lines on standard input, text out");
  command->add_option("model", options->model, "model folder, org/name in the Hugging Face cache, or a .jinja file")
      ->required();
  command->add_flag("--json", options->json, "write {\"text\": ...} or {\"error\": ...} for each row");
  command->add_option("--now", options->now, "what strftime_now sees, e.g. 2024-07-26T10:00:00 (default: the clock)");
  command->add_option("--name", options->name,
                      "which of several templates (default: tool_use where a row has tools, else default)");
  command->footer(
      "A row: {\"messages\": [...], \"tools\": [...], \"documents\": [...], \"add_generation_prompt\": true,\n"
      "\"continue_final_message\": false, \"kwargs\": {...}}; all but messages may be missing.");
  command->callback([options] { render_rows(*options); });
}

}  // namespace cambium::cli
