#include "text/json_part.h"
#include "text/pattern.h"
#include "text/pre_tokenizer.h"

namespace cambium::text {

namespace {

class Split final : public PreTokenizer {
 public:
  explicit Split(const JsonPart& part)
      : pattern_(part.at("pattern")),
        behavior_(split_behavior(part, SplitBehavior::kIsolated)),
        invert_(part.boolean("invert", false)) {}

  void apply(PieceList& list) const override {
    list.split_each(behavior_, invert_, [&](std::string_view text, auto&& found) { pattern_.for_each(text, found); });
  }

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace

PreTokenizerPtr make_split(const JsonPart& part) { return std::make_unique<Split>(part); }

}  // namespace cambium::text
