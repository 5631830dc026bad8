#include <algorithm>

#include "checkpoint/vocabulary.h"
#include "family/alignment.h"

namespace cambium::family {
namespace {

void pair_rows(VocabularyRows& rows, std::int64_t base, std::int64_t model) {
  rows.model_row[static_cast<std::size_t>(base)] = model;
  rows.base_row[static_cast<std::size_t>(model)] = base;
  ++rows.shared_rows;
}

}  // namespace

VocabularyRows match_vocabularies(const checkpoint::Vocabulary* base_vocabulary, std::int64_t base_rows,
                                  const checkpoint::Vocabulary* model_vocabulary, std::int64_t model_rows) {
  VocabularyRows rows;
  rows.base_rows = base_rows;
  rows.model_rows = model_rows;
  rows.model_row.assign(static_cast<std::size_t>(base_rows), -1);
  rows.base_row.assign(static_cast<std::size_t>(model_rows), -1);
  const std::int64_t common = std::min(base_rows, model_rows);
  if (base_vocabulary == nullptr || model_vocabulary == nullptr) {
    for (std::int64_t row = 0; row < common; ++row) pair_rows(rows, row, row);
    return rows;
  }

  rows.rule = VocabularyRows::Rule::kToken;
  for (std::int64_t row = 0; row < base_rows; ++row) {
    const auto token = base_vocabulary->token(row);
    if (!token.has_value()) continue;
    const auto id = model_vocabulary->id(*token);
    if (id.has_value() && *id < model_rows) pair_rows(rows, row, *id);
  }
  rows.token_rows = rows.shared_rows;
  for (std::int64_t row = 0; row < common; ++row) {
    if (base_vocabulary->token(row).has_value() || rows.base_row[static_cast<std::size_t>(row)] >= 0) continue;
    pair_rows(rows, row, row);
    if (model_vocabulary->token(row).has_value()) rows.new_token_rows.push_back(row);
  }
  return rows;
}

}  // namespace cambium::family
