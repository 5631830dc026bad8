#include "tune/training_ops.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "tune/gradient_node.h"
#include "tune/numeric_rows.h"

namespace cambium::tune {

namespace {

constexpr std::int64_t kBlockRows = 32;  // rows whose sums are formed together, whatever the number of threads

RowType row_type(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? RowType::kBFloat16 : RowType::kFloat32;
}

// Row `index` of a contiguous tensor seen as rows of n values.
Row row_of(const at::Tensor& tensor, std::int64_t index, std::int64_t n) {
  if (!tensor.defined()) return {};
  auto* bytes = static_cast<char*>(tensor.data_ptr());
  return {bytes + static_cast<std::size_t>(index * n) * tensor.element_size(), row_type(tensor)};
}

template <class Block>
void for_blocks(std::int64_t rows, const Block& block) {
  const std::int64_t count = (rows + kBlockRows - 1) / kBlockRows;
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) block(i, i * kBlockRows, std::min(rows, (i + 1) * kBlockRows));
  });
}

// Adds a gradient computed in the activations' type to where it belongs.
void store_gradient(const TrainedWeight& weight, const at::Tensor& gradient) {
  if (weight.written()) {
    weight.gradient.add_(gradient);
  } else {
    weight.gradient.copy_(gradient);
  }
}

// gradient (+)= dy^T x
void store_product(const TrainedWeight& weight, const at::Tensor& dy, const at::Tensor& x) {
  at::Tensor target = weight.gradient;
  if (target.scalar_type() != dy.scalar_type()) {
    store_gradient(weight, at::mm(dy.t(), x));
  } else if (weight.written()) {
    at::addmm_out(target, target, dy.t(), x);
  } else {
    at::mm_out(target, dy.t(), x);
  }
}

bool trains(const TrainedWeight& weight) { return weight.trained() && at::GradMode::is_enabled(); }

at::Tensor float_weight(const RmsNorm& norm) {
  const at::Tensor weight = norm.weight.value.to(at::kFloat);
  return norm.plus_one ? weight + 1.0 : weight;
}

struct NormResult {
  at::Tensor sum, output, inverse;  // sum: input itself where nothing is added
};

NormResult norm_forward(const at::Tensor& input, const at::Tensor& delta, const RmsNorm& norm) {
  const at::NoGradGuard off;
  const std::int64_t n = input.size(-1), rows = input.numel() / n;
  NormResult result;
  const at::Tensor weight = float_weight(norm);
  result.sum = delta.defined() ? at::empty_like(input) : input;
  result.output = at::empty_like(input);
  result.inverse = at::empty({rows}, input.options().dtype(at::kFloat));
  auto* inverse = result.inverse.mutable_data_ptr<float>();
  for_blocks(rows, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      inverse[i] =
          rms_forward(row_of(input, i, n), row_of(delta, i, n), delta.defined() ? row_of(result.sum, i, n) : Row{},
                      weight.const_data_ptr<float>(), n, static_cast<float>(norm.epsilon), row_of(result.output, i, n));
    }
  });
  return result;
}

at::Tensor norm_backward(const at::Tensor& x, const at::Tensor& inverse, const at::Tensor& dy, const at::Tensor& passed,
                         const RmsNorm& norm) {
  const std::int64_t n = x.size(-1), rows = x.numel() / n, blocks = (rows + kBlockRows - 1) / kBlockRows;
  const at::Tensor weight = float_weight(norm);
  at::Tensor dx = at::empty_like(x);
  at::Tensor sums;
  if (norm.weight.trained()) sums = at::zeros({blocks, n}, x.options().dtype(at::kFloat));
  const at::Tensor gradient = dy.contiguous(), beside = passed.defined() ? passed.contiguous() : passed;
  for_blocks(rows, [&](std::int64_t block, std::int64_t first, std::int64_t last) {
    float* dweight = sums.defined() ? sums.mutable_data_ptr<float>() + block * n : nullptr;
    for (std::int64_t i = first; i < last; ++i) {
      rms_backward(row_of(x, i, n), row_of(gradient, i, n), row_of(beside, i, n), weight.const_data_ptr<float>(),
                   inverse.const_data_ptr<float>()[i], n, row_of(dx, i, n), dweight);
    }
  });
  if (sums.defined()) {
    store_gradient(norm.weight, sums.sum(0));
    norm.weight.mark_written();
  }
  return dx;
}

}  // namespace

