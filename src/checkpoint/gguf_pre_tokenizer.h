#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"

namespace cambium::checkpoint {

/// How a byte-level BPE model cuts text before merging.
struct GgufPreTokenizer {
  Json normalizer;             ///< of tokenizer.json, or null
  Json pre_tokenizer;          ///< of tokenizer.json
  bool ignore_merges = false;  ///< a piece that is a token as a whole is taken as it is
  bool adds_bos = false;       ///< unless the file says otherwise
  bool trims_offsets = false;  ///< offsets of tokens leave blanks out (GPT-2)
};

/// The meaning of a name in `tokenizer.ggml.pre`; null pre_tokenizer if the name is not known.
/// Source: the regular expressions of the models' own tokenizer.json files, as listed beside llama.cpp's names.
[[nodiscard]] GgufPreTokenizer gguf_pre_tokenizer(std::string_view name);
/// Every known name, in the order of the table.
[[nodiscard]] std::vector<std::string_view> gguf_pre_tokenizer_names();

}  // namespace cambium::checkpoint
