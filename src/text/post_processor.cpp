#include "text/post_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "text/char_class.h"
#include "text/json_part.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr char32_t kSpaceStandIn = 0x120;  // GPT-2's 'Ġ'

bool is_blank(char32_t character) {
  return character == kSpaceStandIn || CharClasses::get().is(character, kWhiteSpace);
}

std::uint32_t leading_blanks(std::string_view token) {
  std::uint32_t count = 0;
  for (std::size_t position = 0; position < token.size() && is_blank(utf8::next(token, position));) ++count;
  return count;
}

std::uint32_t trailing_blanks(std::string_view token) {
  std::uint32_t count = 0;
  for (std::size_t position = token.size(); position > 0 && is_blank(utf8::previous(token, position));) ++count;
  return count;
}

/// Takes white space at a token's ends out of its offsets.
class TrimOffsets final : public PostProcessor {
 public:
  TrimOffsets(const TokenTable& vocabulary, bool add_prefix_space)
      : vocabulary_(vocabulary), prefix_(add_prefix_space) {}

  void apply(std::vector<RawEncoding>& parts, bool /*add_special*/) const override {
    for (RawEncoding& part : parts) {
      auto swallowed = part.swallowed.begin();
      for (std::size_t i = 0; i < part.offsets.size(); ++i) {
        if (swallowed != part.swallowed.end() && swallowed->index == i) {
          trim(part.offsets[i], i, swallowed->leading, swallowed->trailing);
          ++swallowed;
          continue;
        }
        const std::string_view token = vocabulary_.token(part.ids[i]).value_or("");
        trim(part.offsets[i], i, leading_blanks(token), trailing_blanks(token));
      }
    }
  }

 private:
  void trim(Offset& offset, std::size_t index, std::uint32_t leading, std::uint32_t trailing) const {
    // A single blank at the very front was put there by add_prefix_space, it is not in the text.
    const bool is_first = index == 0 || offset.begin == 0;
    if (is_first && prefix_ && leading == 1) leading = 0;
    offset.begin = std::min(offset.begin + leading, offset.end);
    if (offset.end >= trailing) offset.end = std::max(offset.end - trailing, offset.begin);
  }

  const TokenTable& vocabulary_;
  bool prefix_;
};

/// Puts special tokens around one or two texts after a template.
class Template final : public PostProcessor {
 public:
  struct Step {
    int text = -1;  // 0 or 1: one of the texts; -1: special tokens
    std::vector<TokenId> ids;
    std::uint8_t type_id = 0;
  };

  Template(std::vector<Step> single, std::vector<Step> pair) : single_(std::move(single)), pair_(std::move(pair)) {}

  void apply(std::vector<RawEncoding>& parts, bool add_special) const override {
    if (parts.size() > 2) return;
    std::vector<RawEncoding> result;
    for (const Step& step : parts.size() == 2 ? pair_ : single_) {
      if (step.text >= 0) {
        const auto index = static_cast<std::size_t>(step.text);
        const bool used_again = &step != last_use(index, parts.size());
        RawEncoding part = used_again ? parts[index] : std::move(parts[index]);
        part.type_ids.assign(part.ids.size(), step.type_id);
        result.push_back(std::move(part));
      } else if (add_special) {
        RawEncoding part;
        part.ids = step.ids;
        part.offsets.resize(step.ids.size());
        part.type_ids.assign(step.ids.size(), step.type_id);
        part.is_special.assign(step.ids.size(), 1);
        result.push_back(std::move(part));
      }
    }
    parts = std::move(result);
  }

 private:
  [[nodiscard]] const Step* last_use(std::size_t text, std::size_t texts) const {
    const std::vector<Step>& steps = texts == 2 ? pair_ : single_;
    const auto last = std::find_if(steps.rbegin(), steps.rend(),
                                   [&](const Step& step) { return step.text == static_cast<int>(text); });
    return &*last;
  }

  std::vector<Step> single_;
  std::vector<Step> pair_;
};

class PostProcessorSequence final : public PostProcessor {
 public:
  explicit PostProcessorSequence(std::vector<PostProcessorPtr> steps) : steps_(std::move(steps)) {}
  void apply(std::vector<RawEncoding>& parts, bool add_special) const override {
    for (const PostProcessorPtr& step : steps_) step->apply(parts, add_special);
  }

 private:
  std::vector<PostProcessorPtr> steps_;
};

Template::Step text_step(int text, std::uint8_t type_id) { return {text, {}, type_id}; }
Template::Step token_step(TokenId id, std::uint8_t type_id) { return {-1, {id}, type_id}; }

TokenId token_id(const JsonPart& part) {
  const std::int64_t id = part.integer();
  if (id < 0 || id > INT32_MAX) part.fail("is not a token's id");
  return static_cast<TokenId>(id);
}

std::uint8_t type_id(const JsonPart& part) {
  const std::int64_t id = part.integer("type_id", 0);
  if (id < 0 || id > UINT8_MAX) part.fail("type_id must be 0..255");
  return static_cast<std::uint8_t>(id);
}

/// ["[SEP]", 102]
TokenId named_token(const JsonPart& part) {
  const std::vector<JsonPart> items = part.items();
  if (items.size() != 2) part.fail("must be a token and its id");
  (void)items[0].string();
  return token_id(items[1]);
}

