#include "text/stream_decoder.h"

#include <algorithm>

namespace cambium::text {

namespace {

constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";

}  // namespace

std::string StreamDecoder::fresh_text() const {
  std::string text = tokenizer_->decode(window_, skip_special_);
  // A decoder that looks at the following token (a suffix dropped at the very end, say) lengthens the text, it does not
  // rewrite it; should it, only what agrees was given out rightly.
  const auto agreed = std::mismatch(text.begin(), text.end(), known_text_.begin(), known_text_.end()).first;
  text.erase(text.begin(), agreed);
  return text;
}

std::string StreamDecoder::push(TokenId id) {
  window_.push_back(id);
  if (tokenizer_->awaits_more(id)) return {};
  std::string fresh = fresh_text();
  // U+FFFD at the end may be the first bytes of a character.
  if (fresh.empty() || fresh.ends_with(kReplacementText)) return {};
  // What was known so far has done its duty as context; the newest part is context for the next.
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(known_));
  known_ = window_.size();
  known_text_ = tokenizer_->decode(window_, skip_special_);
  return fresh;
}

std::string StreamDecoder::finish() {
  std::string rest = fresh_text();
  window_.clear();
  known_ = 0;
  known_text_.clear();
  return rest;
}

}  // namespace cambium::text
