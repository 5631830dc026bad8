#include "merge/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "merge/method_table.h"

namespace cambium::merge {
namespace {

// "org/name" as a hub writes it, not a folder of this machine.
bool is_hub_name(std::string_view model) {
  const auto slash = model.find('/');
  if (slash == std::string_view::npos || slash == 0 || model.find('/', slash + 1) != std::string_view::npos)
    return false;
  if (model.front() == '.' || model.front() == '~') return false;
  std::error_code error;
  return !std::filesystem::exists(std::filesystem::path(model), error);
}

// A folder is shown by its name alone: where it lay is nobody's business.
std::string shown(const ModelReference& reference) {
  const auto one = [](const std::string& text) {
    if (is_hub_name(text)) return fmt::format("[{0}](https://huggingface.co/{0})", text);
    std::filesystem::path path(text);
    if (path.filename().empty()) path = path.parent_path();
    return "`" + path.filename().string() + "`";
  };
  return reference.adapter ? one(reference.model) + " + " + one(*reference.adapter) : one(reference.model);
}

std::string source_link(std::string_view source) {
  constexpr std::string_view kArxiv = "arXiv:";
  if (!source.starts_with(kArxiv)) return std::string(source);
  const std::string_view number = source.substr(kArxiv.size());
  return fmt::format("[{}](https://arxiv.org/abs/{})", source, number.substr(0, number.find(' ')));
}

}  // namespace

std::string model_card(const MergePlan& plan, const Recipe& recipe, std::string_view name, std::string_view version) {
  const MethodInfo& method = *find_method(recipe.method).info;
  std::string hub;
  for (const ModelReference& model : recipe.models()) {
    if (is_hub_name(model.model)) hub += fmt::format("- {}\n", model.model);
  }
  std::string card = "---\n";
  if (!hub.empty()) card += "base_model:\n" + hub;
  card += "library_name: transformers\ntags:\n- cambium\n- merge\n---\n";
  card += fmt::format("# {}\n\nA merge of pre-trained models, made with Cambium {}.\n\n", name, version);
  card += fmt::format("Method: `{}` ({}; {}).\n\n", method.name, method.help, source_link(method.source));
  card += "| model | part in the merge |\n| --- | --- |\n";
  for (const ModelReference& model : recipe.models()) {
    const bool base = recipe.base_model && *recipe.base_model == model;
    std::string part = base ? "base" : "merged";
    if (plan.layout->reference() == model) part += ", gives names, config and files";
    card += fmt::format("| {} | {} |\n", shown(model), part);
  }
  const auto carried = std::ranges::count_if(plan.tensors, &PlannedTensor::carried);
  card += fmt::format(
      "\n{} tensors were merged, {} carried over unchanged. `provenance.json` has the numbers and hashes "
      "of each.\n\n",
      static_cast<std::ptrdiff_t>(plan.tensors.size()) - carried, carried);
  card += fmt::format("Recipe:\n\n```yaml\n{}{}```\n", recipe.text, recipe.text.ends_with('\n') ? "" : "\n");
  return card;
}

}  // namespace cambium::merge
