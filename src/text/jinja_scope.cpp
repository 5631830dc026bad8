#include "text/jinja_scope.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace cambium::text::jinja {
namespace {

/// A function at run time: the template, a macro, the body of a call block, a recursive loop, a block.
struct FunctionScope {
  FunctionScope* parent = nullptr;
  std::uint32_t depth = 0;
  std::uint32_t slot_count = 0;
};

struct Place {
  const FunctionScope* function = nullptr;
  std::uint32_t index = 0;
};

/// The variables of one scope while they are collected.
class Symbols {
 public:
  Symbols(const Symbols* parent, FunctionScope& function) : parent_(parent), function_(function) {}

  [[nodiscard]] const Place* find(const std::string& name) const {
    const auto found = places_.find(name);
    if (found != places_.end()) return &found->second;
    return parent_ == nullptr ? nullptr : parent_->find(name);
  }

  std::uint32_t parameter(const std::string& name) {
    stored_.insert(name);
    return define(name, nullptr);
  }

  void load(const std::string& name) {
    if (find(name) != nullptr) return;
    Load load;
    load.from = Load::From::kContext;
    load.name = name;
    define(name, &load);
  }

  /// An assignment; `conditional` inside an `if`, where the variable may keep the value it had around.
  void store(const std::string& name, bool conditional) {
    if (!stored_.insert(name).second) return;
    const bool known = places_.contains(name);
    if (known && !conditional) return;
    Load load;
    const Place* outer = parent_ == nullptr ? nullptr : parent_->find(name);
    if (outer != nullptr) {
      load.from = Load::From::kOuter;
      load.outer = slot(*outer);
    } else if (conditional) {
      load.from = Load::From::kContext;
      load.name = name;
    }
    if (known) std::erase_if(loads_, [&](const Load& old) { return old.index == places_.at(name).index; });
    define(name, &load);
  }

  [[nodiscard]] Slot slot(const Place& place) const { return {function_.depth - place.function->depth, place.index}; }
  [[nodiscard]] Slot slot(const std::string& name) const { return slot(*find(name)); }
  [[nodiscard]] FunctionScope& function() const { return function_; }
  [[nodiscard]] Scope scope() const { return {loads_}; }

  /// The names assigned here and in the scopes around.
  void collect_visible(std::vector<std::pair<std::string, Slot>>& visible, const Symbols& from) const {
    for (const std::string& name : stored_) {
      const auto same = [&](const auto& entry) { return entry.first == name; };
      if (std::ranges::none_of(visible, same)) visible.emplace_back(name, from.slot(name));
    }
    if (parent_ != nullptr) parent_->collect_visible(visible, from);
  }

 private:
  std::uint32_t define(const std::string& name, const Load* load) {
    const auto [entry, fresh] = places_.try_emplace(name, Place{&function_, function_.slot_count});
    if (fresh) ++function_.slot_count;
    if (load != nullptr) {
      loads_.push_back(*load);
      loads_.back().index = entry->second.index;
    }
    return entry->second.index;
  }

