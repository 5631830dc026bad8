// The tokenizers of tests/golden/tokenizers against what Hugging Face's library gave for them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace cambium::text {
namespace {

using Ids = std::vector<TokenId>;

const std::filesystem::path kGolden = CAMBIUM_SOURCE_DIR "/tests/golden/tokenizers";

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    if (entry.path().extension() == ".json" && entry.path().stem() != "texts") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

class TokenizerGolden : public testing::TestWithParam<std::string> {};

TEST_P(TokenizerGolden, GivesTheLibrarysIdsOffsetsAndTexts) {
  const Tokenizer tokenizer = Tokenizer::from_file(kGolden / (GetParam() + ".json"));
  std::ifstream texts_file(kGolden / "texts.json");
  const auto texts = nlohmann::json::parse(texts_file).get<std::vector<std::string>>();
  std::ifstream rows(kGolden / (GetParam() + ".golden.jsonl"));
  std::size_t number = 0;
  for (std::string line; std::getline(rows, line); ++number) {
    const nlohmann::json row = nlohmann::json::parse(line);
    Ids ids;
    if (number < texts.size()) {
      const Encoding plain = tokenizer.encode(texts[number], {.add_special = false});
      EXPECT_EQ(plain.ids, row.at("ids").get<Ids>()) << texts[number];
      std::vector<std::vector<std::size_t>> offsets;
      for (const Offset& offset : plain.offsets) offsets.push_back({offset.begin, offset.end});
      EXPECT_EQ(offsets, row.at("offsets").get<std::vector<std::vector<std::size_t>>>()) << texts[number];
      ids = tokenizer.ids(texts[number]);
      EXPECT_EQ(ids, row.at("ids_special").get<Ids>()) << texts[number];
    } else {
      ids = row.at("decode_ids").get<Ids>();
    }
    EXPECT_EQ(tokenizer.decode(ids), row.at("decoded").get<std::string>()) << line;
    EXPECT_EQ(tokenizer.decode(ids, true), row.at("decoded_skip").get<std::string>()) << line;
    // Piece by piece it is the same text (a decoder that trims may look at the whole).
    StreamDecoder stream(tokenizer, false);
    std::string streamed;
    for (const TokenId id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    EXPECT_EQ(streamed, tokenizer.decode(ids)) << line;
  }
  EXPECT_EQ(number, texts.size() + 12);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerGolden, testing::ValuesIn(golden_names()),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace cambium::text
