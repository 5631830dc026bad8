#include "family/alignment.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace cambium::family {
namespace {

constexpr std::size_t kListedInMessage = 20;

const Reading* find_in(const std::vector<Reading>& readings, const std::optional<Reading>& head,
                       std::string_view target) {
  if (head.has_value() && head->target == target) return &*head;
  const auto found =
      std::ranges::lower_bound(readings, target, {}, [](const Reading& r) -> std::string_view { return r.target; });
  return found != readings.end() && found->target == target ? &*found : nullptr;
}

}  // namespace

bool Reading::same_form() const {
  return pieces.size() == 1 && pieces[0].whole_source && pieces[0].source_transposed == target_transposed;
}

std::string_view Reading::kind() const {
  if (same_form()) return "same";
  if (pieces.size() > 1) return "parts";
  return pieces[0].whole_source ? "transposed" : "part";
}

bool VocabularyRows::identity() const {
  for (std::int64_t row = 0; row < shared_rows; ++row) {
    if (model_row[static_cast<std::size_t>(row)] != row) return false;
  }
  return true;
}

void Alignment::require_complete() const {
  if (problems.empty()) return;
  std::string message = fmt::format("{} and {} do not fit together", base_label, model_label);
  for (const Problem& problem : problems) {
    const auto shown = static_cast<std::ptrdiff_t>(std::min(problem.tensors.size(), kListedInMessage));
    message += fmt::format("\n  {}: {}", problem.message,
                           fmt::join(problem.tensors.begin(), problem.tensors.begin() + shown, ", "));
    if (problem.tensors.size() > kListedInMessage) {
      message += fmt::format(" and {} more", problem.tensors.size() - kListedInMessage);
    }
  }
  throw ShapeError(message);
}

const Reading* Alignment::find_base(std::string_view base_tensor) const {
  return find_in(base_from_model, base_head_from_model_embedding, base_tensor);
}

const Reading* Alignment::find_model(std::string_view model_tensor) const {
  return find_in(model_from_base, model_head_from_base_embedding, model_tensor);
}

}  // namespace cambium::family
