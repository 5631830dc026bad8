#include "model/media/media_prompt.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <unordered_map>

#include "model/media/media_inputs.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  if (word.empty()) return 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, begin)) {
    out.append(text.substr(begin, at - begin)).append(to);
    begin = at + from.size();
  }
  return out.append(text.substr(begin));
}

// As many rows as a gibibyte holds are kept; the ones used longest ago go first.
constexpr std::size_t kKeptBytes = std::size_t{1} << 30;

class RowCache {
 public:
  const EmbeddingRows* find(std::uint64_t content) {
    const auto found = index_.find(content);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->rows;
  }
  const EmbeddingRows& add(std::uint64_t content, EmbeddingRows rows) {
    bytes_ += rows.values->size() * sizeof(float);
    order_.push_front({content, std::move(rows)});
    index_[content] = order_.begin();
    while (bytes_ > kKeptBytes && order_.size() > 1) {
      bytes_ -= order_.back().rows.values->size() * sizeof(float);
      index_.erase(order_.back().content);
      order_.pop_back();
    }
    return order_.front().rows;
  }
  void clear() {
    order_.clear();
    index_.clear();
    bytes_ = 0;
  }

 private:
  struct Entry {
    std::uint64_t content;
    EmbeddingRows rows;
  };
  std::list<Entry> order_;
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> index_;
  std::size_t bytes_ = 0;
};

}  // namespace

Placeholders::Placeholders(const MediaTowers& towers, const text::Tokenizer& tokenizer) {
  for (const MediaTower& tower : towers.all()) {
    const auto index = static_cast<std::size_t>(tower.modality());
    Word& word = known_[index];
    word.own = names_of(tower.modality()).placeholder;
    word.tokens = static_cast<std::size_t>(tower.tokens());
    if (tower.token() >= 0 && tower.token() <= INT32_MAX) {
      if (const auto spelled = tokenizer.token(static_cast<text::TokenId>(tower.token()))) {
        word.own = *spelled;
        word.token = tower.token();
      }
    }
    words_[index] = word.own;
  }
}

std::string Placeholders::own_words(std::string_view text) const {
  std::string out(text);
  for (const Modality modality : kModalities) {
    const std::string& own = word(modality);
    const std::string_view general = names_of(modality).placeholder;
    if (!own.empty() && own != general && occurrences(out, own) == 0) out = replaced(out, general, own);
  }
  return out;
}

std::size_t Placeholders::count(std::string_view text, Modality modality) const {
  return occurrences(own_words(text), word(modality));
}

MediaTokens Placeholders::expand(const text::Tokenizer& tokenizer, std::string_view given, bool add_special) const {
  const std::string text = own_words(given);
  MediaTokens out;
  std::vector<std::size_t> items(kModalities.size(), 0);
  const auto place = [&](std::size_t modality) {
    const Word& word = known_[modality];
    out.places.push_back({static_cast<Modality>(modality), items[modality]++, out.ids.size(), word.tokens});
    out.ids.insert(out.ids.end(), word.tokens, word.token >= 0 ? static_cast<std::int32_t>(word.token) : 0);
  };
  const auto append = [&](std::string_view piece, bool special) {
    for (const text::TokenId id : tokenizer.ids(piece, special)) {
      std::size_t modality = 0;
      while (modality < known_.size() && (known_[modality].token != id || known_[modality].tokens == 0)) ++modality;
      if (modality < known_.size()) {
        place(modality);
      } else {
        out.ids.push_back(id);
      }
    }
  };
  // A word that the tokenizer lacks cuts the text, as the LLaVA repository does it.
  const bool cut = std::ranges::any_of(known_, [](const Word& word) { return !word.own.empty() && word.token < 0; });
  if (!cut) {
    append(text, add_special);
    return out;
  }
  if (add_special) out.ids.assign(tokenizer.prefix().begin(), tokenizer.prefix().end());
  std::size_t begin = 0;
  while (begin <= text.size()) {
    std::size_t end = text.size();
    std::size_t which = known_.size();
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].own.empty() || known_[i].token >= 0) continue;
      if (const std::size_t at = text.find(known_[i].own, begin); at < end) {
        end = at;
        which = i;
      }
    }
    if (end > begin) append(std::string_view(text).substr(begin, end - begin), false);
    if (which == known_.size()) break;
    place(which);
    begin = end + known_[which].own.size();
  }
  if (add_special) out.ids.insert(out.ids.end(), tokenizer.suffix().begin(), tokenizer.suffix().end());
  return out;
}

struct MediaEncoder::Impl {
  const MediaTowers& towers;
  const text::Tokenizer& tokenizer;
  Placeholders words;
  MediaReader reader;
  RowCache cache;
  std::size_t encoded = 0;

  EmbeddingRows rows_of(const MediaItem& item) {
    const std::uint64_t content = content_of(item);
    if (const EmbeddingRows* known = cache.find(content)) return *known;
    const at::NoGradGuard no_gradients;
    const at::Tensor features = towers.find(item.modality)->features(reader.read(item).unsqueeze(0));
    ++encoded;
    return cache.add(content, embedding_rows(features.squeeze(0), 0));
  }
};

MediaEncoder::MediaEncoder(const MediaTowers& towers, const text::Tokenizer& tokenizer,
                           const std::filesystem::path& folder, media::Resizer resizer)
    : impl_(new Impl{towers, tokenizer, Placeholders(towers, tokenizer), MediaReader(folder, resizer), {}, 0}) {}

MediaEncoder::~MediaEncoder() = default;

Prompt MediaEncoder::prompt(std::string_view text, std::span<const MediaItem> items, bool add_special) {
  return prompt(impl_->words.expand(impl_->tokenizer, text, add_special), items);
}

Prompt MediaEncoder::prompt(MediaTokens tokens, std::span<const MediaItem> items) {
  std::vector<std::vector<const MediaItem*>> by_modality(kModalities.size());
  for (const MediaItem& item : items) {
    if (impl_->towers.find(item.modality) == nullptr) {
      throw UsageError(fmt::format("the model takes no {}s; '{}' cannot be part of its prompt",
                                   names_of(item.modality).item, item.file.empty() ? item.where : item.file.string()));
    }
    by_modality[static_cast<std::size_t>(item.modality)].push_back(&item);
  }
  for (const Modality modality : kModalities) {
    const auto index = static_cast<std::size_t>(modality);
    const auto places = static_cast<std::size_t>(std::ranges::count(tokens.places, modality, &MediaPlace::modality));
    if (places == by_modality[index].size()) continue;
    throw UsageError(fmt::format("the prompt has {} placeholders {} for {}s, but {} are given; write one for each",
                                 places, impl_->words.word(modality), names_of(modality).item,
                                 by_modality[index].size()));
  }
  Prompt out;
  out.ids = std::move(tokens.ids);
  for (const MediaPlace& place : tokens.places) {
    EmbeddingRows rows = impl_->rows_of(*by_modality[static_cast<std::size_t>(place.modality)][place.item]);
    rows.position = place.position;
    out.embeddings.push_back(std::move(rows));
  }
  return out;
}

const Placeholders& MediaEncoder::placeholders() const { return impl_->words; }

std::size_t MediaEncoder::encoded() const { return impl_->encoded; }

void MediaEncoder::forget() { impl_->cache.clear(); }

}  // namespace cambium::model
