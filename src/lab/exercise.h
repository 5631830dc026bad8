#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cambium::lab {

/// One question with its answer: a training row or a test row of a skill.
struct Exercise {
  std::string question;
  std::string answer;                ///< what is to be learned: the worked solution where there is one
  std::string target;                ///< the short answer that a test compares with
  std::vector<std::string> choices;  ///< of a multiple-choice skill; empty: the answer is generated
  std::size_t correct = 0;           ///< index into choices
  std::string key;                   ///< what decides on which side it falls: two exercises of one key are never split
  std::string medium;                ///< file name of its picture, clip or sound; empty for text
  std::string topic;                 ///< kind of question within the skill
};

enum class Side { kTrain, kTest };

/// Side of a key: about one key in `one_in` is test material, for every seed the same ones.
[[nodiscard]] Side side_of(const std::string& key, std::uint64_t seed, std::uint64_t one_in = 4);

}  // namespace cambium::lab
