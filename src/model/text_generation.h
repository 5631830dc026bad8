#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace cambium::model {

/// The text of one generation as its tokens come. Ends it when a stop text is complete, be it spread over several
/// tokens or in the middle of one. Stop texts are looked for in the text with special tokens, so that "<|im_end|>"
/// works as one too.
class TextGeneration {
 public:
  /// @param tokenizer  must outlive this
  /// @param stops      texts that end the generation; empty ones are ignored
  TextGeneration(const text::Tokenizer& tokenizer, std::vector<std::string> stops);

  /// Takes the next token; false if a stop text is complete now.
  [[nodiscard]] bool push(std::int32_t id);
  /// Text that has become certain since the last call: no later token and no stop text can take it back.
  [[nodiscard]] std::string fresh();
  /// Ends the stream. Call once; fresh() then gives the rest, and text() is complete.
  void finish();
  /// All text so far, without special tokens, up to the stop text.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  void append(const std::string& piece);
  [[nodiscard]] bool stop_in_raw(const std::string& piece);

  std::vector<std::string> stops_;
  std::size_t longest_stop_ = 0;
  text::StreamDecoder shown_;  // without special tokens
  text::StreamDecoder raw_;    // with them
  std::string text_;
  std::string raw_tail_;
  std::size_t given_ = 0;  // bytes of text_ that fresh() gave out
  bool stopped_ = false;
  bool finished_ = false;
};

}  // namespace cambium::model
