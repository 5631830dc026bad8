// The small files beside a tokenizer and a chat template, parted by zero bytes: read, or refused with an Error.
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tensor/error.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  static const auto kTokenizer =
      folder.put("tokenizer.json", R"({"model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1}},
      "added_tokens": [{"id": 2, "content": "<s>", "special": true}], "pre_tokenizer": {"type": "Whitespace"}})");
  const auto [config, special, model_config, chat] = testing_support::fuzz_parts<4>(data, size);
  folder.put("tokenizer_config.json", config);
  folder.put("special_tokens_map.json", special);
  folder.put("config.json", model_config);
  folder.put("chat_template.json", chat);
  try {
    const auto tokenizer = text::Tokenizer::from_folder(folder.path());
    (void)tokenizer.decode(tokenizer.ids("a <s> b"), true);
  } catch (const Error&) {
  }
  try {
    (void)text::ChatTemplate::from_folder(folder.path());
  } catch (const Error&) {
  }
  return 0;
}
