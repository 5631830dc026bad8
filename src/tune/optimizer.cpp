#include "tune/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tune/numeric_rows.h"

namespace cambium::tune {

namespace {

constexpr std::int64_t kPiece = 1 << 16;  // elements that one thread takes at a time

Row piece_of(const at::Tensor& tensor, std::int64_t offset) {
  if (!tensor.defined()) return {};
  return {static_cast<char*>(tensor.data_ptr()) + static_cast<std::size_t>(offset) * tensor.element_size(),
          tensor.scalar_type() == at::kBFloat16 ? RowType::kBFloat16 : RowType::kFloat32};
}

}  // namespace

Optimizer::Optimizer(ParameterSet& parameters, const OptimizerOptions& options)
    : parameters_(parameters), options_(options) {
  for (const Parameter& parameter : parameters.all()) {
    if (!parameter.rule.trained) continue;
    ranges_.push_back(
        {parameter.offset, parameter.value.numel(), parameter.rule.rate_factor, parameter.rule.weight_decay});
  }
  const std::int64_t size = parameters.values().numel();
  first_ = at::zeros({size}, at::TensorOptions().dtype(options.state_type));
  second_ = at::zeros({size}, at::TensorOptions().dtype(options.state_type));
  if (parameters.dtype() == at::kBFloat16 && options.precision == WeightPrecision::kMaster) {
    master_ = parameters.values().to(at::kFloat);
  }
  if (options.pull > 0) keep_anchor();
}

void Optimizer::keep_anchor() {
  if (!anchor_.defined()) anchor_ = parameters_.values().clone();
}

double Optimizer::gradient_squares() const {
  const at::Tensor& gradients = parameters_.gradients();
  const std::int64_t size = gradients.numel(), pieces = (size + kPiece - 1) / kPiece;
  std::vector<double> sums(static_cast<std::size_t>(pieces));
  at::parallel_for(0, pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      sums[static_cast<std::size_t>(i)] =
          sum_of_squares(piece_of(gradients, i * kPiece), std::min(kPiece, size - i * kPiece));
    }
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

void Optimizer::step(double rate, double gradient_scale) {
  ++steps_;
  const double correction1 = 1.0 - std::pow(options_.beta1, static_cast<double>(steps_));
  const double correction2 = 1.0 - std::pow(options_.beta2, static_cast<double>(steps_));
  struct Piece {
    const Range* range;
    std::int64_t offset, count;
  };
  std::vector<Piece> pieces;
  for (const Range& range : ranges_) {
    if (range.rate_factor == 0 || range.resting) continue;
    for (std::int64_t at = 0; at < range.count; at += kPiece) {
      pieces.push_back({&range, range.offset + at, std::min(kPiece, range.count - at)});
    }
  }
  const bool stochastic = options_.precision == WeightPrecision::kStochastic;
  at::parallel_for(0, static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces[static_cast<std::size_t>(i)];
      const double own_rate = rate * piece.range->rate_factor;
      const AdamStep step{.gradient_scale = static_cast<float>(gradient_scale),
                          .beta1 = static_cast<float>(options_.beta1),
                          .beta2 = static_cast<float>(options_.beta2),
                          .step_size = static_cast<float>(own_rate / correction1),
                          .inverse_root_correction = static_cast<float>(1.0 / std::sqrt(correction2)),
                          .epsilon = static_cast<float>(options_.epsilon),
                          .shrink = static_cast<float>(1.0 - own_rate * piece.range->decay),
                          .pull = static_cast<float>(own_rate * options_.pull),
                          .noise_seed = static_cast<std::uint32_t>(options_.seed * 0x9E3779B97F4A7C15ULL >> 32) ^
                                        static_cast<std::uint32_t>(steps_) * 0x9E3779B9U};
      float* master = master_.defined() ? master_.mutable_data_ptr<float>() + piece.offset : nullptr;
      const at::Tensor no_anchor;
      adam_update(piece_of(parameters_.values(), piece.offset), master, piece_of(parameters_.gradients(), piece.offset),
                  piece_of(first_, piece.offset), piece_of(second_, piece.offset),
                  piece_of(options_.pull > 0 ? anchor_ : no_anchor, piece.offset), piece.count, piece.offset, step,
                  stochastic);
    }
  });
}

void Optimizer::rest_shifted(double limit) {
  keep_anchor();
  for (Range& range : ranges_) {
    if (range.resting) continue;
    const at::Tensor now = parameters_.values().narrow(0, range.offset, range.count).to(at::kFloat);
    const at::Tensor start = anchor_.narrow(0, range.offset, range.count).to(at::kFloat);
    range.resting = now.sub(start).abs().mean().item<double>() >= limit;
  }
}

void Optimizer::set_values(const at::Tensor& values) {
  parameters_.values().detach().copy_(values);
  if (master_.defined()) master_.copy_(values);
}

std::int64_t Optimizer::state_bytes() const {
  std::int64_t bytes = 0;
  for (const at::Tensor* tensor : {&first_, &second_, &master_, &anchor_}) {
    if (tensor->defined()) bytes += static_cast<std::int64_t>(tensor->nbytes());
  }
  return bytes;
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> state{{"first_moment", first_},
                                          {"second_moment", second_},
                                          {"values", parameters_.values()},
                                          {"steps", at::tensor(at::ArrayRef<std::int64_t>({steps_}))}};
  std::vector<std::int64_t> resting;
  for (const Range& range : ranges_) resting.push_back(range.resting ? 1 : 0);
  state["resting"] = at::tensor(at::ArrayRef<std::int64_t>(resting));
  if (master_.defined()) state["master"] = master_;
  if (anchor_.defined()) state["anchor"] = anchor_;
  return state;
}

void Optimizer::restore(const std::map<std::string, at::Tensor>& state, const std::string& where) {
  for (const auto& [name, own] : this->state()) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != own.sizes()) {
      throw CheckpointError(
          fmt::format("{}: '{}' is {}, expected {} values; the state belongs to another model or other "
                      "trained parts",
                      where, name, found == state.end() ? "missing" : fmt::format("{} values", found->second.numel()),
                      own.numel()));
    }
    if (name != "steps") own.detach().copy_(found->second);
  }
  steps_ = state.at("steps").item<std::int64_t>();
  const auto* resting = state.at("resting").const_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < ranges_.size(); ++i) ranges_[i].resting = resting[i] != 0;
}

double clip_scale(double norm, double limit) { return limit > 0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0; }

}  // namespace cambium::tune
