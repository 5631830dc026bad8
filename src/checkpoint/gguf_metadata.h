#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cambium::checkpoint {

/// Types of a metadata value, numbered as in the file.
enum class GgufValueType : std::uint32_t {
  kUint8 = 0,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// "uint32", "array", ... as the format's documentation spells it.
[[nodiscard]] std::string_view name_of(GgufValueType type);

/// Elements of one type. Numbers stay packed in the file until they are asked for.
struct GgufArray {
  GgufValueType element = GgufValueType::kUint8;
  std::uint64_t count = 0;
  std::span<const std::byte> numbers;     ///< count packed elements, if they are numbers or booleans
  std::vector<std::string_view> strings;  ///< if they are strings
  std::vector<GgufArray> arrays;          ///< if they are arrays again
};

using GgufScalar = std::variant<std::uint64_t, std::int64_t, float, double, bool, std::string_view>;

/// One value; strings point into the file.
struct GgufValue {
  GgufValueType type = GgufValueType::kUint8;
  std::variant<GgufScalar, GgufArray> content;
};

/// The key-value part of a GGUF file. Every accessor throws CheckpointError (file, key, found, expected) if the key is
/// there with a value of another kind; an absent key is an empty optional or list.
class GgufMetadata {
 public:
  GgufMetadata() = default;
  GgufMetadata(std::string where, std::map<std::string, GgufValue, std::less<>> values)
      : where_(std::move(where)), values_(std::move(values)) {}

  [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }
  [[nodiscard]] const GgufValue* find(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  /// Any integer type. @throws CheckpointError also if it does not fit int64
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
  /// Any number; a float32 becomes the shortest decimal that means the same float32 (1e-05, not 9.99999974737e-06).
  [[nodiscard]] std::optional<double> number(std::string_view key) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  /// @throws CheckpointError also if the text is not UTF-8
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view key) const;
  [[nodiscard]] std::vector<bool> booleans(std::string_view key) const;
  [[nodiscard]] std::vector<std::string_view> texts(std::string_view key) const;

  /// The same, but the key must be there.
  [[nodiscard]] std::int64_t required_integer(std::string_view key) const;
  [[nodiscard]] std::string required_text(std::string_view key) const;

 private:
  [[noreturn]] void refuse(std::string_view key, const GgufValue& found, std::string_view expected) const;
  [[noreturn]] void refuse_missing(std::string_view key) const;
  [[nodiscard]] const GgufArray* array(std::string_view key, std::string_view expected) const;

  std::string where_;
  std::map<std::string, GgufValue, std::less<>> values_;
};

/// Shortest decimal number that reads back as the same float32.
[[nodiscard]] double shortest_decimal(float value);

}  // namespace cambium::checkpoint
