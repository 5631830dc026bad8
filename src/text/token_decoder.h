#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::text {

class JsonPart;

/// One step from token strings back to text.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  /// Rewrites the list; what is left in the end is joined.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
  /// Whether the text of this token may depend on the token that follows (half a character, bytes that are not closed
  /// yet).
  [[nodiscard]] virtual bool awaits_more(std::string_view /*token*/) const { return false; }
};

using TokenDecoderPtr = std::unique_ptr<const TokenDecoder>;

/// @throws CheckpointError  an unknown type (the known ones are listed) or a bad field, with file and place
[[nodiscard]] TokenDecoderPtr make_token_decoder(const JsonPart& part);

/// GPT-2's byte alphabet back to text, as the decoder "ByteLevel" does.
[[nodiscard]] TokenDecoderPtr make_byte_level_decoder();

}  // namespace cambium::text
