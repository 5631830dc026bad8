#include "model/native/panel_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "model/native/bf16_product.h"
#include "tensor/convert.h"

namespace cambium::model {
namespace {

DType stored_dtype(PanelType type) {
  if (type == PanelType::kFloat32) return DType::kF32;
  return type == PanelType::kFloat16 ? DType::kF16 : DType::kBF16;
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Values as the stored type has them, and their bytes.
struct Stored {
  std::vector<std::byte> bytes;
  std::vector<float> values;
};
Stored rounded_to(PanelType type, const std::vector<float>& values) {
  Stored stored;
  stored.bytes.resize(values.size() * element_bytes(type));
  stored.values.resize(values.size());
  from_float32(stored_dtype(type), values, stored.bytes);
  to_float32(stored_dtype(type), stored.bytes, stored.values);
  return stored;
}

struct Problem {
  std::size_t outputs, inputs, rows;
};

// The product in float64, row-major [rows, outputs].
std::vector<double> reference(const Problem& p, const std::vector<float>& weight, const std::vector<float>& input) {
  std::vector<double> out(p.rows * p.outputs, 0.0);
  for (std::size_t m = 0; m < p.rows; ++m) {
    for (std::size_t n = 0; n < p.outputs; ++n) {
      for (std::size_t k = 0; k < p.inputs; ++k) {
        out[m * p.outputs + n] +=
            static_cast<double>(weight[n * p.inputs + k]) * static_cast<double>(input[m * p.inputs + k]);
      }
    }
  }
  return out;
}

// Rows as the engine lays them out: padded, an even number of values.
struct PaddedRows {
  std::vector<float> values;
  std::vector<std::uint16_t> rounded;
  std::size_t stride;
  PaddedRows(const std::vector<float>& input, std::size_t rows, std::size_t columns) : stride(row_stride(columns)) {
    values.assign(rows * stride, 0.0F);
    rounded.assign(rows * stride, 0);
    for (std::size_t m = 0; m < rows; ++m)
      std::memcpy(&values[m * stride], &input[m * columns], columns * sizeof(float));
    round_rows(values.data(), values.size(), rounded.data());
  }
  ActivationRows view(PanelType type, std::size_t rows) const {
    return {values.data(), rounds_activations(type) ? rounded.data() : nullptr, stride, rows};
  }
};

class PanelProductOf : public testing::TestWithParam<PanelType> {};
INSTANTIATE_TEST_SUITE_P(Types, PanelProductOf,
                         testing::Values(PanelType::kFloat32, PanelType::kFloat16, PanelType::kBFloat16));

TEST_P(PanelProductOf, EqualsThePlainSumAtOddSizesAndAnyNumberOfRows) {
  const PanelType type = GetParam();
  ThreadTeam team(2);
  for (const Problem p :
       {Problem{1, 1, 1}, Problem{33, 7, 3}, Problem{64, 64, 5}, Problem{97, 130, 13}, Problem{40, 96, 30}}) {
    const Stored weight = rounded_to(type, random_values(p.outputs * p.inputs, 1));
    const std::vector<float> bias = random_values(p.outputs, 2);
    // Where activations are rounded, they are given rounded.
    const std::vector<float> input = rounded_to(PanelType::kBFloat16, random_values(p.rows * p.inputs, 3)).values;
    const PackedMatrix packed(type, p.inputs, {{weight.bytes.data(), p.outputs, bias.data()}}, false, team);
    const PaddedRows rows(input, p.rows, p.inputs);
    std::vector<float> out(p.rows * row_stride(p.outputs), -1.0F);
    multiply(packed, rows.view(type, p.rows), {.values = out.data(), .stride = row_stride(p.outputs)}, 0,
             packed.panels());
    const std::vector<double> expected = reference(p, weight.values, input);
    for (std::size_t m = 0; m < p.rows; ++m) {
      for (std::size_t n = 0; n < p.outputs; ++n) {
        EXPECT_NEAR(static_cast<double>(out[m * row_stride(p.outputs) + n]),
                    expected[m * p.outputs + n] + static_cast<double>(bias[n]),
                    2e-5 * std::sqrt(static_cast<double>(p.inputs)))
            << "outputs " << p.outputs << " inputs " << p.inputs << " row " << m << " column " << n;
      }
    }
  }
}

TEST_P(PanelProductOf, GivesARowTheSameBitsWhateverRowsAreWithIt) {
  const PanelType type = GetParam();
  ThreadTeam team(1);
  const Problem p{70, 301, 29};
  const Stored weight = rounded_to(type, random_values(p.outputs * p.inputs, 4));
  const std::vector<float> input = random_values(p.rows * p.inputs, 5);
  const PackedMatrix packed(type, p.inputs, {{weight.bytes.data(), p.outputs, nullptr}}, false, team);
  const PaddedRows rows(input, p.rows, p.inputs);
  const std::size_t stride = row_stride(p.outputs);
  std::vector<float> together(p.rows * stride), alone(stride);
  multiply(packed, rows.view(type, p.rows), {.values = together.data(), .stride = stride}, 0, packed.panels());
  for (std::size_t m = 0; m < p.rows; ++m) {
    ActivationRows one = rows.view(type, 1);
    one.values += m * one.stride;
    if (one.rounded != nullptr) one.rounded += m * one.stride;
    multiply(packed, one, {.values = alone.data(), .stride = stride}, 0, packed.panels());
    EXPECT_EQ(std::memcmp(alone.data(), &together[m * stride], p.outputs * sizeof(float)), 0) << "row " << m;
  }
}

TEST(PanelProduct, GatesOnePartWithTheOther) {
  ThreadTeam team(1);
  // One input x = 2; gate weights 1 and -1, up weights 3 and 5: silu(2) * 6 and silu(-2) * 10.
  const float gate[] = {1, -1}, up[] = {3, 5};
  const PackedMatrix packed(PanelType::kFloat32, 1, {{gate, 2, nullptr}, {up, 2, nullptr}}, true, team);
  const PaddedRows rows({2.0F}, 1, 1);
  std::vector<float> out(64);
  multiply(packed, rows.view(PanelType::kFloat32, 1),
           {.mode = ProductOutput::Mode::kGate, .activation = Activation::kSilu, .values = out.data(), .stride = 64}, 0,
           2);
  EXPECT_NEAR(out[0], 2 / (1 + std::exp(-2.0)) * 6, 1e-5);
  EXPECT_NEAR(out[1], -2 / (1 + std::exp(2.0)) * 10, 1e-5);
}

TEST(PanelProduct, ActivatesAsTheFormulasSay) {
  ThreadTeam team(1);
  const float identity = 1.0F;
  const PackedMatrix packed(PanelType::kFloat32, 1, {{&identity, 1, nullptr}}, false, team);
  struct Case {
    Activation activation;
    double (*formula)(double);
  };
  const Case cases[] = {
      {Activation::kSilu, [](double x) { return x / (1 + std::exp(-x)); }},
      {Activation::kGelu, [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }},
      {Activation::kGeluTanh,
       [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }},
      {Activation::kQuickGelu, [](double x) { return x / (1 + std::exp(-1.702 * x)); }},
      {Activation::kRelu, [](double x) { return std::max(x, 0.0); }},
  };
  for (const Case& one : cases) {
    for (double x = -12; x <= 12; x += 0.173) {
      const PaddedRows rows({static_cast<float>(x)}, 1, 1);
      std::vector<float> out(64);
      multiply(
          packed, rows.view(PanelType::kFloat32, 1),
          {.mode = ProductOutput::Mode::kActivate, .activation = one.activation, .values = out.data(), .stride = 64}, 0,
          1);
      EXPECT_NEAR(out[0], one.formula(static_cast<float>(x)), 2e-6)
          << "activation " << static_cast<int>(one.activation) << " x " << x;
    }
  }
}

TEST(PanelProduct, AddsToWhatIsThere) {
  ThreadTeam team(1);
  const float weight[] = {3};
  const float bias[] = {0.5F};
  const PackedMatrix packed(PanelType::kFloat32, 1, {{weight, 1, bias}}, false, team);
  const PaddedRows rows({2.0F}, 1, 1);
  std::vector<float> out(64, 10.0F);
  multiply(packed, rows.view(PanelType::kFloat32, 1),
           {.mode = ProductOutput::Mode::kAdd, .activation = Activation::kSilu, .values = out.data(), .stride = 64}, 0,
           1);
  EXPECT_FLOAT_EQ(out[0], 16.5F);
}

}  // namespace
}  // namespace cambium::model
