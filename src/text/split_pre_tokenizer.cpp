#include "text/json_part.h"
#include "text/pattern.h"
#include "text/pre_tokenizer.h"
#include "text/word_scanner.h"

namespace cambium::text {

namespace {

class Split final : public PreTokenizer {
 public:
  explicit Split(const JsonPart& part)
      : pattern_(part.at("pattern")),
        behavior_(split_behavior(part, SplitBehavior::kIsolated)),
        invert_(part.boolean("invert", false)) {
    // The known patterns match everything, so these two ways to split come to the same.

    const bool keeps_all = behavior_ == SplitBehavior::kIsolated || (invert_ && behavior_ == SplitBehavior::kRemoved);
    if (keeps_all) scanner_ = WordScanner::for_pattern(pattern_.regex_source());
  }

  void apply(PieceList& list) const override {
    if (scanner_) {
      list.cut_words(*scanner_);
      return;
    }
    list.split_each(behavior_, invert_, [&](std::string_view text, auto&& found) { pattern_.for_each(text, found); });
  }

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
  std::optional<WordScanner> scanner_;
};

}  // namespace

PreTokenizerPtr make_split(const JsonPart& part) { return std::make_unique<Split>(part); }

}  // namespace cambium::text
