#include "text/token_model.h"

#include <fmt/format.h>

namespace cambium::text {

ByteTokens::ByteTokens(const TokenTable& vocabulary) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    ids[byte] = vocabulary.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
    if (ids[byte] < 0) complete = false;
  }
}

}  // namespace cambium::text
