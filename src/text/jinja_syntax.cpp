#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

void for_each_child(const Expression& expression, const std::function<void(Expression&)>& visit) {
  const auto visit_if = [&](const ExpressionPtr& child) {
    if (child) visit(*child);
  };
  const auto visit_arguments = [&](const CallArguments& arguments) {
    for (const ExpressionPtr& argument : arguments.positional) visit(*argument);
    for (const auto& [name, argument] : arguments.named) visit(*argument);
    visit_if(arguments.more_positional);
    visit_if(arguments.more_named);
  };
  switch (expression.kind) {
    case ExpressionKind::kLiteral:
    case ExpressionKind::kName:
      return;
    case ExpressionKind::kTuple:
    case ExpressionKind::kList:
    case ExpressionKind::kDict:
    case ExpressionKind::kNegate:
    case ExpressionKind::kPlus:
    case ExpressionKind::kNot:
    case ExpressionKind::kBinary:
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
    case ExpressionKind::kConcat:
      for (const ExpressionPtr& part : static_cast<const Compound&>(expression).parts) visit(*part);
      return;
    case ExpressionKind::kCompare: {
      const auto& compare = static_cast<const Compare&>(expression);
      visit(*compare.first);
      for (const auto& [comparison, operand] : compare.rest) visit(*operand);
      return;
    }
    case ExpressionKind::kConditional: {
      const auto& conditional = static_cast<const Conditional&>(expression);
      visit(*conditional.condition);
      visit(*conditional.then);
      visit_if(conditional.otherwise);
      return;
    }
    case ExpressionKind::kAttribute:
      visit(*static_cast<const Attribute&>(expression).owner);
      return;
    case ExpressionKind::kItem: {
      const auto& item = static_cast<const Item&>(expression);
      visit(*item.owner);
      visit(*item.key);
      return;
    }
    case ExpressionKind::kSlice: {
      const auto& slice = static_cast<const SliceOf&>(expression);
      visit(*slice.owner);
      visit_if(slice.start);
      visit_if(slice.stop);
      visit_if(slice.step);
      return;
    }
    case ExpressionKind::kCall: {
      const auto& call = static_cast<const Call&>(expression);
      visit(*call.callee);
      visit_arguments(call.arguments);
      return;
    }
    case ExpressionKind::kFilter: {
      const auto& filter = static_cast<const FilterCall&>(expression);
      visit_if(filter.input);
      visit_arguments(filter.arguments);
      return;
    }
    case ExpressionKind::kTest: {
      const auto& test = static_cast<const TestCall&>(expression);
      visit(*test.input);
      visit_arguments(test.arguments);
      return;
    }
  }
}

}  // namespace cambium::text::jinja
