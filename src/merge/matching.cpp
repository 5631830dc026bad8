#include "merge/matching.h"

#include <fmt/format.h>

#include <numeric>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

constexpr std::string_view kHead = "lm_head.weight";
constexpr std::string_view kEmbedding = "embed_tokens.weight";

std::int64_t embedding_rows(const Source& source) {
  const family::TensorRole* embedding = source.find_canonical(kEmbedding);
  return embedding == nullptr || embedding->shape.empty() ? 0 : embedding->shape.front();
}

}  // namespace

Matching::Matching(SourcePool& pool, const Source& layout, const Source& source, bool by_index)
    : layout_(&layout), source_(&source) {
  auto rows = std::make_shared<std::vector<std::int64_t>>();
  if (&layout == &source) {
    rows->resize(static_cast<std::size_t>(embedding_rows(layout)));
    std::iota(rows->begin(), rows->end(), 0);
    rows_ = std::move(rows);
    return;
  }
  // An alignment is between a base and a model made from it; the multimodal one is the model.
  layout_is_model_ = layout.description().multimodal && !source.description().multimodal;
  const Source& base = layout_is_model_ ? source : layout;
  const Source& model = layout_is_model_ ? layout : source;
  alignment_ = &pool.alignment(base, model, by_index);
  alignment_->require_complete();
  const family::VocabularyRows& vocabulary = alignment_->vocabulary;
  *rows = layout_is_model_ ? vocabulary.base_row : vocabulary.model_row;
  // Where a new token took an unused row of the padded vocabulary, the two rows have nothing to do with each other.
  for (const std::int64_t row : vocabulary.new_token_rows) {
    const auto number = static_cast<std::size_t>(row);
    if (layout_is_model_) {
      (*rows)[number] = -1;
    } else if (vocabulary.base_row[number] >= 0) {
      (*rows)[static_cast<std::size_t>(vocabulary.base_row[number])] = -1;
    }
  }
  rows_ = std::move(rows);
  for (const std::string& note : alignment_->notes) {
    notes_.push_back(fmt::format("{} and {}: {}", base.label(), model.label(), note));
  }
}

const family::Reading* Matching::reading(std::string_view tensor) const {
  return layout_is_model_ ? alignment_->find_model(tensor) : alignment_->find_base(tensor);
}

TensorForm Matching::form(const family::Reading& reading, const Shape& shape, bool rows) const {
  if (!reading.vocabulary) return form_of(*source_, reading, shape);
  if (rows) {
    TensorForm form = form_of(*source_, reading, shape);
    form.rows = rows_;
    return form;
  }
  family::Reading plain = reading;
  plain.vocabulary = false;
  Shape stored = shape;
  stored.front() = reading.pieces.front().source_rows.total();
  return form_of(*source_, std::move(plain), std::move(stored));
}

std::optional<TensorForm> Matching::find(const family::TensorRole& tensor, bool rows) const {
  if (alignment_ == nullptr) return form(whole_reading(tensor), tensor.shape, rows);
  if (const family::Reading* found = reading(tensor.name)) return form(*found, tensor.shape, rows);
  if (tensor.role == family::Role::kLmHead) {
    if (const family::TensorRole* embedding = layout_->find_canonical(kEmbedding)) return find_head(*embedding, rows);
  }
  return std::nullopt;
}

std::optional<TensorForm> Matching::find_head(const family::TensorRole& layout_embedding, bool rows) const {
  if (const family::TensorRole* head = source_->find_canonical(kHead)) {
    return form(whole_reading(*head), layout_embedding.shape, rows);
  }
  return find(layout_embedding, rows);
}

}  // namespace cambium::merge
