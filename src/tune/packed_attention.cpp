// attention() of training_ops.h: rotation, then the flash kernel over runs of sequences of one length.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include <limits>
#include <optional>

#include "tune/gradient_node.h"
#include "tune/numeric_rows.h"
#include "tune/training_ops.h"

namespace cambium::tune {

namespace {

// Consecutive sequences of one length.
struct Run {
  std::int64_t first_row = 0, sequences = 0, length = 0;
};

std::vector<Run> runs_of(const std::vector<std::int64_t>& lengths) {
  std::vector<Run> runs;
  std::int64_t row = 0;
  for (const std::int64_t length : lengths) {
    if (runs.empty() || runs.back().length != length) runs.push_back({row, 0, length});
    ++runs.back().sequences;
    row += length;
  }
  return runs;
}

void rotate(const at::Tensor& qkv, const AttentionForm& form, float sign) {
  if (!form.cosine.defined()) return;
  const std::int64_t half = form.cosine.size(1), width = qkv.size(1);
  const RowType type = qkv.scalar_type() == at::kBFloat16 ? RowType::kBFloat16 : RowType::kFloat32;
  auto* data = static_cast<char*>(qkv.data_ptr());
  const auto* cosine = form.cosine.const_data_ptr<float>();
  const auto* sine = form.sine.const_data_ptr<float>();
  at::parallel_for(0, qkv.size(0), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      rotate_heads({data + static_cast<std::size_t>(i * width) * qkv.element_size(), type},
                   form.num_heads + form.num_kv_heads, form.head_dim, cosine + i * half, sine + i * half, half, sign);
    }
  });
}

// [sequences, heads, length, head_dim] views of one run; keys and values repeated for their group of queries.
struct Heads {
  at::Tensor query, key, value;
};

Heads heads_of(const at::Tensor& qkv, const Run& run, const AttentionForm& form, bool repeated) {
  const at::Tensor rows = qkv.narrow(0, run.first_row, run.sequences * run.length)
                              .view({run.sequences, run.length, form.num_heads + 2 * form.num_kv_heads, form.head_dim});
  const auto pick = [&](std::int64_t first, std::int64_t count) {
    return rows.narrow(2, first, count).transpose(1, 2);
  };
  Heads heads{pick(0, form.num_heads), pick(form.num_heads, form.num_kv_heads),
              pick(form.num_heads + form.num_kv_heads, form.num_kv_heads)};
  if (repeated && form.num_heads != form.num_kv_heads) {
    const std::int64_t group = form.num_heads / form.num_kv_heads;
    const auto repeat = [&](const at::Tensor& x) {
      return x.unsqueeze(2)
          .expand({run.sequences, form.num_kv_heads, group, run.length, form.head_dim})
          .reshape({run.sequences, form.num_heads, run.length, form.head_dim});
    };
    heads.key = repeat(heads.key);
    heads.value = repeat(heads.value);
  }
  return heads;
}

// Undefined where plain causal attention says it all.
std::optional<at::Tensor> window_mask(const Run& run, const AttentionForm& form, const at::TensorOptions& options) {
  if (form.window == 0 || run.length <= form.window) return std::nullopt;
  const at::Tensor order = at::ones({run.length, run.length}, options.dtype(at::kBool));
  const at::Tensor hidden = order.tril().logical_and(order.triu(1 - form.window)).logical_not();
  return at::full({run.length, run.length}, 0.0, options)
      .masked_fill(hidden, -std::numeric_limits<float>::infinity())
      .view({1, 1, run.length, run.length});
}

struct FlashRun {
  Run run;
  at::Tensor output, log_sums;
};

