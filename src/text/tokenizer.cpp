#include "text/tokenizer.h"

#include <array>
#include <utility>

#include "tensor/workers.h"
#include "text/pipeline.h"

namespace cambium::text {

Tokenizer::Tokenizer(std::unique_ptr<Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

namespace {

Encoding finished(const Pipeline& pipeline, std::vector<RawEncoding>& parts, bool add_special) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].type_ids.assign(parts[i].ids.size(), static_cast<std::uint8_t>(i));
    parts[i].is_special.assign(parts[i].ids.size(), 0);
  }
  if (pipeline.post_processor) pipeline.post_processor->apply(parts, add_special);
  return join_parts(parts);
}

}  // namespace

Encoding Tokenizer::encode(std::string_view text, Options options) const {
  std::vector<RawEncoding> parts(1);
  pipeline_->encode(text, options.with_offsets, parts[0]);
  Encoding encoding = finished(*pipeline_, parts, options.add_special);
  if (!options.with_offsets) encoding.offsets.clear();
  return encoding;
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, Options options) const {
  std::vector<RawEncoding> parts(2);
  pipeline_->encode(first, options.with_offsets, parts[0]);
  pipeline_->encode(second, options.with_offsets, parts[1]);
  Encoding encoding = finished(*pipeline_, parts, options.add_special);
  if (!options.with_offsets) encoding.offsets.clear();
  return encoding;
}

std::vector<TokenId> Tokenizer::ids(std::string_view text, bool add_special) const {
  RawEncoding raw;
  if (add_special) raw.ids = prefix_;
  pipeline_->encode(text, false, raw);
  if (add_special) raw.ids.insert(raw.ids.end(), suffix_.begin(), suffix_.end());
  return std::move(raw.ids);
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const std::string> texts, Options options,
                                              Workers& workers) const {
  std::vector<Encoding> encodings(texts.size());
  workers.for_each(texts.size(),
                   [&](std::size_t index, unsigned /*worker*/) { encodings[index] = encode(texts[index], options); });
  return encodings;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  return pipeline_->decode(ids, skip_special);
}

std::optional<std::string> Tokenizer::token(TokenId id) const {
  const auto token = pipeline_->token(id);
  return token ? std::optional(std::string(*token)) : std::nullopt;
}

std::optional<TokenId> Tokenizer::id(std::string_view token) const { return pipeline_->id(token); }

bool Tokenizer::is_special(TokenId id) const {
  const auto token = pipeline_->token(id);
  return token && pipeline_->added.is_special(*token);
}

std::size_t Tokenizer::vocabulary_size() const { return pipeline_->vocabulary_size(); }

const std::vector<std::string>& Tokenizer::notes() const { return pipeline_->notes; }

bool Tokenizer::awaits_more(TokenId id) const {
  const auto token = pipeline_->token(id);
  return token && pipeline_->decoder && pipeline_->decoder->awaits_more(*token);
}

/// Finds what the post-processor puts around a text by giving it an empty one.
void Tokenizer::learn_frame() {
  std::vector<RawEncoding> parts(1);
  parts[0].ids = {-1};
  parts[0].offsets.resize(1);
  const Encoding framed = finished(*pipeline_, parts, true);
  std::size_t place = 0;
  while (place < framed.ids.size() && framed.ids[place] != -1) prefix_.push_back(framed.ids[place++]);
  for (++place; place < framed.ids.size(); ++place) suffix_.push_back(framed.ids[place]);
}

}  // namespace cambium::text
