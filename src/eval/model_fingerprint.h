#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cambium::checkpoint {
class WeightSource;
}

namespace cambium::eval {

/// A name for everything about a model that decides its answers: the content of all tensors and of the small files
/// beside them (config, tokenizer, chat template, generation config). A recipe is named by its plan and its inputs'
/// files. Cost: reads all tensors once, at memory speed with all threads; nothing of a recipe.
/// @param folder  of the small files @throws SystemError  a file cannot be read
[[nodiscard]] std::string model_fingerprint(const checkpoint::WeightSource& weights,
                                            const std::filesystem::path& folder, unsigned threads);

/// Elements of all tensors.
[[nodiscard]] std::uint64_t parameter_count(const checkpoint::WeightSource& weights);

}  // namespace cambium::eval
