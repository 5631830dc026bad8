#include "text/tekken.h"

#include <fmt/format.h>

#include <unordered_map>

#include "tensor/error.h"
#include "text/base64.h"
#include "text/bpe_model.h"
#include "text/byte_level.h"
#include "text/tokenizer_json.h"

namespace cambium::text {

namespace {

/// The special tokens of files from before they were listed.
constexpr std::string_view kFirstSpecials[] = {"<unk>",
                                               "<s>",
                                               "</s>",
                                               "[INST]",
                                               "[/INST]",
                                               "[AVAILABLE_TOOLS]",
                                               "[/AVAILABLE_TOOLS]",
                                               "[TOOL_RESULTS]",
                                               "[/TOOL_RESULTS]",
                                               "[TOOL_CALLS]",
                                               "[IMG]",
                                               "<pad>",
                                               "[IMG_BREAK]",
                                               "[IMG_END]",
                                               "[PREFIX]",
                                               "[MIDDLE]",
                                               "[SUFFIX]",
                                               "[SYSTEM_PROMPT]",
                                               "[/SYSTEM_PROMPT]",
                                               "[TOOL_CONTENT]"};

/// What a tekken.json holds.
struct TekkenFile {
  std::string pattern;
  std::optional<std::int64_t> vocabulary_size;  // with the special tokens
  std::size_t specials = 0;
  std::vector<std::string> special_tokens;
  std::vector<std::string> ranked;  // bytes, by rank
};

std::string ranked_token(JsonCursor& cursor, std::size_t rank) {
  std::optional<std::string> bytes;
  std::string_view key;
  cursor.begin_object();
  while (cursor.next_key(key)) {
    if (key == "token_bytes") {
      bytes = from_base64(cursor.string());
      if (!bytes) cursor.fail(fmt::format("vocab[{}].token_bytes must be base64", rank));
    } else if (key == "rank") {
      const std::int64_t found = cursor.integer();
      if (found != static_cast<std::int64_t>(rank))
        cursor.fail(fmt::format("vocab[{}].rank is {}; ranks must be in order", rank, found));
    } else {
      (void)cursor.skip();
    }
  }
  if (!bytes || bytes->empty()) cursor.fail(fmt::format("vocab[{}]: 'token_bytes' is missing or empty", rank));
  return std::move(*bytes);
}

void read_config(const JsonPart& config, TekkenFile& file) {
  file.pattern = config.string("pattern");
  if (config.has("default_vocab_size")) file.vocabulary_size = config.integer("default_vocab_size", 0);
  const std::int64_t specials =
      config.integer("default_num_special_tokens", static_cast<std::int64_t>(file.special_tokens.size()));
  constexpr std::int64_t kMostSpecials = 1 << 20;
  if (specials < 0 || specials > kMostSpecials) config.at("default_num_special_tokens").fail("is out of range");
  file.specials = static_cast<std::size_t>(specials);
}

void read_specials(const JsonPart& list, TekkenFile& file) {
  const std::vector<JsonPart> items = list.items();
  file.special_tokens.assign(items.size(), "");
  for (const JsonPart& item : items) {
    const std::int64_t rank = item.integer("rank", -1);
    if (rank < 0 || rank >= static_cast<std::int64_t>(items.size())) item.fail("ranks must run from 0 without gaps");
    std::string& token = file.special_tokens[static_cast<std::size_t>(rank)];
    if (!token.empty()) item.fail(fmt::format("rank {} comes twice", rank));
    token = item.string("token_str");
    if (token.empty()) item.fail("token_str is empty");
  }
}

TekkenFile read_tekken(JsonCursor& cursor) {
  const std::string_view where = cursor.where();
  TekkenFile file;
  Json config;
  Json specials;
  std::string_view key;
  cursor.begin_object();
  while (cursor.next_key(key)) {
    if (key == "config") {
      config = read_tree(cursor);
    } else if (key == "special_tokens") {
      specials = read_tree(cursor);
    } else if (key == "vocab") {
      cursor.begin_array();
      while (cursor.next_item()) file.ranked.push_back(ranked_token(cursor, file.ranked.size()));
    } else {
      (void)cursor.skip();
    }
  }
  cursor.end();
  if (specials.is_null()) {
    file.special_tokens.assign(std::begin(kFirstSpecials), std::end(kFirstSpecials));
  } else {
    read_specials(JsonPart(specials, where, "special_tokens"), file);
  }
  read_config(JsonPart(config, where, "config"), file);
  for (std::size_t i = file.special_tokens.size(); i < file.specials; ++i) {
    file.special_tokens.push_back(fmt::format("<SPECIAL_{}>", i));
  }
  file.specials = file.special_tokens.size();
  if (file.vocabulary_size) {
    // What stands behind is padding.
    const std::int64_t ranked = *file.vocabulary_size - static_cast<std::int64_t>(file.specials);
    if (ranked < 0)
      throw CheckpointError(fmt::format("{}: config.default_vocab_size is {}, but there are {} special tokens", where,
                                        *file.vocabulary_size, file.specials));
    if (file.ranked.size() > static_cast<std::size_t>(ranked)) file.ranked.resize(static_cast<std::size_t>(ranked));
  }
  return file;
}

/// Every way to put a token together from two others joins at the token's rank.
MergeTable merges_of(const TekkenFile& file, std::string_view where) {
  std::unordered_map<std::string_view, std::uint32_t> ranks;
  ranks.reserve(file.ranked.size());
  for (const std::string& token : file.ranked) {
    if (!ranks.emplace(token, static_cast<std::uint32_t>(ranks.size())).second) {
      throw CheckpointError(fmt::format("{}: vocab[{}]: the same bytes as an earlier token", where, ranks.size()));
    }
  }
  MergeTable merges;
  merges.reserve(3 * file.ranked.size());
  const auto id = [&](std::uint32_t rank) { return static_cast<TokenId>(file.specials + rank); };
  for (std::uint32_t rank = 0; rank < file.ranked.size(); ++rank) {
    const std::string_view token = file.ranked[rank];
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = ranks.find(token.substr(0, cut));
      if (left == ranks.end()) continue;
      const auto right = ranks.find(token.substr(cut));
      if (right != ranks.end()) merges.add(id(left->second), id(right->second), {rank, id(rank)});
    }
  }
  return merges;
}

}  // namespace

