#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cambium::tasks::ifeval {

// The tables that the language and sentence rules rest on, inflated; scripts/make_ifeval_tables writes them and says
// what they hold. Cost: a few milliseconds each, so that readers keep what they decode.

/// N-gram counts of 55 languages, classes of Han characters, Vietnamese compositions.
[[nodiscard]] std::string language_table();
/// Parameters of the English Punkt model.
[[nodiscard]] std::string sentence_table();

/// Walks a table: numbers in LEB128, texts behind their length.
class TableReader {
 public:
  explicit TableReader(std::string_view table) : table_(table) {}
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] std::string_view text();

 private:
  std::string_view table_;
  std::size_t position_ = 0;
};

}  // namespace cambium::tasks::ifeval
