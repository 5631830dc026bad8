#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/safetensors.h"
#include "merge/execute.h"
#include "merge/recorded_masks.h"
#include "support/memory_tensor.h"

namespace cambium::merge {
namespace {

using checkpoint::Json;
using testing_support::MemoryInput;
using testing_support::MemoryOutput;

const std::string kFolder = std::string(CAMBIUM_SOURCE_DIR) + "/tests/golden/merge_methods";

class Tensors {
 public:
  explicit Tensors(const std::string& path) : file_(path) {
    for (const checkpoint::StoredTensor& tensor : file_.tensors()) by_name_[tensor.name] = &tensor;
  }
  [[nodiscard]] const checkpoint::StoredTensor& info(const std::string& name) const { return *by_name_.at(name); }
  [[nodiscard]] std::span<const std::byte> bytes(const std::string& name) const { return file_.bytes(info(name)); }
  [[nodiscard]] std::vector<float> values(const std::string& name) const {
    return testing_support::floats_of(info(name).dtype, bytes(name));
  }

 private:
  checkpoint::SafetensorsFile file_;
  std::map<std::string, const checkpoint::StoredTensor*> by_name_;
};

struct Case {
  std::string id;
  TensorTask task;
  RecordedMasks masks;
  std::vector<float> expected;
  std::set<std::size_t> ambiguous;

  Case(const Tensors& tensors, const Json& json, std::size_t number) : id(fmt::format("{:03d}", number)) {
    const std::string shape = json["shape"];
    task.name = "tensor";
    task.method = json["method"];
    task.compute_dtype = task.out_dtype = *dtype_from_name(json["dtype"].get<std::string>());
    for (const Json& input : json["inputs"]) {
      const std::string model = input["model"];
      const std::string name = "in::" + shape + "::" + model;
      task.shape = tensors.info(name).shape;
      const std::span<const std::byte> bytes = tensors.bytes(name);
      TaskInput& added = task.inputs.emplace_back();
      added.tensor = std::make_shared<MemoryInput>(model, DType::kF32, task.shape,
                                                   std::vector<std::byte>(bytes.begin(), bytes.end()));
      added.is_base = input["base"];
      added.model = model;
      for (const auto& [key, value] : input["parameters"].items()) added.parameters[key] = value;
    }
    for (const auto& [key, value] : json["parameters"].items()) task.parameters[key] = value;
    for (const Json& model : json["masked"]) {
      std::vector<std::uint8_t> mask;
      for (const std::byte kept : tensors.bytes("mask::" + id + "::" + model.get<std::string>())) {
        mask.push_back(static_cast<std::uint8_t>(kept));
      }
      masks.add(task.name, model, mask);
    }
    expected = tensors.values("out::" + id);
    for (const Json& index : json["ambiguous"]) ambiguous.insert(index.get<std::size_t>());
  }

  [[nodiscard]] std::string description() const {
    std::string text =
        fmt::format("case {} {} {} {}:", id, task.method, name_of(task.out_dtype), to_string(task.shape));
    for (const TaskInput& input : task.inputs) {
      text += fmt::format(" {}{}", input.model, input.is_base ? "(base)" : "");
      for (const auto& [name, value] : input.parameters) text += fmt::format(" {}={}", name, value);
    }
    for (const auto& [name, value] : task.parameters) text += fmt::format(" {}={}", name, value);
    return text;
  }
};

double unit_in_the_last_place(DType dtype, float value) {
  int exponent = 0;
  std::frexp(value, &exponent);
  const int digits = dtype == DType::kBF16 ? 8 : 11;
  return std::ldexp(1.0, std::max(exponent, dtype == DType::kF16 ? -13 : -125) - digits);
}

// Methods that interpolate on a sphere: mergekit rounds whole directions to the type between steps and so loses up to
// some units in the last place; here they are float32 to the end.
const std::set<std::string> kSpherical{"nuslerp", "multislerp", "karcher"};

// Tolerance: linear has equal bits; float32 1e-6 of the tensor's largest value; other types one unit in the last place
// (of the value, or of a thousandth of the largest value where sums cancel), spherical ones two of the largest value.
void expect_equal(const Case& test, const std::vector<float>& got) {
  float largest = 0;
  for (const float value : test.expected) largest = std::max(largest, std::abs(value));
  const float least = kSpherical.contains(test.task.method) ? largest : largest / 1000;
  std::size_t wrong = 0, first = 0;
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (test.ambiguous.contains(i)) continue;
    const double off = std::abs(static_cast<double>(got[i]) - static_cast<double>(test.expected[i]));
    double allowed = 1e-6 * static_cast<double>(largest);
    if (test.task.method == "linear") {
      allowed = 0;
    } else if (test.task.out_dtype != DType::kF32) {
      allowed = unit_in_the_last_place(test.task.out_dtype, std::max(std::abs(test.expected[i]), least));
      if (kSpherical.contains(test.task.method)) allowed *= 2;
    }
    if (off <= allowed) continue;
    if (wrong++ == 0) first = i;
    worst = std::max(worst, off / std::max(allowed, 1e-30));
  }
  // The softmax of a row rounded to 16 bits decides which elements arcee_fusion takes: one may fall on the other side.
  const bool coarse = test.task.method == "arcee_fusion" && test.task.out_dtype != DType::kF32;
  EXPECT_LE(wrong, coarse ? got.size() / 100 : 0)
      << test.description() << "\n  element " << first << " is " << got[first] << ", expected " << test.expected[first]
      << "; worst " << worst << " x tolerance";
}

TEST(MergeMethods, GiveWhatMergekitGivesForEveryMethodTypeAndShape) {
  const Tensors tensors(kFolder + "/cases.safetensors");
  const Json cases = checkpoint::read_json(kFolder + "/cases.json");
  std::set<std::string> methods;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case test(tensors, cases[i], i);
    methods.insert(test.task.method);
    MemoryOutput out(test.task.out_dtype, test.task.shape);
    (void)execute(test.task, out, {.masks = &test.masks});
    EXPECT_TRUE(out.complete()) << test.description();
    expect_equal(test, out.values());
  }
  EXPECT_EQ(methods.size(), 20U);
}

}  // namespace
}  // namespace cambium::merge
