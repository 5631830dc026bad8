// Against what the reference implementations say (tests/golden/ifeval/make_goldens.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tasks/ifeval/instruction_table.h"
#include "tasks/ifeval/language_detector.h"
#include "tasks/ifeval/language_profiles.h"
#include "tasks/ifeval/sentence_splitter.h"
#include "tasks/ifeval/verdict.h"
#include "tasks/ifeval/word_splitter.h"
#include "tasks/text_file.h"
#include "text/jinja_json.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

std::vector<Value> golden(const std::string& name) {
  const std::string path = CAMBIUM_SOURCE_DIR "/tests/golden/ifeval/" + name;
  std::vector<Value> rows;
  const std::string text = read_text_file(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    rows.push_back(jinja::from_json(std::string_view(text).substr(begin, end - begin), path));
    begin = end + 1;
  }
  return rows;
}

const std::string& text_of(const Value& row, std::string_view name) { return row.as_dict().find(name)->as_string(); }

std::vector<std::string> texts_of(const Value& row, std::string_view name) {
  std::vector<std::string> texts;
  for (const Value& item : row.as_dict().find(name)->items()) texts.push_back(item.as_string());
  return texts;
}

TEST(LanguageDetector, FindsWhatLangdetectFindsWithTheSameSeed) {
  const std::vector<Value> rows = golden("languages.jsonl");
  ASSERT_GE(rows.size(), 150U);
  std::set<std::string> found;
  for (const Value& row : rows) {
    const Value& expected = *row.as_dict().find("language");
    const auto seed = static_cast<std::uint64_t>(row.as_dict().find("seed")->as_int());
    const std::optional<std::string> language = detect_language(text_of(row, "text"), seed);
    EXPECT_EQ(language.value_or("nothing"), expected.is_none() ? "nothing" : expected.as_string())
        << text_of(row, "text") << " seed " << seed;
    found.insert(language.value_or("nothing"));
  }
  EXPECT_GE(found.size(), 40U);
}

TEST(LanguageProfiles, Know55Languages) { EXPECT_EQ(LanguageProfiles::get().languages().size(), 55U); }

TEST(SentenceSplitter, CutsWherePunktCuts) {
  for (const Value& row : golden("sentences.jsonl")) {
    std::vector<std::string> sentences;
    for (const std::string_view sentence : split_sentences(text_of(row, "text"))) sentences.emplace_back(sentence);
    EXPECT_EQ(sentences, texts_of(row, "sentences")) << text_of(row, "text");
  }
}

TEST(WordSplitter, CutsWhereNltkCuts) {
  for (const Value& row : golden("words.jsonl")) {
    EXPECT_EQ(treebank_words(text_of(row, "text")), texts_of(row, "words")) << text_of(row, "text");
  }
}

TEST(Instructions, AreFollowedWhereTheReferenceSaysSo) {
  std::set<std::string> seen;
  for (const Value& row : golden("instructions.jsonl")) {
    const std::string& id = text_of(row, "id");
    const std::string& response = text_of(row, "response");
    const Check check = find_instruction(id).check({id, *row.as_dict().find("kwargs"), 0});
    const bool followed = !jinja::strip(response).empty() && check(response);
    EXPECT_EQ(followed, row.as_dict().find("followed")->as_bool()) << id << ": " << response;
    seen.insert(id + (followed ? " followed" : " not followed"));
  }
  // Each of the 25 both ways; the three of language are in verdict_test.cpp.
  EXPECT_EQ(seen.size(), 2 * (instructions().size() - 3));
}

}  // namespace
}  // namespace cambium::tasks::ifeval
