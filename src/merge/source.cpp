#include "merge/source.h"

#include <algorithm>
#include <utility>

#include "checkpoint/open_file.h"

namespace cambium::merge {

std::string CompanionFile::read() const { return contents ? *contents : checkpoint::read_file(path); }

Source::Source(ModelReference reference, std::shared_ptr<const checkpoint::WeightSource> weights,
               checkpoint::Json config, std::vector<CompanionFile> companions, std::vector<std::filesystem::path> files,
               std::shared_ptr<const VirtualMerge> computed, const Source* adapted)
    : reference_(std::move(reference)),
      label_(reference_.text()),
      weights_(std::move(weights)),
      config_(std::move(config)),
      description_(family::describe(config_, weights_->tensors(), label_)),
      companions_(std::move(companions)),
      files_(std::move(files)),
      computed_(std::move(computed)),
      adapted_(adapted) {
  for (const family::TensorRole& role : description_.tensors) canonical_.emplace(role.canonical, &role);
}

const CompanionFile* Source::companion(std::string_view name) const {
  const auto found = std::ranges::find(companions_, name, &CompanionFile::name);
  return found == companions_.end() ? nullptr : &*found;
}

const checkpoint::Vocabulary* Source::vocabulary() const {
  std::call_once(vocabulary_read_, [&] {
    if (const CompanionFile* file = companion("tokenizer.json")) {
      vocabulary_ = checkpoint::Vocabulary::parse(file->read(), label_ + "/tokenizer.json");
    }
  });
  return vocabulary_ ? &*vocabulary_ : nullptr;
}

const family::TensorRole* Source::find_canonical(std::string_view canonical) const {
  const auto found = canonical_.find(canonical);
  return found == canonical_.end() ? nullptr : found->second;
}

family::AlignmentSide Source::side() const { return {&description_, vocabulary(), label_}; }

}  // namespace cambium::merge