std::vector<Template::Step> template_steps(const JsonPart& part,
                                           const std::map<std::string, std::vector<TokenId>>& tokens, bool is_pair) {
  std::vector<Template::Step> steps;
  for (const JsonPart& piece : part.items()) {
    if (piece.has("Sequence")) {
      const JsonPart sequence = piece.at("Sequence");
      const std::string id = sequence.string("id");
      if (id != "A" && id != "B") sequence.at("id").unknown("sequence", id, {"A", "B"});
      if (id == "B" && !is_pair) sequence.at("id").fail("the template for a single text uses the second one");
      steps.push_back(text_step(id == "B" ? 1 : 0, type_id(sequence)));
    } else if (piece.has("SpecialToken")) {
      const JsonPart special = piece.at("SpecialToken");
      const std::string id = special.string("id");
      const auto found = tokens.find(id);
      if (found == tokens.end()) special.at("id").fail(fmt::format("'{}' is not among special_tokens", id));
      steps.push_back({-1, found->second, type_id(special)});
    } else {
      piece.fail("must be {\"Sequence\": ...} or {\"SpecialToken\": ...}");
    }
  }
  return steps;
}

PostProcessorPtr make_template(const JsonPart& part) {
  std::map<std::string, std::vector<TokenId>> tokens;
  if (part.has("special_tokens")) {
    const JsonPart table = part.at("special_tokens");
    if (!table.value().is_object()) table.fail("must be an object");
    for (const auto& [name, value] : table.value().items()) {
      for (const JsonPart& id : table.at(name).at("ids").items()) tokens[name].push_back(token_id(id));
      tokens[name];
    }
  }
  return std::make_unique<Template>(template_steps(part.at("single"), tokens, false),
                                    template_steps(part.at("pair"), tokens, true));
}

PostProcessorPtr make_bert(const JsonPart& part) {
  const TokenId sep = named_token(part.at("sep"));
  const TokenId cls = named_token(part.at("cls"));
  std::vector<Template::Step> single{token_step(cls, 0), text_step(0, 0), token_step(sep, 0)};
  std::vector<Template::Step> pair = single;
  pair.insert(pair.end(), {text_step(1, 1), token_step(sep, 1)});
  return std::make_unique<Template>(std::move(single), std::move(pair));
}

/// Without special tokens nothing but the trimming is done, and the second text keeps its type.
class RobertaTemplate final : public PostProcessor {
 public:
  explicit RobertaTemplate(PostProcessorPtr frame) : frame_(std::move(frame)) {}
  void apply(std::vector<RawEncoding>& parts, bool add_special) const override {
    if (add_special) frame_->apply(parts, true);
  }

 private:
  PostProcessorPtr frame_;
};

PostProcessorPtr make_roberta(const JsonPart& part, const TokenTable& vocabulary) {
  const TokenId sep = named_token(part.at("sep"));
  const TokenId cls = named_token(part.at("cls"));
  std::vector<Template::Step> single{token_step(cls, 0), text_step(0, 0), token_step(sep, 0)};
  std::vector<Template::Step> pair = single;
  pair.insert(pair.end(), {token_step(sep, 0), text_step(1, 0), token_step(sep, 0)});
  std::vector<PostProcessorPtr> steps;
  if (part.boolean("trim_offsets", true)) {
    steps.push_back(std::make_unique<TrimOffsets>(vocabulary, part.boolean("add_prefix_space", true)));
  }
  steps.push_back(std::make_unique<RobertaTemplate>(std::make_unique<Template>(std::move(single), std::move(pair))));
  return std::make_unique<PostProcessorSequence>(std::move(steps));
}

}  // namespace

PostProcessorPtr make_post_processor(const JsonPart& part, const TokenTable& vocabulary) {
  const std::string type = part.type();
  if (type == "Sequence") {
    std::vector<PostProcessorPtr> steps;
    for (const JsonPart& step : part.at("processors").items()) steps.push_back(make_post_processor(step, vocabulary));
    return std::make_unique<PostProcessorSequence>(std::move(steps));
  }
  if (type == "ByteLevel") {
    if (!part.boolean("trim_offsets", true))
      return std::make_unique<PostProcessorSequence>(std::vector<PostProcessorPtr>{});
    return std::make_unique<TrimOffsets>(vocabulary, part.boolean("add_prefix_space", true));
  }
  if (type == "TemplateProcessing") return make_template(part);
  if (type == "BertProcessing") return make_bert(part);
  if (type == "RobertaProcessing") return make_roberta(part, vocabulary);
  part.unknown("post-processor", type,
               {"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"});
}

PostProcessorPtr make_frame(std::optional<TokenId> bos, std::optional<TokenId> eos) {
  const auto around = [&](int text) {
    const auto type = static_cast<std::uint8_t>(text);
    std::vector<Template::Step> steps;
    if (bos) steps.push_back(token_step(*bos, type));
    steps.push_back(text_step(text, type));
    if (eos) steps.push_back(token_step(*eos, type));
    return steps;
  };
  std::vector<Template::Step> pair = around(0);
  for (Template::Step& step : around(1)) pair.push_back(std::move(step));
  return std::make_unique<Template>(around(0), std::move(pair));
}

Encoding join_parts(std::vector<RawEncoding>& parts) {
  if (parts.empty()) return {};
  Encoding all = std::move(static_cast<Encoding&>(parts.front()));
  for (auto part = parts.begin() + 1; part != parts.end(); ++part) {
    all.ids.insert(all.ids.end(), part->ids.begin(), part->ids.end());
    all.offsets.insert(all.offsets.end(), part->offsets.begin(), part->offsets.end());
    all.type_ids.insert(all.type_ids.end(), part->type_ids.begin(), part->type_ids.end());
    all.is_special.insert(all.is_special.end(), part->is_special.begin(), part->is_special.end());
  }
  return all;
}

}  // namespace cambium::text
