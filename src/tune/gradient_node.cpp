#include "tune/gradient_node.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

namespace cambium::tune {

namespace {

class FunctionNode final : public torch::autograd::Node {
 public:
  FunctionNode(torch::autograd::edge_list&& edges, BackwardFunction backward)
      : Node(std::move(edges)), backward_(std::move(backward)) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    std::vector<at::Tensor> result = backward_(std::move(gradients));
    return result;
  }
  void release_variables() override { backward_ = nullptr; }

 private:
  BackwardFunction backward_;
};

}  // namespace

bool wants_gradient(at::ArrayRef<at::Tensor> inputs) {
  if (!at::GradMode::is_enabled()) return false;
  for (const at::Tensor& input : inputs) {
    if (input.defined() && input.requires_grad()) return true;
  }
  return false;
}

void attach_backward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> outputs, BackwardFunction backward) {
  torch::autograd::edge_list edges;
  for (const at::Tensor& input : inputs) {
    edges.push_back(input.defined() && input.requires_grad() ? torch::autograd::impl::gradient_edge(input)
                                                             : torch::autograd::Edge());
  }
  const c10::intrusive_ptr<torch::autograd::Node> node =
      c10::make_intrusive<FunctionNode>(std::move(edges), std::move(backward));
  for (const at::Tensor& output : outputs) torch::autograd::set_history(output, node);
}

void run_backward(const at::Tensor& output, const at::Tensor& gradient) {
  if (gradient.defined()) {
    output.backward(gradient);
  } else {
    output.backward();
  }
}

at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& function, const at::Tensor& input) {
  if (!at::GradMode::is_enabled()) return function(input);
  at::Tensor output;
  {
    const at::NoGradGuard off;
    output = function(input);
  }
  attach_backward({input}, {output},
                  [function, kept = input.detach(),
                   through = input.requires_grad()](std::vector<at::Tensor>&& gradients) -> std::vector<at::Tensor> {
                    const at::AutoGradMode on(true);
                    at::Tensor again = kept.detach();
                    again.set_requires_grad(true);
                    const at::Tensor result = function(again);
                    result.backward(gradients[0]);
                    return {through ? again.grad() : at::Tensor()};
                  });
  return output;
}

}  // namespace cambium::tune