at::Tensor flash(const at::Tensor& qkv, const std::vector<std::int64_t>& lengths, const AttentionForm& form) {
  std::vector<FlashRun> done;
  at::Tensor output;
  {
    const at::NoGradGuard off;
    const at::Tensor rows = qkv.detach();
    rotate(rows, form, 1.0F);
    output = at::empty({rows.size(0), form.num_heads * form.head_dim}, rows.options());
    for (const Run& run : runs_of(lengths)) {
      const Heads heads = heads_of(rows, run, form, true);
      const auto mask = window_mask(run, form, rows.options());
      auto [out, log_sums] = at::_scaled_dot_product_flash_attention_for_cpu(heads.query, heads.key, heads.value, 0.0,
                                                                             !mask.has_value(), mask, form.scale);
      output.narrow(0, run.first_row, run.sequences * run.length)
          .view({run.sequences, run.length, form.num_heads, form.head_dim})
          .copy_(out.transpose(1, 2));
      done.push_back({run, {}, log_sums});
    }
  }
  if (!wants_gradient({qkv})) return output;
  attach_backward(
      {qkv}, {output},
      [rows = qkv.detach(), kept = output.detach(), done = std::move(done), form](std::vector<at::Tensor>&& gradients) {
        const at::Tensor dy = gradients[0].contiguous();
        at::Tensor dqkv = at::empty_like(rows);
        for (const FlashRun& piece : done) {
          const Run& run = piece.run;
          const auto heads_view = [&](const at::Tensor& x) {
            return x.narrow(0, run.first_row, run.sequences * run.length)
                .view({run.sequences, run.length, form.num_heads, form.head_dim})
                .transpose(1, 2);
          };
          const Heads heads = heads_of(rows, run, form, true);
          const auto mask = window_mask(run, form, rows.options());
          auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
              heads_view(dy), heads.query, heads.key, heads.value, heads_view(kept), piece.log_sums, 0.0,
              !mask.has_value(), mask, form.scale);
          const Heads target = heads_of(dqkv, run, form, false);
          const std::int64_t group = form.num_heads / form.num_kv_heads;
          const auto gathered = [&](const at::Tensor& x) {
            if (group == 1) return x;
            return x.reshape({run.sequences, form.num_kv_heads, group, run.length, form.head_dim}).sum(2);
          };
          at::Tensor query = target.query, key = target.key, value = target.value;
          query.copy_(dq);
          key.copy_(gathered(dk));
          value.copy_(gathered(dv));
        }
        rotate(dqkv, form, -1.0F);
        return std::vector<at::Tensor>{dqkv};
      });
  return output;
}

// Rotation alone, recorded; for the scores that the flash kernel cannot compute.
at::Tensor rotated(const at::Tensor& qkv, const AttentionForm& form) {
  rotate(qkv.detach(), form, 1.0F);
  const at::Tensor output = qkv.detach();
  if (!wants_gradient({qkv})) return output;
  attach_backward({qkv}, {output}, [form](std::vector<at::Tensor>&& gradients) {
    const at::Tensor dqkv = gradients[0].clone(at::MemoryFormat::Contiguous);
    rotate(dqkv, form, -1.0F);
    return std::vector<at::Tensor>{dqkv};
  });
  return output;
}

at::Tensor capped(const at::Tensor& qkv, const std::vector<std::int64_t>& lengths, const AttentionForm& form) {
  const at::Tensor rows = rotated(qkv, form);
  std::vector<at::Tensor> outputs;
  for (const Run& run : runs_of(lengths)) {
    const Heads heads = heads_of(rows, run, form, true);
    const at::Tensor order = at::ones({run.length, run.length}, rows.options().dtype(at::kBool));
    at::Tensor visible = order.tril();
    if (form.window > 0) visible = visible.logical_and(order.triu(1 - form.window));
    at::Tensor scores = at::matmul(heads.query, heads.key.transpose(-1, -2)) * form.scale;
    scores = at::tanh(scores / form.softcap) * form.softcap;
    scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<float>::infinity());
    const at::Tensor shares = at::softmax(scores, -1, at::kFloat).to(rows.scalar_type());
    outputs.push_back(at::matmul(shares, heads.value)
                          .transpose(1, 2)
                          .reshape({run.sequences * run.length, form.num_heads * form.head_dim}));
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs, 0);
}

}  // namespace

at::Tensor attention(const at::Tensor& qkv, const std::vector<std::int64_t>& lengths, const AttentionForm& form) {
  return form.softcap > 0 ? capped(qkv, lengths, form) : flash(qkv, lengths, form);
}

}  // namespace cambium::tune