  const Symbols* parent_;
  FunctionScope& function_;
  std::map<std::string, Place> places_;
  std::set<std::string> stored_;
  std::vector<Load> loads_;
};

// -- does a body use `loop`, `caller`, `varargs`, `kwargs`?
// ---------------------------------------------------------------

using Names = std::set<std::string>;

void find_used(const Expression* expression, const Names& wanted, Names& used) {
  if (expression == nullptr) return;
  if (expression->kind == ExpressionKind::kName) {
    const auto& name = static_cast<const Name*>(expression)->name;
    if (wanted.contains(name)) used.insert(name);
  }
  for_each_child(*expression, [&](const Expression& child) { find_used(&child, wanted, used); });
}

void find_used(const Body& body, const Names& wanted, Names& used);

void find_used(const Function& function, const Names& wanted, Names& used) {
  for (const ExpressionPtr& value : function.defaults) find_used(value.get(), wanted, used);
  find_used(function.body, wanted, used);
}

void find_used(const Statement& statement, const Names& wanted, Names& used) {
  switch (statement.kind) {
    case StatementKind::kPrint:
    case StatementKind::kDo:
      find_used(static_cast<const Print&>(statement).value.get(), wanted, used);
      return;
    case StatementKind::kFor: {
      const auto& node = static_cast<const For&>(statement);
      find_used(node.items.get(), wanted, used);
      find_used(node.condition.get(), wanted, used);
      find_used(node.body, wanted, used);
      find_used(node.otherwise, wanted, used);
      return;
    }
    case StatementKind::kIf: {
      const auto& node = static_cast<const If&>(statement);
      for (const auto& [condition, body] : node.branches) {
        find_used(condition.get(), wanted, used);
        find_used(body, wanted, used);
      }
      find_used(node.otherwise, wanted, used);
      return;
    }
    case StatementKind::kSet:
      find_used(static_cast<const Set&>(statement).value.get(), wanted, used);
      return;
    case StatementKind::kSetBlock: {
      const auto& node = static_cast<const SetBlock&>(statement);
      find_used(node.filter.get(), wanted, used);
      find_used(node.body, wanted, used);
      return;
    }
    case StatementKind::kMacro:
      find_used(static_cast<const Macro&>(statement).function, wanted, used);
      return;
    case StatementKind::kCallBlock:
    case StatementKind::kGeneration: {
      const auto& node = static_cast<const CallBlock&>(statement);
      find_used(node.call.get(), wanted, used);
      find_used(node.function, wanted, used);
      return;
    }
    case StatementKind::kFilterBlock: {
      const auto& node = static_cast<const FilterBlock&>(statement);
      find_used(node.filter.get(), wanted, used);
      find_used(node.body, wanted, used);
      return;
    }
    case StatementKind::kWith: {
      const auto& node = static_cast<const With&>(statement);
      for (const auto& [target, value] : node.assignments) find_used(value.get(), wanted, used);
      find_used(node.body, wanted, used);
      return;
    }
    case StatementKind::kAutoescape: {
      const auto& node = static_cast<const Autoescape&>(statement);
      find_used(node.value.get(), wanted, used);
      find_used(node.body, wanted, used);
      return;
    }
    default:
      return;  // text and jumps use no name, a block has variables of its own
  }
}

void find_used(const Body& body, const Names& wanted, Names& used) {
  for (const StatementPtr& statement : body) find_used(*statement, wanted, used);
}

Names used_in(const Body& body, const Names& wanted) {
  Names used;
  find_used(body, wanted, used);
  return used;
}

bool has_block(const Body& body) {
  return std::ranges::any_of(body, [](const StatementPtr& statement) {
    switch (statement->kind) {
      case StatementKind::kBlock:
        return true;
      case StatementKind::kFor: {
        const auto& node = static_cast<const For&>(*statement);
        return has_block(node.body) || has_block(node.otherwise);
      }
      case StatementKind::kIf: {
        const auto& node = static_cast<const If&>(*statement);
        return has_block(node.otherwise) ||
               std::ranges::any_of(node.branches, [](const auto& b) { return has_block(b.second); });
      }
      case StatementKind::kWith:
        return has_block(static_cast<const With&>(*statement).body);
      default:
        return false;
    }
  });
}

// -- the two passes
// -------------------------------------------------------------------------------------------------------

class Resolver {
 public:
  explicit Resolver(std::string_view template_name) : template_name_(template_name) {}

  void run(Tree& tree) {
    has_blocks_ = has_block(tree.body);
    FunctionScope function;
    Symbols symbols(nullptr, function);
    declare(tree.body, symbols, false);
    top_ = &symbols;
    resolve(tree.body, symbols);
    tree.scope = symbols.scope();
    tree.slot_count = function.slot_count;
  }

 private:
  // First pass over one scope: which variables it has.

  void declare(const Expression* expression, Symbols& symbols) {
    if (expression == nullptr) return;
    if (expression->kind == ExpressionKind::kName) symbols.load(static_cast<const Name*>(expression)->name);
    for_each_child(*expression, [&](const Expression& child) { declare(&child, symbols); });
  }

  void declare(const Target& target, Symbols& symbols, bool conditional) {
    switch (target.kind) {
      case Target::Kind::kName:
        symbols.store(target.name, conditional);
        return;
      case Target::Kind::kAttribute:
        symbols.load(target.name);
        return;
      case Target::Kind::kTuple:
        for (const Target& part : target.parts) declare(part, symbols, conditional);
    }
  }

  static void declare_parameters(const Target& target, Symbols& symbols) {
    if (target.kind == Target::Kind::kName) symbols.parameter(target.name);
    for (const Target& part : target.parts) declare_parameters(part, symbols);
  }

  void declare(const Body& body, Symbols& symbols, bool conditional) {
    for (const StatementPtr& statement : body) declare(*statement, symbols, conditional);
  }

