// The tokenizers' side of tokenizer_table.py: loads, encodes and decodes the texts of a JSON-lines file in one thread,
// once for each line of standard input, and answers with a JSON line.
#include <time.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace {

/// Processor time of this process: other programs on the machine do not count.
double now() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<std::string> read_texts(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> texts;
  for (std::string line; std::getline(in, line);) texts.push_back(nlohmann::json::parse(line).at("text"));
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures loading, encoding and decoding of one tokenizer"};
  std::string model;
  std::string file;
  app.add_option("MODEL", model, "model folder")->required();
  app.add_option("TEXTS", file, "JSON lines with \"text\"")->required();
  CLI11_PARSE(app, argc, argv);

  const std::vector<std::string> texts = read_texts(file);
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  for (std::string line; std::getline(std::cin, line);) {
    double start = now();
    const auto tokenizer = cambium::text::Tokenizer::from_folder(model);
    const double load = now() - start;

    start = now();
    std::size_t tokens = 0;
    for (const std::string& text : texts) tokens += tokenizer.encode(text, {.add_special = false}).ids.size();
    const double encode = now() - start;

    start = now();
    std::vector<std::vector<cambium::text::TokenId>> ids;
    for (const std::string& text : texts) ids.push_back(tokenizer.ids(text, false));
    const double ids_only = now() - start;

    start = now();
    std::size_t decoded = 0;
    for (const auto& one : ids) decoded += tokenizer.decode(one).size();
    const double decode = now() - start;
    std::cout << nlohmann::json{{"bytes", bytes},           {"tokens", tokens},        {"load_seconds", load},
                                {"encode_seconds", encode}, {"ids_seconds", ids_only}, {"decoded", decoded},
                                {"decode_seconds", decode}}
              << std::endl;
  }
}
