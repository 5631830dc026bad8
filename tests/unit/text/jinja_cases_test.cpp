// Small templates against what Jinja2 made of them: tests/golden/jinja/make_cases.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "text/jinja_json.h"
#include "text/jinja_template.h"

namespace cambium::text::jinja {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/jinja";

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

const std::string& text_of(const Value& row, std::string_view key) { return row.as_dict().find(key)->as_string(); }

TEST(JinjaCases, RenderAndFailAsJinja2Does) {
  const std::string context = read(kGolden / "context.json");
  const DateTime now{2024, 7, 5, 9, 3, 7};
  std::ifstream rows(kGolden / "cases.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(rows, line); ++count) {
    const Value row = from_json(line, "cases.jsonl");
    const std::string& source = text_of(row, "template");
    const bool chat = text_of(row, "dialect") == "chat";
    const bool fails = row.as_dict().find("error") != nullptr;
    try {
      const Template parsed(source, "case", chat ? Options::chat() : Options::task());
      const std::string text = parsed.render(from_json(context, "context.json"), now);
      if (fails) {
        ADD_FAILURE() << source << "\ngave: " << text << "\nexpected: " << text_of(row, "error");
      } else {
        EXPECT_EQ(text, text_of(row, "text")) << source;
      }
    } catch (const TemplateError& error) {
      if (fails) {
        EXPECT_EQ(error_name(error.kind()), text_of(row, "error")) << source << "\n" << error.what();
        EXPECT_GT(error.position().line, 0U) << source << "\n" << error.what();
      } else {
        ADD_FAILURE() << source << "\nfailed: " << error.what() << "\nexpected: " << text_of(row, "text");
      }
    }
  }
  EXPECT_GT(count, 500U);
}

}  // namespace
}  // namespace cambium::text::jinja
