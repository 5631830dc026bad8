#include "eval/model_fingerprint.h"

#include <algorithm>
#include <vector>

#include "checkpoint/content_hash.h"
#include "checkpoint/open_file.h"
#include "checkpoint/weight_source.h"
#include "merge/virtual_merge.h"
#include "tensor/workers.h"

namespace cambium::eval {

namespace {

// Files that shape answers; a README does not.
bool decides_answers(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".json" || extension == ".jinja" || extension == ".model" || extension == ".txt";
}

std::string hash_of_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && decides_answers(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::string all;
  for (const std::filesystem::path& file : files) {
    all += file.filename().string() + " " + checkpoint::to_string(checkpoint::hash_text(checkpoint::read_file(file))) +
           "\n";
  }
  return all;
}

std::string hash_of_tensors(const checkpoint::WeightSource& weights, unsigned threads) {
  const std::vector<checkpoint::TensorInfo>& tensors = weights.tensors();
  std::vector<checkpoint::ContentHash> hashes(tensors.size());
  Workers workers(threads == 0 ? default_threads() : threads);
  workers.for_each(tensors.size(), [&](std::size_t i, unsigned) {
    const checkpoint::TensorInfo& tensor = tensors[i];
    std::span<const std::byte> stored = weights.mapped(tensor.name);
    std::vector<std::byte> copy;
    if (stored.size() != tensor.bytes()) {
      copy.resize(tensor.bytes());
      weights.read(tensor.name, copy);
      stored = copy;
    }
    hashes[i] = checkpoint::hash_tensor(tensor.dtype, tensor.shape, stored);
  });
  std::string all;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    all += tensors[i].name + " " + checkpoint::to_string(hashes[i]) + "\n";
  return all;
}

}  // namespace

std::string model_fingerprint(const checkpoint::WeightSource& weights, const std::filesystem::path& folder,
                              unsigned threads) {
  const auto* merged = dynamic_cast<const merge::VirtualMerge*>(&weights);
  const std::string content =
      merged != nullptr ? checkpoint::to_string(merged->identity()) : hash_of_tensors(weights, threads);
  return checkpoint::to_string(checkpoint::hash_text(content + "\n" + hash_of_files(folder)));
}

std::uint64_t parameter_count(const checkpoint::WeightSource& weights) {
  std::uint64_t count = 0;
  for (const checkpoint::TensorInfo& tensor : weights.tensors()) count += numel(tensor.shape);
  return count;
}

}  // namespace cambium::eval
