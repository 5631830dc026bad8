#pragma once

#include <array>
#include <cstdint>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// How a task vector is made sparse before it is weighted.
enum class Sparsify : std::uint8_t {
  kNone,
  kMagnitude,    ///< the largest of the tensor
  kOutliers,     ///< the largest but for the share gamma at the top
  kRandom,       ///< each with probability density
  kRandomRanks,  ///< the same, rising with the rank in its row by +- epsilon
};

/// merged = base + lambda * sum_i weight_i * sparse(model_i - base) / normaliser: one family of methods that differ in
/// how they sparsify and in whether signs are elected. Each step is rounded to the compute type.
///
/// With `rescale`, what is kept is scaled so that its sum of magnitudes is the task vector's again (mergekit's reading
/// of DARE's 1 / density). With election (TIES), an element takes only the task vectors that have the sign of their
/// weighted sum.
struct TaskVectorMethod {
  Sparsify sparsify = Sparsify::kNone;
  bool elect_signs = false;
};

/// @throws ValueError  density, gamma or epsilon outside the method's range
void check_task_vectors(const TensorTask& task, const TaskVectorMethod& method);
void merge_task_vectors(TensorRun& run, const TaskVectorMethod& method);

namespace task_vector_parameters {

inline constexpr ParameterInfo kWeight{.name = "weight",
                                       .scope = ParameterScope::kPerTuned,
                                       .required = true,
                                       .help = "scale of this model's task vector"};
inline constexpr ParameterInfo kDensity{
    .name = "density", .scope = ParameterScope::kPerTuned, .fallback = 1, .help = "share of the task vector to keep"};
inline constexpr ParameterInfo kGamma{.name = "gamma",
                                      .scope = ParameterScope::kPerTuned,
                                      .fallback = 0.01,
                                      .help = "share of the largest changes to drop"};
inline constexpr ParameterInfo kEpsilon{.name = "epsilon",
                                        .scope = ParameterScope::kPerTuned,
                                        .fallback = 0.15,
                                        .help = "half the spread of the keep probability over the ranks of a row"};
inline constexpr ParameterInfo kLambda{.name = "lambda", .fallback = 1, .help = "scale of the merged task vector"};
inline constexpr ParameterInfo kInt8Mask{.name = "int8_mask",
                                         .kind = ParameterKind::kBoolean,
                                         .fallback = 0,
                                         .help = "no effect on the result; taken as mergekit has it"};
constexpr ParameterInfo normalize(bool fallback) {
  return {.name = "normalize",
          .kind = ParameterKind::kBoolean,
          .fallback = fallback ? 1.0 : 0.0,
          .help = "divide by the weights that took part"};
}
constexpr ParameterInfo rescale(bool fallback) {
  return {.name = "rescale",
          .kind = ParameterKind::kBoolean,
          .fallback = fallback ? 1.0 : 0.0,
          .help = "scale what is kept to the task vector's sum of magnitudes"};
}

}  // namespace task_vector_parameters

/// Plain sum of weighted task vectors. Ilharco et al., arXiv:2212.04089, section 2.
struct TaskArithmetic {
  static constexpr TaskVectorMethod kMethod{};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,          task_vector_parameters::kDensity,
      task_vector_parameters::normalize(false), task_vector_parameters::rescale(false),
      task_vector_parameters::kLambda,          task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "task_arithmetic",
                                    .source = "arXiv:2212.04089",
                                    .help = "base plus the sum of weighted task vectors",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};
};

/// Trim, elect sign, merge. Yadav et al., arXiv:2306.01708, algorithm 1.
struct Ties {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kMagnitude, .elect_signs = true};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,        task_vector_parameters::kDensity, task_vector_parameters::normalize(true),
      task_vector_parameters::rescale(false), task_vector_parameters::kLambda,  task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "ties",
                                    .source = "arXiv:2306.01708",
                                    .help = "the largest changes of each model, where they agree in sign",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};
};

/// Drop at random and rescale. Yu et al., arXiv:2311.03099, section 3.2.
struct DareLinear {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kRandom, .elect_signs = false};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,       task_vector_parameters::kDensity, task_vector_parameters::normalize(false),
      task_vector_parameters::rescale(true), task_vector_parameters::kLambda,  task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "dare_linear",
                                    .source = "arXiv:2311.03099",
                                    .help = "task vectors thinned out at random, then summed",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters,
                                    .random = true};
};

/// DARE with the sign election of TIES.
struct DareTies {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kRandom, .elect_signs = true};
  static constexpr std::array kParameters = DareLinear::kParameters;
  static constexpr MethodInfo kInfo{.name = "dare_ties",
                                    .source = "arXiv:2311.03099",
                                    .help = "task vectors thinned out at random, where they agree in sign",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters,
                                    .random = true};
};

/// MagPrune, elect, fuse. Deep et al., arXiv:2406.11617, section 3.
struct Della {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kRandomRanks, .elect_signs = true};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,         task_vector_parameters::kDensity,      task_vector_parameters::kEpsilon,
      task_vector_parameters::normalize(true), task_vector_parameters::rescale(true), task_vector_parameters::kLambda,
      task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "della",
                                    .source = "arXiv:2406.11617",
                                    .help = "dare_ties that keeps larger changes more often",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters,
                                    .random = true};
};

/// MagPrune without sign election.
struct DellaLinear {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kRandomRanks, .elect_signs = false};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,          task_vector_parameters::kDensity,      task_vector_parameters::kEpsilon,
      task_vector_parameters::normalize(false), task_vector_parameters::rescale(true), task_vector_parameters::kLambda,
      task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "della_linear",
                                    .source = "arXiv:2406.11617",
                                    .help = "dare_linear that keeps larger changes more often",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters,
                                    .random = true};
};

/// Drop the outliers and the smallest. Davari and Belilovsky, arXiv:2312.06795, section 3.
struct Breadcrumbs {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kOutliers, .elect_signs = false};
  static constexpr std::array kParameters{
      task_vector_parameters::kWeight,          task_vector_parameters::kDensity,       task_vector_parameters::kGamma,
      task_vector_parameters::normalize(false), task_vector_parameters::rescale(false), task_vector_parameters::kLambda,
      task_vector_parameters::kInt8Mask};
  static constexpr MethodInfo kInfo{.name = "breadcrumbs",
                                    .source = "arXiv:2312.06795",
                                    .help = "task vectors without their smallest and largest changes",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};
};

/// Breadcrumbs with the sign election of TIES.
struct BreadcrumbsTies {
  static constexpr TaskVectorMethod kMethod{.sparsify = Sparsify::kOutliers, .elect_signs = true};
  static constexpr std::array kParameters = Breadcrumbs::kParameters;
  static constexpr MethodInfo kInfo{.name = "breadcrumbs_ties",
                                    .source = "arXiv:2312.06795",
                                    .help = "breadcrumbs where the models agree in sign",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};
};

}  // namespace cambium::merge
