#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks::ifeval {

/// Whether each instruction of a prompt was followed, in the order of `instruction_id_list`.
struct Verdict {
  std::vector<bool> strict;
  /// Any of eight variants passes: the response; without its first, its last, or both lines; these without stars.
  std::vector<bool> loose;

  [[nodiscard]] bool strict_all() const { return all(strict); }
  [[nodiscard]] bool loose_all() const { return all(loose); }

 private:
  static bool all(const std::vector<bool>& followed) { return std::ranges::find(followed, false) == followed.end(); }
};

struct VerdictOptions {
  /// Of what the reference draws without a seed: the samples of the language detector, and a letter where the data asks
  /// for one that is none.
  std::uint64_t seed = 0;
};

/// Judges a response as IFEval's reference does (Zhou et al., arXiv:2311.07911): Google's scorer and the copy in
/// lm-evaluation-harness 0.4.13, which agree. Where they would draw a missing argument at random, this refuses the row.
///
/// @param document  a row of IFEval's data: `instruction_id_list` and `kwargs` (as long); None arguments count as
/// absent
/// @throws RecipeError  a malformed row; the message names the instruction and the argument
/// Cost: microseconds to milliseconds; see detect_language for the first call.
[[nodiscard]] Verdict judge(const text::jinja::Value& document, std::string_view response,
                            const VerdictOptions& options = {});

}  // namespace cambium::tasks::ifeval
