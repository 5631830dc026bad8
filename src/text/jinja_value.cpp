#include "text/jinja_value.h"

#include <charconv>
#include <cmath>
#include <functional>

#include "text/jinja_error.h"
#include "text/jinja_objects.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

// Up to this many entries a dict is searched from the front.
constexpr std::size_t kSmallDict = 8;
constexpr std::size_t kNoEntry = static_cast<std::size_t>(-1);

}  // namespace

void Object::dispose(const Object* object) noexcept {
  if (dynamic_cast<const StringObject*>(object) != nullptr) {
    delete object;
    return;
  }
  // A list of lists of lists ... must not free itself recursively: what becomes free meanwhile waits. Only a pointer is
  // the thread's own, so that values with static lifetime, which outlive thread-local objects, can still be freed.
  thread_local std::vector<const Object*>* waiting = nullptr;
  if (waiting != nullptr) {
    waiting->push_back(object);
    return;
  }
  std::vector<const Object*> free_now;
  waiting = &free_now;
  delete object;
  while (!free_now.empty()) {
    const Object* next = free_now.back();
    free_now.pop_back();
    delete next;
  }
  waiting = nullptr;
}

Value Value::boolean(bool value) noexcept {
  Value result;
  result.type_ = Type::kBool;
  result.payload_.integer = value ? 1 : 0;
  return result;
}

Value Value::integer(std::int64_t value) noexcept {
  Value result;
  result.type_ = Type::kInt;
  result.payload_.integer = value;
  return result;
}

Value Value::real(double value) noexcept {
  Value result;
  result.type_ = Type::kFloat;
  result.payload_.real = value;
  return result;
}

Value Value::integer_from_digits(std::string digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc{}) return integer(value);
  const std::size_t sign = digits.starts_with('-') ? 1 : 0;
  digits.erase(sign, std::min(digits.find_first_not_of('0', sign), digits.size()) - sign);
  return {Type::kBigInt, make<StringObject>(std::move(digits), false).get()};
}

Value Value::string(std::string text, bool safe) {
  return {Type::kString, make<StringObject>(std::move(text), safe).get()};
}

Value Value::list(std::vector<Value> items) { return {Type::kList, make<SequenceObject>(std::move(items)).get()}; }

Value Value::tuple(std::vector<Value> items) { return {Type::kTuple, make<SequenceObject>(std::move(items)).get()}; }

Value Value::dict(std::vector<std::pair<std::string, Value>> entries) {
  const auto made = make<DictObject>();
  for (auto& [key, value] : entries) made->set(key, std::move(value));
  return Value(made);
}

Value::Value(const Ref<DictObject>& dict) : Value(Type::kDict, dict.get()) {}
Value::Value(const Ref<UndefinedObject>& undefined) : Value(Type::kUndefined, undefined.get()) {}
Value::Value(const Ref<Instance>& instance) : Value(Type::kObject, instance.get()) {}

const std::string& Value::as_string() const noexcept { return static_cast<StringObject*>(payload_.object)->text; }
StringObject& Value::as_text() const noexcept { return *static_cast<StringObject*>(payload_.object); }
SequenceObject& Value::as_sequence() const noexcept { return *static_cast<SequenceObject*>(payload_.object); }
const std::vector<Value>& Value::items() const noexcept { return as_sequence().items; }
DictObject& Value::as_dict() const noexcept { return *static_cast<DictObject*>(payload_.object); }
UndefinedObject& Value::as_undefined() const noexcept { return *static_cast<UndefinedObject*>(payload_.object); }
Instance& Value::as_instance() const noexcept { return *static_cast<Instance*>(payload_.object); }

bool Value::same_as(const Value& other) const noexcept {
  if (type_ != other.type_) return false;
  // CPython shares equal short strings and small integers; templates can only rely on that for literals.
  if (type_ == Type::kString) return payload_.object == other.payload_.object || as_string() == other.as_string();
  return payload_.integer == other.payload_.integer;
}

std::size_t StringObject::code_points() const {
  std::size_t count = code_points_.load(std::memory_order_relaxed);
  if (count == kUncounted) {
    count = count_code_points(text);
    code_points_.store(count, std::memory_order_relaxed);
  }
  return count;
}

void UndefinedObject::fail() const {
  throw TemplateError(forbidden ? ErrorKind::kSecurity : ErrorKind::kUndefined, message);
}

