#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::tasks::ifeval {

/// English words and marks by the rules of the Penn Treebank, sentence by sentence, as nltk's word_tokenize cuts them:
/// contractions are two words ("do n't"), quotes become `` and ''.
[[nodiscard]] std::vector<std::string> treebank_words(std::string_view text);

/// Matches of the regular expression \w+ in Python: "it's" and "3.5" are two each.
[[nodiscard]] std::size_t count_words(std::string_view text);

/// Python's str.isupper and str.islower: at least one character with case, and none of the other one.
[[nodiscard]] bool is_upper_text(std::string_view text);
[[nodiscard]] bool is_lower_text(std::string_view text);

}  // namespace cambium::tasks::ifeval
