#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "text/jinja_objects.h"
#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

struct Activation;
class Interpreter;

/// The variable `loop`.
class Loop final : public Instance {
 public:
  /// @param closure  of a recursive loop: where it stands; else null
  Loop(const Value& items, Ref<Iterator> iterator, const For& node, Activation* closure, std::int64_t depth)
      : items_(items), iterator_(std::move(iterator)), node_(node), closure_(closure), depth_(depth) {}

  [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
  void append_text(std::string& out, Budget& budget) const override;
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  std::optional<std::int64_t> length(Runtime& runtime) override;

  /// Moves to the next item. False at the end.
  bool advance(Runtime& runtime);
  [[nodiscard]] const Value& current() const { return current_; }

 private:
  bool peek(Runtime& runtime);
  Value cycle(Arguments& arguments) const;
  Value changed(Runtime& runtime, Arguments& arguments);

  Value items_;
  Ref<Iterator> iterator_;
  const For& node_;
  Activation* closure_;
  std::int64_t depth_;
  std::int64_t index0_ = -1;
  Value before_;
  Value current_;
  std::optional<Value> after_;
  std::optional<std::int64_t> length_;
  std::optional<Value> last_changed_;
};

}  // namespace cambium::text::jinja