std::size_t hash_of(const Value& value, Budget& budget) {
  switch (value.type()) {
    case Type::kUndefined:
      if (value.as_undefined().strict) value.as_undefined().fail();
      return 1;
    case Type::kNone:
      return 2;
    case Type::kBool:
    case Type::kInt:
      return std::hash<std::int64_t>{}(value.as_int());
    case Type::kFloat: {
      const double real = value.as_float();
      if (std::floor(real) == real && std::abs(real) < 9.2e18) {
        return std::hash<std::int64_t>{}(static_cast<std::int64_t>(real));
      }
      return std::hash<double>{}(real);
    }
    case Type::kBigInt:
    case Type::kString:
      return std::hash<std::string_view>{}(value.as_string());
    case Type::kTuple: {
      const Budget::Level level(budget);
      std::size_t hash = 3;
      for (const Value& item : value.items()) {
        budget.spend(1);
        hash = hash * 1000003U ^ hash_of(item, budget);
      }
      return hash;
    }
    case Type::kList:
      throw TemplateError(ErrorKind::kType, "unhashable type: 'list'");
    case Type::kDict:
      throw TemplateError(ErrorKind::kType, "unhashable type: 'dict'");
    case Type::kObject:
      return std::hash<const Object*>{}(&value.as_instance());
  }
  return 0;
}

std::size_t DictObject::locate(const Value& key, std::size_t hash, Budget& budget) const {
  const auto matches = [&](std::size_t entry) {
    budget.spend(1);
    return hashes_[entry] == hash && equal(entries_[entry].first, key, budget);
  };
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (matches(i)) return i;
    }
    return kNoEntry;
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = hash & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    if (matches(index_[slot] - 1)) return index_[slot] - 1;
  }
  return kNoEntry;
}

std::size_t DictObject::locate(std::string_view key) const {
  const auto matches = [&](std::size_t entry) {
    const Value& other = entries_[entry].first;
    return other.is_string() && other.as_string() == key;
  };
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (matches(i)) return i;
    }
    return kNoEntry;
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = std::hash<std::string_view>{}(key)&mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    if (matches(index_[slot] - 1)) return index_[slot] - 1;
  }
  return kNoEntry;
}

const Value* DictObject::find(const Value& key, Budget& budget) const {
  const std::size_t entry = locate(key, hash_of(key, budget), budget);
  return entry == kNoEntry ? nullptr : &entries_[entry].second;
}

const Value* DictObject::find(std::string_view key) const {
  const std::size_t entry = locate(key);
  return entry == kNoEntry ? nullptr : &entries_[entry].second;
}

void DictObject::append(Value key, Value value, std::size_t hash) {
  entries_.emplace_back(std::move(key), std::move(value));
  hashes_.push_back(hash);
  if (entries_.size() <= kSmallDict) return;
  if (2 * entries_.size() > index_.size()) {
    rebuild_index();
    return;
  }
  const std::size_t mask = index_.size() - 1;
  std::size_t slot = hash & mask;
  while (index_[slot] != 0) slot = (slot + 1) & mask;
  index_[slot] = static_cast<std::uint32_t>(entries_.size());
}

void DictObject::rebuild_index() {
  index_.clear();
  if (entries_.size() <= kSmallDict) return;
  std::size_t slots = 32;
  while (slots < 4 * entries_.size()) slots *= 2;
  index_.assign(slots, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = hashes_[i] & (slots - 1);
    while (index_[slot] != 0) slot = (slot + 1) & (slots - 1);
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

void DictObject::set(Value key, Value value, Budget& budget) {
  const std::size_t hash = hash_of(key, budget);
  const std::size_t entry = locate(key, hash, budget);
  if (entry == kNoEntry) {
    append(std::move(key), std::move(value), hash);
  } else {
    entries_[entry].second = std::move(value);
  }
}

void DictObject::set(std::string_view key, Value value) {
  const std::size_t entry = locate(key);
  if (entry == kNoEntry) {
    append(Value::string(std::string(key)), std::move(value), std::hash<std::string_view>{}(key));
  } else {
    entries_[entry].second = std::move(value);
  }
}

bool DictObject::erase(const Value& key, Budget& budget) {
  const std::size_t entry = locate(key, hash_of(key, budget), budget);
  if (entry == kNoEntry) return false;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(entry));
  hashes_.erase(hashes_.begin() + static_cast<std::ptrdiff_t>(entry));
  rebuild_index();
  return true;
}

void DictObject::clear() {
  entries_.clear();
  hashes_.clear();
  index_.clear();
}

}  // namespace cambium::text::jinja
