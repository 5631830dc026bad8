// Texts that make naive tokenizers quadratic: the time may grow no faster than the text.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace cambium::text {
namespace {

const std::filesystem::path kGolden = CAMBIUM_SOURCE_DIR "/tests/golden/tokenizers";

// Processor time, so that other programs do not count.
double seconds_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

// Encodes and decodes; the encoding must cover the text's end.
double seconds_for(const Tokenizer& tokenizer, const std::string& text) {
  const double begin = seconds_now();
  const Encoding encoding = tokenizer.encode(text, {.add_special = false});
  (void)tokenizer.decode(encoding.ids);
  return seconds_now() - begin;
}

class HostileText : public testing::TestWithParam<const char*> {};

TEST_P(HostileText, TakesTimeInProportionToItsLength) {
  const Tokenizer tokenizer = Tokenizer::from_file(kGolden / (std::string(GetParam()) + ".json"));
  constexpr std::size_t kLong = std::size_t{64} << 10U, kShort = kLong / 16;
  (void)seconds_for(tokenizer, repeated("warm up ", kShort));
  for (const std::string_view unit : {"a",
                                      "ab",
                                      "straße",
                                      " ",
                                      "\n",
                                      "\t ",
                                      "😀",
                                      "👩‍👩‍👧",
                                      "é",
                                      "\u0301",
                                      "a\u0301\u0323",
                                      "形",
                                      "0",
                                      "!",
                                      "'",
                                      "'s",
                                      "<",
                                      "<s>",
                                      "▁",
                                      " a",
                                      "\n ",
                                      "A",
                                      "mid",
                                      "\u00a0",
                                      "각",
                                      "\u1100\u1161\u11a8"}) {
    const double brief = seconds_for(tokenizer, repeated(unit, kShort));
    const double full = seconds_for(tokenizer, repeated(unit, kLong));
    EXPECT_LT(full, 16 * 4 * brief + 0.05) << "of '" << unit << "': " << brief << " s became " << full << " s";
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostileText,
                         testing::Values("llama3", "qwen2", "gpt2", "o200k", "deepseek", "falcon", "clip", "bloom",
                                         "llama2", "llama2_new", "gemma", "t5", "xlm_roberta", "unigram_bytes",
                                         "bert_uncased", "word_level", "prefixed"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace cambium::text
