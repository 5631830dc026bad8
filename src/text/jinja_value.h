#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "text/jinja_limits.h"

namespace cambium::text::jinja {

/// Base of everything a Value points to: counted references, shared between threads. Releasing the last reference to a
/// deeply nested structure takes constant stack.
class Object {
 public:
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) dispose(this);
  }
  [[nodiscard]] bool is_shared() const noexcept { return references_.load(std::memory_order_acquire) > 1; }

 protected:
  Object() = default;

 private:
  static void dispose(const Object* object) noexcept;
  mutable std::atomic<std::uint32_t> references_{0};
};

/// Shared ownership of an Object; null only where a comment says so.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Ref(const Ref<U>& other)
  noexcept : Ref(other.get()) {}  // NOLINT: as for shared_ptr
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }
  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
[[nodiscard]] Ref<T> make(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

class StringObject;
class SequenceObject;
class DictObject;
class UndefinedObject;
class Instance;  // jinja_objects.h

enum class Type : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kBigInt,  ///< an integer beyond 64 bits: kept as its digits, printed and compared, but not computed with
  kFloat,
  kString,
  kTuple,
  kList,
  kDict,
  kObject,  ///< everything else: ranges, iterators, namespaces, macros, methods ... (jinja_objects.h)
};

/// A Python value as templates see it: 16 bytes, containers shared by reference as in Python.
class Value {
 public:
  Value() noexcept = default;  ///< None
  Value(const Value& other) noexcept : type_(other.type_), payload_(other.payload_) {
    if (counted()) payload_.object->retain();
  }
  Value(Value&& other) noexcept
      : type_(std::exchange(other.type_, Type::kNone)), payload_(std::exchange(other.payload_, Payload{})) {}
  Value& operator=(Value other) noexcept {
    std::swap(type_, other.type_);
    std::swap(payload_, other.payload_);
    return *this;
  }
  ~Value() {
    if (counted()) payload_.object->release();
  }

  [[nodiscard]] static Value boolean(bool value) noexcept;
  [[nodiscard]] static Value integer(std::int64_t value) noexcept;
  [[nodiscard]] static Value real(double value) noexcept;
  /// @param digits  an optional '-' and decimal digits; small numbers become kInt
  [[nodiscard]] static Value integer_from_digits(std::string digits);
  /// @param text  UTF-8 @param safe  markup: not escaped again (Jinja's Markup)
  [[nodiscard]] static Value string(std::string text, bool safe = false);
  [[nodiscard]] static Value list(std::vector<Value> items);
  [[nodiscard]] static Value tuple(std::vector<Value> items);
  [[nodiscard]] static Value dict(std::vector<std::pair<std::string, Value>> entries = {});
  explicit Value(const Ref<DictObject>& dict);
  explicit Value(const Ref<UndefinedObject>& undefined);
  explicit Value(const Ref<Instance>& instance);

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }
  [[nodiscard]] bool is_undefined() const noexcept { return type_ == Type::kUndefined; }
  [[nodiscard]] bool is_none() const noexcept { return type_ == Type::kNone; }
  [[nodiscard]] bool is_string() const noexcept { return type_ == Type::kString; }
  [[nodiscard]] bool is_sequence() const noexcept { return type_ == Type::kList || type_ == Type::kTuple; }
  [[nodiscard]] bool is_dict() const noexcept { return type_ == Type::kDict; }
  /// bool or int: what Python accepts as an index.
  [[nodiscard]] bool is_integral() const noexcept { return type_ == Type::kInt || type_ == Type::kBool; }
  [[nodiscard]] bool is_number() const noexcept {
    return is_integral() || type_ == Type::kFloat || type_ == Type::kBigInt;
  }

  // Each requires the type it names.
  [[nodiscard]] bool as_bool() const noexcept { return payload_.integer != 0; }
  [[nodiscard]] std::int64_t as_int() const noexcept { return payload_.integer; }  ///< kInt or kBool
  [[nodiscard]] double as_float() const noexcept { return payload_.real; }
  [[nodiscard]] const std::string& as_string() const noexcept;  ///< kString, or kBigInt's digits
  [[nodiscard]] StringObject& as_text() const noexcept;
  [[nodiscard]] SequenceObject& as_sequence() const noexcept;  ///< kList or kTuple
  [[nodiscard]] const std::vector<Value>& items() const noexcept;
  [[nodiscard]] DictObject& as_dict() const noexcept;
  [[nodiscard]] UndefinedObject& as_undefined() const noexcept;
  [[nodiscard]] Instance& as_instance() const noexcept;  ///< kObject
  /// The object if it is a T, else null.
  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return type_ == Type::kObject ? dynamic_cast<T*>(payload_.object) : nullptr;
  }
  /// Python's `is`.
  [[nodiscard]] bool same_as(const Value& other) const noexcept;

 private:
  union Payload {
    std::int64_t integer = 0;
    double real;
    Object* object;
  };
  Value(Type type, Object* object) noexcept : type_(type) {
    payload_.object = object;
    object->retain();
  }
  [[nodiscard]] bool counted() const noexcept {
    return type_ == Type::kUndefined || type_ == Type::kBigInt || type_ >= Type::kString;
  }

  Type type_ = Type::kNone;
  Payload payload_;
};

