#include "model/text_generation.h"

#include <algorithm>

namespace cambium::model {

TextGeneration::TextGeneration(const text::Tokenizer& tokenizer, std::vector<std::string> stops)
    : stops_(std::move(stops)), shown_(tokenizer, true), raw_(tokenizer, false) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
  for (const std::string& stop : stops_) longest_stop_ = std::max(longest_stop_, stop.size());
}

// Looks for a stop text that ends in the new piece.
bool TextGeneration::stop_in_raw(const std::string& piece) {
  if (stops_.empty()) return false;
  raw_tail_ += piece;
  const bool found =
      std::ranges::any_of(stops_, [&](const std::string& stop) { return raw_tail_.find(stop) != std::string::npos; });
  if (raw_tail_.size() > longest_stop_) raw_tail_.erase(0, raw_tail_.size() - longest_stop_);
  return found;
}

void TextGeneration::append(const std::string& piece) {
  const std::size_t from = text_.size() < longest_stop_ ? 0 : text_.size() - longest_stop_;
  text_ += piece;
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) end = std::min(end, text_.find(stop, from));
  if (end != std::string::npos) {
    text_.resize(end);
    stopped_ = true;
  }
}

bool TextGeneration::push(std::int32_t id) {
  if (stopped_) return false;
  append(shown_.push(id));
  if (!stops_.empty() && stop_in_raw(raw_.push(id))) stopped_ = true;
  return !stopped_;
}

std::string TextGeneration::fresh() {
  std::size_t certain = text_.size();
  // The end may be the beginning of a stop text.
  if (!stopped_ && !finished_) {
    for (const std::string& stop : stops_) {
      for (std::size_t length = std::min(stop.size() - 1, text_.size()); length > 0; --length) {
        if (text_.compare(text_.size() - length, length, stop, 0, length) != 0) continue;
        certain = std::min(certain, text_.size() - length);
        break;
      }
    }
  }
  if (certain <= given_) return {};
  const std::size_t first = given_;
  given_ = certain;
  return text_.substr(first, certain - first);
}

void TextGeneration::finish() {
  if (!stopped_) append(shown_.finish());
  finished_ = true;
}

}  // namespace cambium::model
