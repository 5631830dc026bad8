#include "tasks/ifeval/punkt_parameters.h"

#include "tasks/ifeval/embedded_tables.h"

namespace cambium::tasks::ifeval {

const PunktParameters& PunktParameters::english() {
  static const PunktParameters parameters;
  return parameters;
}

PunktParameters::PunktParameters() : table_(sentence_table()) {
  TableReader reader(table_);
  for (std::uint64_t left = reader.number(); left > 0; --left) abbreviations_.insert(reader.text());
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    const std::string_view first = reader.text();
    collocations_.emplace(first, reader.text());
  }
  for (std::uint64_t left = reader.number(); left > 0; --left) starters_.insert(reader.text());
  const std::uint64_t words = reader.number();
  contexts_.reserve(words);
  for (std::uint64_t left = words; left > 0; --left) {
    const std::string_view word = reader.text();
    contexts_.emplace(word, static_cast<std::uint8_t>(reader.number()));
  }
}

unsigned PunktParameters::contexts(std::string_view word) const {
  const auto found = contexts_.find(word);
  return found == contexts_.end() ? 0 : found->second;
}

}  // namespace cambium::tasks::ifeval
