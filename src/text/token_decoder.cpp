#include "text/token_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "text/byte_level.h"
#include "text/json_part.h"
#include "text/pattern.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  for (std::size_t place = text.find(from); place != std::string::npos; place = text.find(from, place + to.size())) {
    text.replace(place, from.size(), to);
  }
}

void join_into_first(std::vector<std::string>& tokens) {
  if (tokens.empty()) return;
  for (std::size_t i = 1; i < tokens.size(); ++i) tokens.front() += tokens[i];
  tokens.resize(1);
}

/// Undoes the spaces that a WordPiece tokenizer puts in front of punctuation and English contractions.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kRules) replace_all(text, from, to);
}

class DecoderSequence final : public TokenDecoder {
 public:
  explicit DecoderSequence(std::vector<TokenDecoderPtr> steps) : steps_(std::move(steps)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (const TokenDecoderPtr& step : steps_) step->apply(tokens);
  }
  [[nodiscard]] bool awaits_more(std::string_view token) const override {
    return std::any_of(steps_.begin(), steps_.end(),
                       [&](const TokenDecoderPtr& step) { return step->awaits_more(token); });
  }

 private:
  std::vector<TokenDecoderPtr> steps_;
};

class ByteLevelDecoder final : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      if (!append_character_bytes(bytes, token)) bytes += token;
    }
    std::string text;
    utf8::append_repaired(text, bytes);
    tokens.assign(1, std::move(text));
  }
};

/// <0xE2> and the like: a run of them is text if it is UTF-8, else one U+FFFD for each.
class ByteFallback final : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> result;
    std::string run;
    const auto close = [&] {
      if (run.empty()) return;
      if (utf8::find_invalid(run) == std::string_view::npos) {
        result.push_back(run);
      } else {
        result.insert(result.end(), run.size(), "\xEF\xBF\xBD");
      }
      run.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        run.push_back(*byte);
      } else {
        close();
        result.push_back(std::move(token));
      }
    }
    close();
    tokens = std::move(result);
  }
  [[nodiscard]] bool awaits_more(std::string_view token) const override { return byte_of(token).has_value(); }

 private:
  static std::optional<char> byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
    unsigned value = 0;
    for (const char c : token.substr(3, 2)) {
      constexpr std::string_view kHexDigits = "0123456789abcdef";
      const std::size_t digit = kHexDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(digit);
    }
    return static_cast<char>(value);
  }
};

class Fuse final : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    if (tokens.empty()) tokens.emplace_back();
    join_into_first(tokens);
  }
};

class ReplaceDecoder final : public TokenDecoder {
 public:
  explicit ReplaceDecoder(const JsonPart& part) : pattern_(part.at("pattern")), content_(part.string("content")) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string result;
      std::size_t done = 0;
      pattern_.for_each(token, [&](std::size_t begin, std::size_t end) {
        result.append(token, done, begin - done);
        result += content_;
        done = end;
      });
      if (done == 0 && result.empty()) continue;
      result.append(token, done);
      token = std::move(result);
    }
  }

 private:
  Pattern pattern_;
  std::string content_;
};

/// Takes up to `start` and `stop` of one character off the ends of each token.
class StripDecoder final : public TokenDecoder {
 public:
  explicit StripDecoder(const JsonPart& part)
      : content_(part.string("content")), start_(part.integer("start", 0)), stop_(part.integer("stop", 0)) {
    if (utf8::count(content_) != 1) part.at("content").fail("must be one character");
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (std::int64_t i = 0; i < start_ && rest.starts_with(content_); ++i) rest.remove_prefix(content_.size());
      for (std::int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i) rest.remove_suffix(content_.size());
      if (rest.size() != token.size()) token = std::string(rest);
    }
  }

 private:
  std::string content_;
  std::int64_t start_;
  std::int64_t stop_;
};

class MetaspaceDecoder final : public TokenDecoder {
 public:
  explicit MetaspaceDecoder(const JsonPart& part) : mark_(part.string("replacement")) {
    if (utf8::count(mark_) != 1) part.at("replacement").fail("must be one character");
    const std::string scheme =
        part.string("prepend_scheme", part.boolean("add_prefix_space", true) ? "always" : "never");
    if (scheme != "always" && scheme != "first" && scheme != "never") {
      part.at("prepend_scheme").unknown("prepend_scheme", scheme, {"always", "first", "never"});
    }
    drops_first_ = scheme != "never";
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], mark_, i == 0 && drops_first_ ? "" : " ");
  }

 private:
  std::string mark_;
  bool drops_first_ = true;
};

class WordPieceDecoder final : public TokenDecoder {
 public:
  explicit WordPieceDecoder(const JsonPart& part)
      : prefix_(part.string("prefix", "##")), cleanup_(part.boolean("cleanup", true)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) {
        if (tokens[i].starts_with(prefix_)) {
          tokens[i].erase(0, prefix_.size());
        } else {
          tokens[i].insert(0, 1, ' ');
        }
      }
      if (cleanup_) clean_up(tokens[i]);
    }
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

/// Subword-nmt's: the suffix at word ends becomes a space.
class BpeDecoder final : public TokenDecoder {
 public:
  explicit BpeDecoder(const JsonPart& part) : suffix_(part.string("suffix", "</w>")) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
  }

 private:
  std::string suffix_;
};

/// Connectionist temporal classification: repeats collapse, pads vanish.
class CtcDecoder final : public TokenDecoder {
 public:
  explicit CtcDecoder(const JsonPart& part)
      : pad_(part.string("pad_token", "<pad>")),
        delimiter_(part.string("word_delimiter_token", "|")),
        cleanup_(part.boolean("cleanup", true)) {}
  void apply(std::vector<std::string>& tokens) const override {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& token : tokens) {
      replace_all(token, pad_, "");
      if (!cleanup_) continue;
      clean_up(token);
      replace_all(token, delimiter_, " ");
    }
    std::erase(tokens, "");
  }

 private:
  std::string pad_;
  std::string delimiter_;
  bool cleanup_;
};

}  // namespace

TokenDecoderPtr make_byte_level_decoder() { return std::make_unique<ByteLevelDecoder>(); }

TokenDecoderPtr make_token_decoder(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    std::vector<TokenDecoderPtr> steps;
    for (const JsonPart& step : part.at("decoders").items()) steps.push_back(make_token_decoder(step));
    return std::make_unique<DecoderSequence>(std::move(steps));
  }
  if (type == "ByteLevel") return make_byte_level_decoder();
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Replace") return std::make_unique<ReplaceDecoder>(part);
  if (type == "Strip") return std::make_unique<StripDecoder>(part);
  if (type == "Metaspace") return std::make_unique<MetaspaceDecoder>(part);
  if (type == "WordPiece") return std::make_unique<WordPieceDecoder>(part);
  if (type == "BPEDecoder") return std::make_unique<BpeDecoder>(part);
  if (type == "CTC") return std::make_unique<CtcDecoder>(part);
  part.unknown("decoder", type,
               {"BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace", "Sequence", "Strip",
                "WordPiece"});
}

}  // namespace cambium::text
