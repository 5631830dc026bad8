#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "tensor/error.h"
#include "tensor/workers.h"
#include "text/tokenizer.h"

namespace cambium::cli {

namespace {

using json = checkpoint::Json;

struct TokenizeOptions {
  std::string model;
  bool json = false;
  bool decode = false;
  bool no_special = false;
  bool skip_special = false;
  unsigned threads = 0;
};

text::Tokenizer load(const std::string& model) {
  if (std::filesystem::is_regular_file(model)) return text::Tokenizer::from_file(model);
  return text::Tokenizer::from_folder(checkpoint::resolve_model(model));
}

[[noreturn]] void fail_line(std::size_t line, std::string_view message) {
  throw ValueError(fmt::format("standard input, line {}: {}", line, message));
}

/// A line of input with its number.
struct Row {
  std::size_t line;
  std::string text;
};

/// The next rows, at most `most`; empty at the end of the input. Blank lines are passed over.
std::vector<Row> read_rows(std::size_t most, std::size_t& line) {
  std::vector<Row> rows;
  std::string text;
  while (rows.size() < most && std::getline(std::cin, text)) {
    ++line;
    if (text.find_first_not_of(" \t\r") != std::string::npos) rows.push_back({line, text});
  }
  return rows;
}

json parse_row(const Row& row) {
  json object;
  try {
    object = json::parse(row.text);
  } catch (const json::parse_error& error) {
    fail_line(row.line, fmt::format("not JSON, at byte {} of the line", error.byte));
  }
  if (!object.is_object()) fail_line(row.line, "expected an object such as {\"text\": \"...\"}");
  return object;
}

std::string string_field(const json& object, const char* name, std::size_t line) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_string()) fail_line(line, fmt::format("expected the string '{}'", name));
  return field->get<std::string>();
}

std::string encode_row(const text::Tokenizer& tokenizer, const Row& row, const TokenizeOptions& options) {
  const json object = parse_row(row);
  const std::string text = string_field(object, "text", row.line);
  const text::Tokenizer::Options how{.add_special = !options.no_special};
  const bool is_pair = object.contains("pair");
  text::Encoding encoding;
  try {
    encoding = is_pair ? tokenizer.encode_pair(text, string_field(object, "pair", row.line), how)
                       : tokenizer.encode(text, how);
  } catch (const ValueError& error) {
    fail_line(row.line, error.what());
  }
  std::string out = "{\"ids\": [";
  auto end = std::back_inserter(out);
  const char* separator = "";
  for (const text::TokenId id : encoding.ids) fmt::format_to(end, "{}{}", std::exchange(separator, ", "), id);
  out += "], \"offsets\": [";
  separator = "";
  for (const text::Offset& offset : encoding.offsets) {
    fmt::format_to(end, "{}[{}, {}]", std::exchange(separator, ", "), offset.begin, offset.end);
  }
  if (is_pair) {
    out += "], \"type_ids\": [";
    separator = "";
    for (const unsigned type : encoding.type_ids) fmt::format_to(end, "{}{}", std::exchange(separator, ", "), type);
  }
  return out + "]}";
}

std::string decode_row(const text::Tokenizer& tokenizer, const Row& row, const TokenizeOptions& options) {
  const json object = parse_row(row);
  const auto list = object.find("ids");
  if (list == object.end() || !list->is_array()) fail_line(row.line, "expected the list 'ids'");
  std::vector<text::TokenId> ids;
  for (const json& id : *list) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX)
      fail_line(row.line, "'ids' must hold whole numbers from 0 on");
    ids.push_back(id.get<text::TokenId>());
  }
  return json{{"text", tokenizer.decode(ids, options.skip_special)}}.dump(-1, ' ', true);
}