std::unique_ptr<Pipeline> pipeline_from_tekken(JsonCursor cursor) {
  const std::string where(cursor.where());
  const TekkenFile file = read_tekken(cursor);
  TokenTable vocabulary;
  vocabulary.reserve(file.specials + file.ranked.size(), 8 * file.ranked.size());
  for (std::size_t i = 0; i < file.specials; ++i) vocabulary.add_again(file.special_tokens[i], static_cast<TokenId>(i));
  std::string spelled;
  for (std::size_t rank = 0; rank < file.ranked.size(); ++rank) {
    spelled.clear();
    append_byte_characters(spelled, file.ranked[rank]);
    const auto id = static_cast<TokenId>(file.specials + rank);
    if (!vocabulary.add(spelled, id)) {
      throw CheckpointError(fmt::format("{}: vocab[{}]: '{}' is a special token too", where, rank, spelled));
    }
  }
  BpeModel::Options options;
  options.whole_words = true;
  auto pipeline = std::make_unique<Pipeline>();
  auto model = std::make_unique<BpeModel>(std::move(vocabulary), merges_of(file, where), std::move(options));
  model->map_bytes();
  pipeline->model = std::move(model);

  const Json split{{"type", "Split"}, {"pattern", {{"Regex", file.pattern}}}, {"behavior", "Isolated"}};
  pipeline->pre_tokenizer = make_split(JsonPart(split, where, "config"));
  pipeline->decoder = make_byte_level_decoder();
  for (const std::string& special : file.special_tokens) {
    AddedToken token;
    token.content = special;
    token.normalized = false;
    token.special = true;
    (void)pipeline->added.add(token, pipeline->model->vocabulary());
  }
  pipeline->added.prepare(nullptr);
  pipeline->post_processor = make_frame(pipeline->added.id("<s>"), std::nullopt);
  return pipeline;
}

}  // namespace cambium::text