  void declare(const Statement& statement, Symbols& symbols, bool conditional) {
    switch (statement.kind) {
      case StatementKind::kPrint:
      case StatementKind::kDo:
        declare(static_cast<const Print&>(statement).value.get(), symbols);
        return;
      case StatementKind::kFor:
        declare(static_cast<const For&>(statement).items.get(), symbols);
        return;
      case StatementKind::kIf: {
        const auto& node = static_cast<const If&>(statement);
        for (const auto& [condition, body] : node.branches) {
          declare(condition.get(), symbols);
          declare(body, symbols, true);
        }
        declare(node.otherwise, symbols, true);
        return;
      }
      case StatementKind::kSet: {
        const auto& node = static_cast<const Set&>(statement);
        declare(node.value.get(), symbols);
        declare(node.target, symbols, conditional);
        return;
      }
      case StatementKind::kSetBlock:
        declare(static_cast<const SetBlock&>(statement).target, symbols, conditional);
        return;
      case StatementKind::kMacro:
        symbols.store(static_cast<const Macro&>(statement).function.name, conditional);
        return;
      case StatementKind::kCallBlock:
        declare(static_cast<const CallBlock&>(statement).call.get(), symbols);
        return;
      case StatementKind::kWith:
        for (const auto& [target, value] : static_cast<const With&>(statement).assignments)
          declare(value.get(), symbols);
        return;
      case StatementKind::kAutoescape:
        declare(static_cast<const Autoescape&>(statement).value.get(), symbols);
        return;
      default:
        return;
    }
  }

  // Second pass: slots for the names, then the scopes inside.

  void resolve(Expression* expression, const Symbols& symbols) {
    if (expression == nullptr) return;
    if (expression->kind == ExpressionKind::kName) {
      auto& name = static_cast<Name&>(*expression);
      name.slot = symbols.slot(name.name);
    }
    for_each_child(*expression, [&](Expression& child) { resolve(&child, symbols); });
  }

  void resolve(Target& target, const Symbols& symbols) {
    if (target.kind != Target::Kind::kTuple) target.slot = symbols.slot(target.name);
    for (Target& part : target.parts) resolve(part, symbols);
  }

  void resolve(Body& body, Symbols& symbols) {
    for (const StatementPtr& statement : body) resolve(*statement, symbols);
  }

  void resolve(Statement& statement, Symbols& symbols) {
    switch (statement.kind) {
      case StatementKind::kPrint:
      case StatementKind::kDo:
        resolve(static_cast<Print&>(statement).value.get(), symbols);
        return;
      case StatementKind::kFor:
        resolve_for(static_cast<For&>(statement), symbols);
        return;
      case StatementKind::kIf: {
        auto& node = static_cast<If&>(statement);
        for (auto& [condition, body] : node.branches) {
          resolve(condition.get(), symbols);
          resolve(body, symbols);
        }
        resolve(node.otherwise, symbols);
        return;
      }
      case StatementKind::kSet: {
        auto& node = static_cast<Set&>(statement);
        resolve(node.value.get(), symbols);
        resolve(node.target, symbols);
        node.exported = is_exported(symbols);
        return;
      }
      case StatementKind::kSetBlock: {
        auto& node = static_cast<SetBlock&>(statement);
        Symbols inner(&symbols, symbols.function());
        declare(node.body, inner, false);
        declare(node.filter.get(), inner);
        resolve(node.filter.get(), inner);
        resolve(node.body, inner);
        resolve(node.target, symbols);
        node.scope = inner.scope();
        node.exported = is_exported(symbols);
        return;
      }
      case StatementKind::kMacro: {
        auto& node = static_cast<Macro&>(statement);
        node.slot = symbols.slot(node.function.name);
        node.exported = is_exported(symbols);
        resolve_function(node.function, symbols, node.at);
        return;
      }
      case StatementKind::kCallBlock:
      case StatementKind::kGeneration: {
        auto& node = static_cast<CallBlock&>(statement);
        resolve(node.call.get(), symbols);
        resolve_function(node.function, symbols, node.at);
        return;
      }
      case StatementKind::kFilterBlock: {
        auto& node = static_cast<FilterBlock&>(statement);
        Symbols inner(&symbols, symbols.function());
        declare(node.body, inner, false);
        declare(node.filter.get(), inner);
        resolve(node.filter.get(), inner);
        resolve(node.body, inner);
        node.scope = inner.scope();
        return;
      }
      case StatementKind::kWith: {
        auto& node = static_cast<With&>(statement);
        Symbols inner(&symbols, symbols.function());
        for (const auto& [target, value] : node.assignments) declare_parameters(target, inner);
        declare(node.body, inner, false);
        for (auto& [target, value] : node.assignments) {
          resolve(value.get(), symbols);
          resolve(target, inner);
        }
        resolve(node.body, inner);
        node.scope = inner.scope();
        return;
      }
      case StatementKind::kAutoescape: {
        auto& node = static_cast<Autoescape&>(statement);
        Symbols inner(&symbols, symbols.function());
        declare(node.body, inner, false);
        resolve(node.value.get(), symbols);
        resolve(node.body, inner);
        node.scope = inner.scope();
        return;
      }
      case StatementKind::kBlock:
        resolve_block(static_cast<Block&>(statement), symbols);
        return;
      default:
        return;
    }
  }