void run_rows(const text::Tokenizer& tokenizer, const TokenizeOptions& options) {
  constexpr std::size_t kRowsAtOnce = 1024;
  Workers workers(options.threads > 0 ? options.threads : default_threads());
  std::size_t line = 0;
  for (;;) {
    const std::vector<Row> rows = read_rows(kRowsAtOnce, line);
    if (rows.empty()) break;
    std::vector<std::string> results(rows.size());
    workers.for_each(rows.size(), [&](std::size_t i, unsigned /*worker*/) {
      results[i] = options.decode ? decode_row(tokenizer, rows[i], options) : encode_row(tokenizer, rows[i], options);
    });
    for (const std::string& result : results) std::cout << result << '\n';
  }
}

/// Where each character of a text begins, and last its end.
std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  }
  starts.push_back(text.size());
  return starts;
}

/// For people: one token a line, with its place, the vocabulary's spelling and the text it stands for.
void print_tokens(const text::Tokenizer& tokenizer, const TokenizeOptions& options) {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const text::Encoding encoding = tokenizer.encode(text, {.add_special = !options.no_special});
  const std::vector<std::size_t> starts = character_starts(text);
  const auto quoted = [&](text::Offset span) {
    const std::size_t last = starts.size() - 1, begin = starts[std::min<std::size_t>(span.begin, last)];
    return json(text.substr(begin, starts[std::min<std::size_t>(span.end, last)] - begin)).dump();
  };
  std::cout << fmt::format("{:>8}  {:>13}  {:<24}  {}\n", "id", "characters", "token", "text");
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const text::Offset offset = encoding.offsets[i];
    const bool framed = encoding.is_special[i] != 0;
    std::cout << fmt::format("{:>8}  {:>13}  {:<24}  {}\n", encoding.ids[i],
                             framed ? "" : fmt::format("{}-{}", offset.begin, offset.end),
                             json(tokenizer.token(encoding.ids[i]).value_or("")).dump(), framed ? "" : quoted(offset));
  }
  std::cout << fmt::format("{} tokens\n", encoding.ids.size());
}

void print_text(const text::Tokenizer& tokenizer, const TokenizeOptions& options) {
  std::vector<text::TokenId> ids;
  for (std::string word; std::cin >> word;) {
    try {
      std::size_t used = 0;
      ids.push_back(std::stoi(word, &used));
      if (used != word.size()) throw std::invalid_argument(word);
    } catch (const std::logic_error&) {
      throw ValueError(fmt::format("standard input: '{}' is not a token's id", word));
    }
  }
  std::cout << tokenizer.decode(ids, options.skip_special) << '\n';
}

void tokenize(const TokenizeOptions& options) {
  if (options.decode && options.no_special)
    throw UsageError("--no-special goes with encoding; with --decode use --skip-special");
  if (!options.decode && options.skip_special)
    throw UsageError("--skip-special goes with --decode; use --no-special to encode");
  const text::Tokenizer tokenizer = load(options.model);
  for (const std::string& note : tokenizer.notes()) std::cerr << "note: " << note << '\n';
  if (options.json) {
    run_rows(tokenizer, options);
  } else if (options.decode) {
    print_text(tokenizer, options);
  } else {
    print_tokens(tokenizer, options);
  }
}

}  // namespace

void add_tokenize_command(CLI::App& app) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command =
      app.add_subcommand("tokenize", "Turn text from standard input into a model's tokens, or tokens into text");
  command
      ->add_option("MODEL", options->model,
                   "model folder, org/name[@revision] in the Hugging Face cache, or a tokenizer file")
      ->required();
  command->add_flag("--json", options->json, "JSON lines: {\"text\": ...} (and \"pair\") in, ids and offsets out");
  command->add_flag("--no-special", options->no_special, "do not put special tokens around the text");
  command->add_flag("--decode", options->decode, "ids in ({\"ids\": [...]} with --json), text out");
  command->add_flag("--skip-special", options->skip_special, "leave special tokens out of decoded text");
  command->add_option("--threads", options->threads, "threads for --json (default: one for each CPU)");
  command->callback([options] { tokenize(*options); });
}

}  // namespace cambium::cli
