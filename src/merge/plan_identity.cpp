#include "merge/plan_identity.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>
#include <string>

#include "checkpoint/model_folder.h"
#include "merge/virtual_merge.h"

namespace cambium::merge {
namespace {

void add_parameters(std::string& text, const Parameters& parameters) {
  for (const auto& [name, value] : parameters) fmt::format_to(std::back_inserter(text), " {}={:a}", name, value);
}

void add_form(std::string& text, const TensorForm& form) {
  fmt::format_to(std::back_inserter(text), " {}{}", cambium::name_of(form.dtype), to_string(form.shape));
  for (const family::Piece& piece : form.reading.pieces) {
    const family::RowBlocks &from = piece.source_rows, &to = piece.target_rows;
    fmt::format_to(std::back_inserter(text), " {}:{}/{}/{}/{}>{}/{}/{}/{}{}", piece.source, from.first, from.rows,
                   from.stride, from.count, to.first, to.rows, to.stride, to.count, piece.source_transposed ? "t" : "");
  }
  if (form.rows) {
    fmt::format_to(std::back_inserter(text), " rows {}",
                   to_string(checkpoint::hash_bytes(std::as_bytes(std::span(*form.rows)))));
  }
}

// The files of a model: name, size and time of change of each shard.
void add_source(std::string& text, const Source& source) {
  fmt::format_to(std::back_inserter(text), "model {}\n", source.label());
  if (const VirtualMerge* merge = source.computed()) {
    fmt::format_to(std::back_inserter(text), "computed {}\n", to_string(merge->identity()));
    return;
  }
  if (source.adapted() != nullptr) add_source(text, *source.adapted());
  for (const std::filesystem::path& file : source.files()) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) continue;
    fmt::format_to(std::back_inserter(text), "file {} {} {}.{}\n", file.filename().string(), status.st_size,
                   status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
}

}  // namespace

std::string input_text(const PlannedTensor& tensor, const PlannedPart& part) {
  std::string text =
      fmt::format("\n{}{} in {}", tensor.output.name, part.suffix, cambium::name_of(tensor.compute_dtype));
  for (const std::size_t number : part.inputs) {
    const PlannedInput& input = tensor.inputs[number];
    fmt::format_to(std::back_inserter(text), "\n input {}{}", input.source->label(), input.is_base ? " base" : "");
    add_form(text, input.form);
  }
  return text;
}

std::string identity_text(const PlannedTensor& tensor) {
  std::string text = fmt::format("{} {}{} in {}", tensor.output.name, cambium::name_of(tensor.output.dtype),
                                 to_string(tensor.output.shape), cambium::name_of(tensor.compute_dtype));
  for (const PlannedInput& input : tensor.inputs) {
    fmt::format_to(std::back_inserter(text), "\n input {}{}", input.source->label(), input.is_base ? " base" : "");
    add_form(text, input.form);
  }
  for (const PlannedPart& part : tensor.parts) {
    fmt::format_to(std::back_inserter(text), "\n part{} {} {}{}", part.suffix, part.method,
                   to_string(part.region.shape()), part.heads ? " by head" : "");
    add_parameters(text, part.shared);
    for (std::size_t i = 0; i < part.inputs.size(); ++i) {
      fmt::format_to(std::back_inserter(text), " | {}", part.inputs[i]);
      add_parameters(text, part.per_input[i]);
    }
  }
  return text;
}

checkpoint::ContentHash identity_of(const MergePlan& plan, const Recipe& recipe) {
  std::string text = fmt::format("cambium merge 1\nseed {} nonfinite {}\n{}\n{}", plan.seed, plan.allow_nonfinite,
                                 recipe.text, plan.config.dump());
  std::set<const Source*> seen;
  for (const PlannedTensor& tensor : plan.tensors) {
    text += "\n" + identity_text(tensor);
    for (const PlannedInput& input : tensor.inputs) {
      if (!seen.insert(input.source).second) continue;
      text += "\n";
      add_source(text, *input.source);
    }
  }
  return checkpoint::hash_text(text);
}

}  // namespace cambium::merge