/// Immutable text.
class StringObject final : public Object {
 public:
  StringObject(std::string contents, bool is_markup) : text(std::move(contents)), safe(is_markup) {}
  /// Number of code points. Cost: counted once.
  [[nodiscard]] std::size_t code_points() const;
  const std::string text;
  const bool safe;

 private:
  static constexpr std::size_t kUncounted = static_cast<std::size_t>(-1);
  mutable std::atomic<std::size_t> code_points_{kUncounted};
};

/// A list or a tuple (the Value's type says which).
class SequenceObject final : public Object {
 public:
  explicit SequenceObject(std::vector<Value> values) : items(std::move(values)) {}
  std::vector<Value> items;
  /// Attribute names of the items of a named tuple (groupby's), else empty.
  std::span<const std::string_view> field_names;
};

/// A dict: keeps the order of insertion; keys compare as in Python (1 == 1.0 == True).
class DictObject final : public Object {
 public:
  using Entry = std::pair<Value, Value>;
  /// @throws TemplateError (kType)  the key is a list or dict
  [[nodiscard]] const Value* find(const Value& key, Budget& budget) const;
  [[nodiscard]] const Value* find(std::string_view key) const;
  /// Inserts at the end, or replaces the value of an equal key where it is.
  void set(Value key, Value value, Budget& budget);
  void set(std::string_view key, Value value);
  /// False if there was no such key. Cost: O(size).
  bool erase(const Value& key, Budget& budget);
  void clear();
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  [[nodiscard]] std::size_t locate(const Value& key, std::size_t hash, Budget& budget) const;
  [[nodiscard]] std::size_t locate(std::string_view key) const;
  void append(Value key, Value value, std::size_t hash);
  void rebuild_index();
  std::vector<Entry> entries_;
  std::vector<std::size_t> hashes_;   ///< one an entry
  std::vector<std::uint32_t> index_;  ///< open addressing, entry number + 1; empty while the dict is small
};

/// What a name or attribute that does not exist gives: prints as nothing, is false, iterates as empty; anything else
/// raises. A strict one raises on all of these too (Jinja's StrictUndefined).
class UndefinedObject final : public Object {
 public:
  enum class Strictness { kLenient, kStrict };
  UndefinedObject(std::string reason, Strictness strictness, bool is_forbidden = false)
      : message(std::move(reason)), strict(strictness == Strictness::kStrict), forbidden(is_forbidden) {}
  /// Raises UndefinedError, or SecurityError if the sandbox made it undefined.
  [[noreturn]] void fail() const;
  const std::string message;
  const bool strict;
  const bool forbidden;
};

/// Python's hash by value. @throws TemplateError (kType)  unhashable
[[nodiscard]] std::size_t hash_of(const Value& value, Budget& budget);

}  // namespace cambium::text::jinja
