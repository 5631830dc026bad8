#pragma once

#include <cstdint>
#include <vector>

#include "text/token_table.h"

namespace cambium::text {

/// Characters [begin, end) of the original text, counted in Unicode code points.
struct Offset {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const Offset&, const Offset&) = default;
};

/// A text as tokens. All lists have the same length (offsets are empty if they were not asked for).
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<Offset> offsets;         // {0, 0} for tokens that were put around the text
  std::vector<std::uint8_t> type_ids;  // which of a pair of texts a token belongs to, as the tokenizer's template says
  std::vector<std::uint8_t> is_special;  // 1 for tokens that were put around the text
};

}  // namespace cambium::text
