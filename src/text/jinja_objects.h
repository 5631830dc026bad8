#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::text::jinja {

class Runtime;
class Iterator;

/// The arguments of one call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// A value that is none of Python's plain data types. What an instance does not override it does not support.
class Instance : public Object {
 public:
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  /// str() and repr().
  virtual void append_text(std::string& out, Budget& budget) const;
  [[nodiscard]] virtual bool truthy() const { return true; }
  [[nodiscard]] virtual bool callable() const { return false; }
  /// @throws TemplateError (kType)  not callable, or the wrong arguments
  virtual Value call(Runtime& runtime, Arguments arguments);
  /// Nothing: there is no such attribute.
  virtual std::optional<Value> attribute(Runtime& runtime, std::string_view name);
  /// Nothing: no such item, or no items at all.
  virtual std::optional<Value> item(Runtime& runtime, const Value& key);
  /// Nothing: it has no len().
  virtual std::optional<std::int64_t> length(Runtime& runtime);
  /// Null: not iterable.
  virtual Ref<Iterator> iterate();
  [[nodiscard]] virtual bool subscriptable() const { return false; }
  [[nodiscard]] virtual bool equals(const Instance& other, Budget& budget) const;
};

/// What Python calls an iterator or generator: gives each value once.
class Iterator : public Instance {
 public:
  [[nodiscard]] std::string_view type_name() const override { return "generator"; }
  Ref<Iterator> iterate() override { return Ref<Iterator>(this); }
  /// False at the end.
  virtual bool next(Runtime& runtime, Value& value) = 0;
};

/// range(start, stop, step).
class Range final : public Instance {
 public:
  Range(std::int64_t first, std::int64_t end, std::int64_t stride) : start(first), stop(end), step(stride) {}
  [[nodiscard]] std::string_view type_name() const override { return "range"; }
  void append_text(std::string& out, Budget& budget) const override;
  [[nodiscard]] bool truthy() const override { return size() > 0; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  std::optional<Value> item(Runtime& runtime, const Value& key) override;
  std::optional<std::int64_t> length(Runtime& runtime) override;
  Ref<Iterator> iterate() override;
  [[nodiscard]] bool subscriptable() const override { return true; }
  [[nodiscard]] bool equals(const Instance& other, Budget& budget) const override;
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::int64_t at(std::int64_t index) const { return start + index * step; }
  const std::int64_t start;
  const std::int64_t stop;
  const std::int64_t step;
};

/// dict.keys(), dict.values() or dict.items().
class DictView final : public Instance {
 public:
  enum class Part { kKeys, kValues, kItems };
  DictView(Ref<DictObject> viewed, Part which) : dict(std::move(viewed)), part(which) {}
  [[nodiscard]] std::string_view type_name() const override;
  void append_text(std::string& out, Budget& budget) const override;
  [[nodiscard]] bool truthy() const override { return dict->size() > 0; }
  std::optional<std::int64_t> length(Runtime& runtime) override;
  Ref<Iterator> iterate() override;
  [[nodiscard]] Value at(std::size_t index) const;
  const Ref<DictObject> dict;
  const Part part;
};

/// namespace(...): the one thing a template may assign attributes of.
class Namespace final : public Instance {
 public:
  explicit Namespace(Ref<DictObject> values) : attributes(std::move(values)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Namespace"; }
  void append_text(std::string& out, Budget& budget) const override;
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  const Ref<DictObject> attributes;
};

/// A built-in function: raise_exception, range, dict ...
class NativeFunction final : public Instance {
 public:
  using Function = Value (*)(Runtime& runtime, Arguments& arguments);
  NativeFunction(std::string_view name, Function function) : name_(name), function_(function) {}
  [[nodiscard]] std::string_view type_name() const override { return "function"; }
  void append_text(std::string& out, Budget& budget) const override;
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;

 private:
  std::string name_;
  Function function_;
};

/// A method of a built-in type with the value it belongs to: `'a'.upper` before the call.
class BoundMethod final : public Instance {
 public:
  using Method = Value (*)(Runtime& runtime, const Value& self, Arguments& arguments);
  BoundMethod(Value self, std::string_view name, Method method)
      : self_(std::move(self)), name_(name), method_(method) {}
  [[nodiscard]] std::string_view type_name() const override { return "builtin_function_or_method"; }
  void append_text(std::string& out, Budget& budget) const override;
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;

 private:
  Value self_;
  std::string_view name_;
  Method method_;
};

/// cycler(...): gives its items in turn, over and over.
class Cycler final : public Instance {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  [[nodiscard]] Value current() const { return items_[position_]; }
  void advance() { position_ = (position_ + 1) % items_.size(); }
  void reset() { position_ = 0; }

 private:
  std::vector<Value> items_;
  std::size_t position_ = 0;
};

/// joiner(separator): nothing at the first call, then the separator.
class Joiner final : public Instance {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override;

 private:
  Value separator_;
  bool used_ = false;
};

}  // namespace cambium::text::jinja