bool has_fast_bfloat16() {
  static const bool fast = __builtin_cpu_supports("avx512bf16") != 0;
  return fast;
}

at::Tensor linear(const at::Tensor& input, const TrainedWeight& weight) {
  at::Tensor output;
  {
    const at::NoGradGuard off;
    output = at::mm(input, weight.value.to(input.scalar_type()).t());
  }
  if (!wants_gradient({input}) && !trains(weight)) return output;
  const at::Tensor kept = trains(weight) ? input.detach() : at::Tensor();
  attach_backward(
      {input}, {output}, [kept, weight, through = input.requires_grad()](std::vector<at::Tensor>&& gradients) {
        const at::Tensor dy = gradients[0].contiguous();
        if (kept.defined()) {
          store_product(weight, dy, kept);
          weight.mark_written();
        }
        return std::vector<at::Tensor>{through ? at::mm(dy, weight.value.to(dy.scalar_type())) : at::Tensor()};
      });
  return output;
}

at::Tensor embed(const at::Tensor& ids, const TrainedWeight& embedding, at::ScalarType type) {
  at::Tensor output;
  {
    const at::NoGradGuard off;
    output = at::index_select(embedding.value, 0, ids).to(type);
  }
  if (!trains(embedding)) return output;
  attach_backward({}, {output}, [ids, embedding](std::vector<at::Tensor>&& gradients) {
    if (!embedding.written()) embedding.gradient.zero_();
    embedding.gradient.index_add_(0, ids, gradients[0].to(embedding.gradient.scalar_type()));
    embedding.mark_written();
    return std::vector<at::Tensor>{};
  });
  return output;
}

at::Tensor rms_norm(const at::Tensor& input, const RmsNorm& norm) {
  const at::Tensor x = input.contiguous();
  const NormResult result = norm_forward(x.detach(), {}, norm);
  if (!wants_gradient({x}) && !trains(norm.weight)) return result.output;
  attach_backward({x}, {result.output},
                  [kept = x.detach(), inverse = result.inverse, norm](std::vector<at::Tensor>&& gradients) {
                    return std::vector<at::Tensor>{norm_backward(kept, inverse, gradients[0], {}, norm)};
                  });
  return result.output;
}

std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& residual, const at::Tensor& delta,
                                               const RmsNorm& norm) {
  const NormResult result = norm_forward(residual.detach(), delta.detach(), norm);
  if (!wants_gradient({residual, delta}) && !trains(norm.weight)) return {result.sum, result.output};
  attach_backward({residual, delta}, {result.sum, result.output},
                  [kept = result.sum.detach(), inverse = result.inverse, norm](std::vector<at::Tensor>&& gradients) {
                    if (!gradients[1].defined()) return std::vector<at::Tensor>{gradients[0], gradients[0]};
                    const at::Tensor dx = norm_backward(kept, inverse, gradients[1], gradients[0], norm);
                    return std::vector<at::Tensor>{dx, dx};
                  });
  return {result.sum, result.output};
}

at::Tensor silu_gated(const at::Tensor& gate_up) {
  const std::int64_t rows = gate_up.size(0), inner = gate_up.size(1) / 2;
  const at::Tensor kept = gate_up.detach();
  at::Tensor output;
  {
    const at::NoGradGuard off;
    output = at::empty({rows, inner}, gate_up.options());
  }
  for_blocks(rows, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      silu_gate_forward(row_of(kept, i, 2 * inner), inner, row_of(output, i, inner));
    }
  });
  if (!wants_gradient({gate_up})) return output;
  attach_backward({gate_up}, {output}, [kept, rows, inner](std::vector<at::Tensor>&& gradients) {
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dx = at::empty_like(kept);
    for_blocks(rows, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        silu_gate_backward(row_of(kept, i, 2 * inner), row_of(dy, i, inner), inner, row_of(dx, i, 2 * inner));
      }
    });
    return std::vector<at::Tensor>{dx};
  });
  return output;
}

