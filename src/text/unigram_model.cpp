#include "text/unigram_model.h"

#include <algorithm>
#include <limits>

#include "tensor/error.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr double kUnknownPenalty = 10.0;

/// The best way to reach the end of a token.
struct Arrival {
  static constexpr std::uint32_t kUnreached = 0xFFFFFFFF;
  double score = 0;
  std::uint32_t begin = kUnreached;  // of the last token
  TokenId id = 0;
};

}  // namespace

struct UnigramModel::Work final : TokenModel::Scratch {
  std::vector<Arrival> arrivals;
  std::vector<std::uint32_t> ends;
};

UnigramModel::UnigramModel(TokenTable vocabulary, std::vector<double> scores, std::optional<TokenId> unknown,
                           bool byte_fallback)
    : TokenModel(std::move(vocabulary)),
      scores_(std::move(scores)),
      unknown_(unknown),
      byte_fallback_(byte_fallback),
      byte_tokens_(this->vocabulary()) {
  std::vector<std::pair<std::string_view, std::int32_t>> keys;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t id = 0; id < scores_.size(); ++id) {
    lowest = std::min(lowest, scores_[id]);
    const std::string_view token = *this->vocabulary().token(static_cast<TokenId>(id));
    // Of equal strings the last one is the one that is found.
    if (this->vocabulary().find(token) == static_cast<TokenId>(id))
      keys.emplace_back(token, static_cast<std::int32_t>(id));
  }
  trie_ = ByteTrie(std::move(keys));
  unknown_score_ = lowest - kUnknownPenalty;
}

std::unique_ptr<TokenModel::Scratch> UnigramModel::make_scratch() const { return std::make_unique<Work>(); }

void UnigramModel::tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const {
  auto& work = static_cast<Work&>(scratch);
  auto& arrivals = work.arrivals;
  arrivals.assign(word.size() + 1, {});
  const auto reach = [&](std::size_t begin, std::size_t end, double score, TokenId id) {
    Arrival& arrival = arrivals[end];
    if (arrival.begin == Arrival::kUnreached || score > arrival.score) {
      arrival = {score, static_cast<std::uint32_t>(begin), id};
    }
  };
  for (std::size_t begin = 0; begin < word.size();) {
    const double here = arrivals[begin].score;
    const std::size_t character = utf8::length_from_lead(word[begin]);
    bool covered = false;
    trie_.prefixes(word.substr(begin), [&](std::size_t length, std::int32_t id) {
      reach(begin, begin + length, scores_[static_cast<std::size_t>(id)] + here, id);
      covered = covered || length == character;
    });
    if (!covered) {
      if (!unknown_)
        throw ValueError("a character is not in the vocabulary, and the model has no unknown token (unk_id)");
      reach(begin, begin + character, unknown_score_ + here, *unknown_);
    }
    begin += character;
  }
  // Back from the end; a run of unknown tokens is one.
  work.ends.clear();
  bool last_unknown = false;
  for (auto end = static_cast<std::uint32_t>(word.size()); end > 0; end = arrivals[end].begin) {
    const bool is_unknown = unknown_ && arrivals[end].id == *unknown_;
    if (!is_unknown || !last_unknown) work.ends.push_back(end);
    last_unknown = is_unknown;
  }
  std::uint32_t begin = 0;
  for (auto end = work.ends.rbegin(); end != work.ends.rend(); ++end) {
    emit(word, begin, *end, out);
    begin = *end;
  }
}

void UnigramModel::emit(std::string_view word, std::uint32_t begin, std::uint32_t end,
                        std::vector<WordToken>& out) const {
  const std::string_view token = word.substr(begin, end - begin);
  if (const auto id = vocabulary().find(token)) {
    out.push_back({*id, begin, end});
    return;
  }
  const auto byte_id = [&](char byte) { return byte_tokens_.ids[static_cast<unsigned char>(byte)]; };
  if (byte_fallback_ && std::all_of(token.begin(), token.end(), [&](char byte) { return byte_id(byte) >= 0; })) {
    // Each byte's token stands for the whole part.
    for (const char byte : token) out.push_back({byte_id(byte), begin, end});
    return;
  }
  if (!unknown_) throw ValueError("a character is not in the vocabulary, and the model has no unknown token (unk_id)");
  out.push_back({*unknown_, begin, end});
}

}  // namespace cambium::text