  void resolve_for(For& node, Symbols& symbols) {
    resolve(node.items.get(), symbols);
    FunctionScope own{.parent = &symbols.function(), .depth = symbols.function().depth + 1, .slot_count = 0};
    FunctionScope& function = node.recursive ? own : symbols.function();
    node.uses_loop = node.recursive || !used_in(node.body, {"loop"}).empty();

    if (node.condition) {
      Symbols inner(&symbols, function);
      node.condition_target = node.target;
      declare_parameters(node.condition_target, inner);
      declare(node.condition.get(), inner);
      resolve(node.condition.get(), inner);
      resolve(node.condition_target, inner);
      node.condition_scope = inner.scope();
    }
    Symbols inner(&symbols, function);
    if (node.uses_loop) node.loop_index = inner.parameter("loop");
    declare_parameters(node.target, inner);
    declare(node.body, inner, false);
    resolve(node.target, inner);
    resolve(node.body, inner);
    node.body_scope = inner.scope();

    Symbols otherwise(&symbols, function);
    declare(node.otherwise, otherwise, false);
    resolve(node.otherwise, otherwise);
    node.otherwise_scope = otherwise.scope();
    node.slot_count = own.slot_count;
  }

  void resolve_function(Function& node, const Symbols& symbols, Position at) {
    FunctionScope own{.parent = &symbols.function(), .depth = symbols.function().depth + 1, .slot_count = 0};
    Symbols inner(&symbols, own);
    for (const std::string& name : node.parameters) node.parameter_index.push_back(inner.parameter(name));
    const auto is_parameter = [&](const std::string& name) {
      return std::ranges::find(node.parameters, name) != node.parameters.end();
    };
    const Names used = used_in(node.body, {"caller", "kwargs", "varargs"});
    if (used.contains("caller")) {
      node.caller_is_parameter = is_parameter("caller");
      if (!node.caller_is_parameter) {
        node.caller_index = inner.parameter("caller");
      } else {
        const auto place =
            static_cast<std::size_t>(std::ranges::find(node.parameters, "caller") - node.parameters.begin());
        if (place < node.parameters.size() - node.defaults.size()) {
          throw TemplateError(
              ErrorKind::kSyntax,
              "When defining macros or call blocks the special \"caller\" argument must be omitted or be "
              "given a default.",
              at, template_name_);
        }
      }
    }
    if (used.contains("kwargs") && !is_parameter("kwargs")) node.kwargs_index = inner.parameter("kwargs");
    if (used.contains("varargs") && !is_parameter("varargs")) node.varargs_index = inner.parameter("varargs");
    for (const ExpressionPtr& value : node.defaults) declare(value.get(), inner);
    declare(node.body, inner, false);
    for (const ExpressionPtr& value : node.defaults) resolve(value.get(), inner);
    resolve(node.body, inner);
    node.scope = inner.scope();
    node.slot_count = own.slot_count;
  }

  void resolve_block(Block& node, const Symbols& symbols) {
    FunctionScope own;
    Symbols inner(nullptr, own);
    if (node.scoped) symbols.collect_visible(node.visible, symbols);
    declare(node.body, inner, false);
    resolve(node.body, inner);
    node.scope = inner.scope();
    node.slot_count = own.slot_count;
  }

  [[nodiscard]] bool is_exported(const Symbols& symbols) const { return has_blocks_ && &symbols == top_; }

  std::string_view template_name_;
  const Symbols* top_ = nullptr;
  bool has_blocks_ = false;
};

}  // namespace

void resolve_names(Tree& tree, std::string_view template_name) { Resolver(template_name).run(tree); }

}  // namespace cambium::text::jinja