at::Tensor head_loss(const at::Tensor& hidden, const at::Tensor& targets, const HeadLoss& head, double scale,
                     std::vector<double>* losses) {
  // Rows of the head taken at a time where it has to be widened: bounds that copy.
  constexpr std::int64_t kHeadRows = 8192;
  const bool through = wants_gradient({hidden}), training = through || trains(head.head);
  const at::NoGradGuard off;
  const at::Tensor x = hidden.detach();
  const at::Tensor& weight = head.head.value;  // [vocab, hidden]
  const std::int64_t rows = x.size(0), vocab = weight.size(0);
  const bool widened = weight.scalar_type() != x.scalar_type();
  const std::int64_t block = widened ? std::min(vocab, kHeadRows) : vocab;
  const auto row_bytes = static_cast<std::int64_t>(x.element_size()) * vocab;
  const std::int64_t chunk = std::clamp<std::int64_t>(head.logit_bytes / row_bytes, 1, std::max<std::int64_t>(rows, 1));
  at::Tensor dx;
  if (through) dx = widened ? at::zeros_like(x) : at::empty_like(x);
  std::vector<double> row_losses(static_cast<std::size_t>(rows));
  const at::Tensor wanted = targets.contiguous();
  const at::Tensor buffer = at::empty({chunk, vocab}, x.options());
  for (std::int64_t begin = 0; begin < rows; begin += chunk) {
    const std::int64_t count = std::min(chunk, rows - begin);
    const at::Tensor part = x.narrow(0, begin, count);
    at::Tensor logits = buffer.narrow(0, 0, count);
    for (std::int64_t first = 0; first < vocab; first += block) {
      const std::int64_t size = std::min(block, vocab - first);
      at::Tensor columns = logits.narrow(1, first, size);
      at::mm_out(columns, part, weight.narrow(0, first, size).to(x.scalar_type()).t());
    }
    if (head.bias.defined()) logits.add_(head.bias);
    at::parallel_for(0, count, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = from; i < to; ++i) {
        row_losses[static_cast<std::size_t>(begin + i)] =
            cross_entropy_row(row_of(logits, i, vocab), vocab, wanted.const_data_ptr<std::int64_t>()[begin + i],
                              static_cast<float>(head.softcap), training ? static_cast<float>(scale) : 0.0F);
      }
    });
    if (!training) continue;
    for (std::int64_t first = 0; first < vocab; first += block) {
      const std::int64_t size = std::min(block, vocab - first);
      const at::Tensor columns = logits.narrow(1, first, size);
      if (through) {
        at::Tensor out = dx.narrow(0, begin, count);
        if (widened) {
          at::addmm_out(out, out, columns, weight.narrow(0, first, size).to(x.scalar_type()));
        } else {
          at::mm_out(out, columns, weight);
        }
      }
      if (head.head.trained()) {
        TrainedWeight piece = head.head;
        piece.gradient = head.head.gradient.narrow(0, first, size);
        store_product(piece, columns, part);
      }
    }
    if (head.head.trained()) head.head.mark_written();
  }
  double sum = 0;
  for (const double loss : row_losses) sum += loss * scale;
  if (losses != nullptr) *losses = std::move(row_losses);
  at::Tensor loss = at::zeros({}, x.options().dtype(at::kDouble));
  loss.fill_(sum);
  if (!training) return loss;
  attach_backward({hidden}, {loss}, [dx](std::vector<at::Tensor>&& gradients) {
    return std::vector<at::Tensor>{dx.defined() ? dx.mul_(gradients[0].to(dx.scalar_type())) : dx};
  });
  return loss;
}

}  // namespace cambium::tune
