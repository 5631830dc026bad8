#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "text/encoding.h"

namespace cambium::text {

class JsonPart;

/// A text's tokens before the special ones are put around them.
struct RawEncoding : Encoding {
  /// White space that an added token swallowed at its ends, for trimming offsets.
  struct Swallowed {
    std::size_t index;  // of the token
    std::uint32_t leading;
    std::uint32_t trailing;
  };
  std::vector<Swallowed> swallowed;
};

/// One step between the model and the result: trims offsets, puts special tokens around the texts.
class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  /// @param parts  the text, or the two texts of a pair; a step may leave more parts, which are joined at the end
  virtual void apply(std::vector<RawEncoding>& parts, bool add_special) const = 0;
};

using PostProcessorPtr = std::unique_ptr<const PostProcessor>;

/// @param vocabulary  for the texts of tokens; must outlive the post-processor
/// @throws CheckpointError  an unknown type (the known ones are listed) or a bad field, with file and place
[[nodiscard]] PostProcessorPtr make_post_processor(const JsonPart& part, const TokenTable& vocabulary);

/// What transformers makes of add_bos_token and add_eos_token: [bos] text [eos], and for a pair [bos] a [eos] [bos] b
/// [eos].
[[nodiscard]] PostProcessorPtr make_frame(std::optional<TokenId> bos, std::optional<TokenId> eos);

/// Joins the parts into one encoding.
[[nodiscard]] Encoding join_parts(std::vector<RawEncoding>& parts);

}  // namespace cambium::text
