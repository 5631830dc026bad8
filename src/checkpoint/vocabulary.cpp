#include "checkpoint/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "checkpoint/json_scan.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace {

// Ids are rows of an embedding; beyond this a file asks for memory that no model has rows for.
constexpr std::int64_t kMaxId = 1 << 26;

// Picks model.vocab and added_tokens out of a tokenizer.json and passes over the rest (merges, normalizers ...).
class TokenizerEvents final : public JsonEvents {
 public:
  explicit TokenizerEvents(std::string_view where) : where_(where) {}

  void key(std::string name) override {
    if (!path_.empty()) path_.back() = std::move(name);
  }
  void begin_object() override { open(true); }
  void end_object() override {
    if (inside("added_tokens") && path_.size() == 3) add_token();
    path_.pop_back();
  }
  void begin_array() override { open(false); }
  void end_array() override { path_.pop_back(); }

  void scalar(JsonScalar value) override {
    if (path_.empty()) refuse("the file holds a single value, expected an object");
    if (in_vocabulary()) {
      if (vocabulary_is_list_ ? path_.size() == 4 : path_.size() == 3) return vocabulary_value(std::move(value));
      refuse(fmt::format("model.vocab has {} in it, expected tokens", kind_of(value)));
    }
    if (path_.size() == 2 && path_[0] == "model" && path_[1] == "vocab") {
      refuse(fmt::format("model.vocab is {}, expected an object or a list", kind_of(value)));
    }
    if (inside("added_tokens")) return added_value(std::move(value));
  }

  std::vector<std::pair<std::string, std::int64_t>> vocabulary;
  std::vector<Vocabulary::Added> added;
  bool found_vocabulary = false;

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw CheckpointError(fmt::format("{}: {}", where_, what));
  }

  // path_ holds the key (or nothing, in a list) at which each open container is: {"model", "vocab", "dog"} inside of
  // model.vocab.
  bool inside(std::string_view top) const { return !path_.empty() && path_[0] == top; }
  bool in_vocabulary() const { return path_.size() >= 3 && path_[0] == "model" && path_[1] == "vocab"; }

  void open(bool object) {
    if (path_.empty() && !object) refuse("the file holds a list, expected an object");
    if (path_.size() == 2 && path_[0] == "model" && path_[1] == "vocab") {
      vocabulary_is_list_ = !object;
      found_vocabulary = true;
    } else if (in_vocabulary()) {
      // Unigram: a list of [token, score].
      if (!vocabulary_is_list_ || object || path_.size() != 3)
        refuse("model.vocab holds neither tokens nor [token, score] pairs");
      pair_length_ = 0;
    }
    if (inside("added_tokens") && path_.size() == 2 && !object)
      refuse("added_tokens has a list in it, expected objects");
    path_.emplace_back();
  }

  void vocabulary_value(JsonScalar value) {
    if (vocabulary_is_list_) {
      if (++pair_length_ > 1) return;  // the score
      auto* token = std::get_if<std::string>(&value);
      if (token == nullptr)
        refuse(fmt::format("model.vocab entry {} begins with {}, expected a token", vocabulary.size(), kind_of(value)));
      vocabulary.emplace_back(std::move(*token), static_cast<std::int64_t>(vocabulary.size()));
      return;
    }
    vocabulary.emplace_back(path_.back(), checked_id(value, path_.back()));
  }

  void added_value(JsonScalar value) {
    if (path_.size() == 2) refuse(fmt::format("added_tokens has {} in it, expected objects", kind_of(value)));
    if (path_.size() != 3) return;  // foreign content of a field that we do not need
    if (path_[2] == "id") {
      id_ = checked_id(value, "added token");
    } else if (path_[2] == "content") {
      auto* token = std::get_if<std::string>(&value);
      if (token == nullptr) refuse(fmt::format("an added token's content is {}, expected a string", kind_of(value)));
      content_ = std::move(*token);
    } else if (path_[2] == "special") {
      const auto* special = std::get_if<bool>(&value);
      if (special == nullptr)
        refuse(fmt::format("an added token's special is {}, expected true or false", kind_of(value)));
      special_ = *special;
    }
  }

  void add_token() {
    if (!id_ || !content_) refuse(fmt::format("added token {} lacks its id or content", added.size() + 1));
    added.push_back({.id = *id_, .token = std::move(*content_), .special = special_});
    id_.reset();
    content_.reset();
    special_ = false;
  }

  std::int64_t checked_id(const JsonScalar& value, std::string_view token) const {
    const std::optional<std::int64_t> id = as_int64(value);
    if (!id) refuse(fmt::format("the id of {} is {}, expected an integer", quote_foreign(token), kind_of(value)));
    if (*id < 0 || *id > kMaxId)
      refuse(fmt::format("the id of {} is {}, expected 0 to {}", quote_foreign(token), *id, kMaxId));
    return *id;
  }

  std::string_view where_;
  std::vector<std::string> path_;
  bool vocabulary_is_list_ = false;
  int pair_length_ = 0;
  std::optional<std::int64_t> id_;
  std::optional<std::string> content_;
  bool special_ = false;
};

}  // namespace

std::optional<Vocabulary> Vocabulary::read(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "tokenizer.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  return parse(read_file(file), file.string());
}

Vocabulary Vocabulary::parse(std::string_view text, std::string_view where) {
  TokenizerEvents events(where);
  scan_json(text, where, JsonLimits{}, events);
  if (!events.found_vocabulary)
    throw CheckpointError(fmt::format("{}: no model.vocab in it; this is no tokenizer.json", where));
  Vocabulary result;
  std::int64_t highest = -1;
  for (const auto& [token, id] : events.vocabulary) highest = std::max(highest, id);
  for (const Added& token : events.added) highest = std::max(highest, token.id);
  result.tokens_.resize(static_cast<std::size_t>(highest + 1));
  result.ids_.reserve(events.vocabulary.size() + events.added.size());
  const auto place = [&](const std::string& token, std::int64_t id) {
    std::optional<std::string>& at = result.tokens_[static_cast<std::size_t>(id)];
    if (at && *at != token) {
      throw CheckpointError(fmt::format("{}: the tokens {} and {} have the same id {}", where, quote_foreign(*at),
                                        quote_foreign(token), id));
    }
    at = token;
    result.ids_.emplace(token, id);
  };
  // An added token is looked for first when text is split, so its id wins over that of the same string in the
  // vocabulary.
  for (const Added& token : events.added) place(token.token, token.id);
  for (const auto& [token, id] : events.vocabulary) place(token, id);
  result.added_ = std::move(events.added);
  return result;
}

std::optional<std::string_view> Vocabulary::token(std::int64_t id) const {
  if (id < 0 || id >= size()) return std::nullopt;
  const std::optional<std::string>& found = tokens_[static_cast<std::size_t>(id)];
  return found ? std::optional<std::string_view>(*found) : std::nullopt;
}

std::optional<std::int64_t> Vocabulary::id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace cambium::checkpoint
