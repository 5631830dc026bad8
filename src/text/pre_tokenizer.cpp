#include "text/pre_tokenizer.h"

#include "text/char_class.h"
#include "text/json_part.h"
#include "text/normalizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}
  void apply(PieceList& list) const override {
    for (const PreTokenizerPtr& step : steps_) step->apply(list);
  }

 private:
  std::vector<PreTokenizerPtr> steps_;
};

/// Splits at single characters that a predicate picks.
template <typename Picks>
class CharacterSplit final : public PreTokenizer {
 public:
  CharacterSplit(SplitBehavior behavior, Picks picks) : behavior_(behavior), picks_(picks) {
    for (char32_t c = 0; c < 0x80; ++c) ascii_[c] = picks(c);
  }
  void apply(PieceList& list) const override {
    list.split_each(behavior_, false, [&](std::string_view text, auto&& found) {
      for (std::size_t position = 0; position < text.size();) {
        const std::size_t begin = position;
        const auto lead = static_cast<unsigned char>(text[position]);
        const bool picked =
            lead < 0x80 ? ascii_[static_cast<unsigned char>(text[position++])] : picks_(utf8::next(text, position));
        if (picked) found(begin, position);
      }
    });
  }

 private:
  SplitBehavior behavior_;
  Picks picks_;
  bool ascii_[0x80] = {};
};

template <typename Picks>
PreTokenizerPtr split_at(SplitBehavior behavior, Picks picks) {
  return std::make_unique<CharacterSplit<Picks>>(behavior, picks);
}

/// Splits at characters of a class.
PreTokenizerPtr split_at_class(SplitBehavior behavior, unsigned wanted) {
  return split_at(
      behavior, [&classes = CharClasses::get(), wanted](char32_t character) { return classes.is(character, wanted); });
}

/// Runs of word characters and runs of anything else that is not white space.
class Whitespace final : public PreTokenizer {
 public:
  void apply(PieceList& list) const override {
    const CharClasses& classes = CharClasses::get();
    const auto kind = [&](char32_t character) { return classes.of(character) & (kWord | kWhiteSpace); };
    list.cut_each([&](std::string_view text, auto&& emit) {
      std::size_t begin = 0;
      int last = kWhiteSpace;
      for (std::size_t position = 0; position < text.size();) {
        const std::size_t place = position;
        const int now = kind(utf8::next(text, position));
        if (now != last) {
          if (last != kWhiteSpace) emit(begin, place);
          begin = place;
          last = now;
        }
      }
      if (last != kWhiteSpace) emit(begin, text.size());
    });
  }
};

class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(std::size_t length) : length_(length) {}
  void apply(PieceList& list) const override {
    list.cut_each([&](std::string_view text, auto&& emit) {
      std::size_t begin = 0;
      std::size_t characters = 0;
      for (std::size_t position = 0; position < text.size();) {
        position += utf8::length_from_lead(text[position]);
        if (++characters % length_ != 0) continue;
        emit(begin, position);
        begin = position;
      }
      emit(begin, text.size());
    });
  }

 private:
  std::size_t length_;
};

PreTokenizerPtr sequence_of(std::vector<PreTokenizerPtr> steps) {
  if (steps.size() == 1) return std::move(steps.front());
  return std::make_unique<PreTokenizerSequence>(std::move(steps));
}

PreTokenizerPtr make_bert() {
  std::vector<PreTokenizerPtr> steps;
  steps.push_back(split_at_class(SplitBehavior::kRemoved, kWhiteSpace));
  steps.push_back(split_at(SplitBehavior::kIsolated, is_punctuation));
  return sequence_of(std::move(steps));
}

PreTokenizerPtr make_delimiter_split(const JsonPart& part) {
  const JsonPart field = part.at("delimiter");
  const std::string text = field.string();
  std::size_t position = 0;
  const char32_t delimiter = text.empty() ? 0 : utf8::next(text, position);
  if (text.empty() || position != text.size()) field.fail("must be one character");
  return split_at(SplitBehavior::kRemoved, [delimiter](char32_t character) { return character == delimiter; });
}

PreTokenizerPtr make_fixed_length(const JsonPart& part) {
  const std::int64_t length = part.integer("length", 5);
  if (length < 1) part.at("length").fail("must be at least 1");
  return std::make_unique<FixedLength>(static_cast<std::size_t>(length));
}

/// Appends the steps of a part, with sequences flattened.
void flatten(const JsonPart& part, std::vector<JsonPart>& out) {
  if (part.type() != "Sequence") {
    out.push_back(part);
    return;
  }
  for (const JsonPart& step : part.at("pretokenizers").items()) flatten(step, out);
}

PreTokenizerPtr make_step(const JsonPart& part, bool map_bytes) {
  const std::string type = part.type();
  if (type == "Split") return make_split(part);
  if (type == "ByteLevel") return make_byte_level(part, map_bytes);
  if (type == "Metaspace") return make_metaspace(part);
  if (type == "Digits") {
    const bool each = part.boolean("individual_digits", false);
    return split_at_class(each ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, kNumber);
  }
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "WhitespaceSplit") return split_at_class(SplitBehavior::kRemoved, kWhiteSpace);
  if (type == "Punctuation") return split_at(split_behavior(part, SplitBehavior::kIsolated), is_punctuation);
  if (type == "BertPreTokenizer") return make_bert();
  if (type == "CharDelimiterSplit") return make_delimiter_split(part);
  if (type == "UnicodeScripts") return make_unicode_scripts();
  if (type == "FixedLength") return make_fixed_length(part);
  part.unknown("pre-tokenizer", type,
               {"BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace",
                "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit"});
}

}  // namespace

SplitBehavior split_behavior(const JsonPart& part, SplitBehavior fallback) {
  if (!part.has("behavior")) return fallback;
  const JsonPart field = part.at("behavior");
  const std::string name = field.string();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  field.unknown("behavior", name, {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"});
}

PreTokenization make_pre_tokenizer(const JsonPart& part, bool model_can_map_bytes) {
  std::vector<JsonPart> parts;
  flatten(part, parts);
  PreTokenization result;
  std::vector<PreTokenizerPtr> steps;
  for (const JsonPart& step : parts) {
    const bool last = &step == &parts.back();
    result.model_maps_bytes = last && model_can_map_bytes && step.type() == "ByteLevel";
    steps.push_back(make_step(step, !result.model_maps_bytes));
  }
  result.steps = sequence_of(std::move(steps));
  return result;
}

}  // namespace cambium::text
