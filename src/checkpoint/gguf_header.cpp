// The parser behind parse_gguf(): bounds are checked before anything is read or allocated.
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <set>

#include "checkpoint/foreign_text.h"
#include "checkpoint/gguf_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are read as they lie in memory");

constexpr std::uint32_t kMaxDimensions = 4;
constexpr int kMaxArrayDepth = 8;
constexpr std::uint64_t kMaxAlignment = 1U << 24;

// Least number of bytes that one entry takes: bounds the counts before memory is reserved for them.
constexpr std::uint64_t kLeastKeyBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

std::uint64_t size_of(GgufValueType type) {
  switch (type) {
    case GgufValueType::kUint8:
    case GgufValueType::kInt8:
    case GgufValueType::kBool:
      return 1;
    case GgufValueType::kUint16:
    case GgufValueType::kInt16:
      return 2;
    case GgufValueType::kUint32:
    case GgufValueType::kInt32:
    case GgufValueType::kFloat32:
      return 4;
    case GgufValueType::kUint64:
    case GgufValueType::kInt64:
    case GgufValueType::kFloat64:
    case GgufValueType::kString:  // its length
      return 8;
    case GgufValueType::kArray:  // element type and count
      return 12;
  }
  return 0;
}

class Parser {
 public:
  Parser(std::span<const std::byte> file, std::string_view where) : file_(file), where_(where) {}

  GgufHeader parse() {
    GgufHeader header;
    header.version = version();
    const auto tensor_count = read<std::uint64_t>("the number of tensors");
    const auto key_count = read<std::uint64_t>("the number of keys");
    check_count("keys", key_count, kLeastKeyBytes);
    header.metadata = GgufMetadata(where_, keys(key_count));
    check_count("tensors", tensor_count, kLeastTensorBytes);
    header.tensors = tensors(tensor_count);
    place(header.tensors, alignment(header.metadata));
    return header;
  }

 private:
  template <class... Values>
  [[noreturn]] void refuse(fmt::format_string<Values...> message, Values&&... values) const {
    throw CheckpointError(where_ + ": " + fmt::format(message, std::forward<Values>(values)...));
  }

  [[nodiscard]] std::uint64_t left() const { return file_.size() - at_; }

  std::span<const std::byte> take(std::uint64_t bytes, std::string_view what) {
    if (bytes > left()) {
      refuse("{} takes {} bytes from offset {} on, but the file ends at {}; it is cut short or damaged", what, bytes,
             at_, file_.size());
    }
    const auto taken = file_.subspan(at_, bytes);
    at_ += bytes;
    return taken;
  }

  template <class T>
  T read(std::string_view what) {
    T value{};
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string_view string(std::string_view what) {
    const auto length = read<std::uint64_t>(what);
    const auto bytes = take(length, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void check_count(std::string_view what, std::uint64_t count, std::uint64_t least_bytes) const {
    if (count > left() / least_bytes) {
      refuse("the header announces {} {}, but the {} bytes left hold at most {}", count, what, left(),
             left() / least_bytes);
    }
  }

  std::uint32_t version() {
    const auto magic_bytes = take(4, "the magic 'GGUF'");
    const std::string_view magic(reinterpret_cast<const char*>(magic_bytes.data()), 4);
    if (magic == "tjgg" || magic == "fmgg" || magic == "lmgg" || magic == "algg") {
      refuse("is of the GGML family from before GGUF; convert it with llama.cpp's convert_llama_ggml_to_gguf.py first");
    }
    if (magic != "GGUF") refuse("begins with {}, expected 'GGUF'; it is not a GGUF file", quote_foreign(magic));
    const auto version = read<std::uint32_t>("the version");
    if ((version & 0xFFFFU) == 0 && version != 0) refuse("is a big-endian GGUF file; only little-endian ones are read");
    if (version != 2 && version != 3) refuse("is GGUF version {}, expected 2 or 3", version);
    return version;
  }

  std::map<std::string, GgufValue, std::less<>> keys(std::uint64_t count) {
    std::map<std::string, GgufValue, std::less<>> values;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view key = string(fmt::format("the name of key {} of {}", i + 1, count));
      if (key.empty() || !is_plain_text(key))
        refuse("key {} of {} has an empty name or one that is not plain UTF-8 text", i + 1, count);
      const std::string what = fmt::format("key {}", quote_foreign(key));
      GgufValue found = value(what);
      if (!values.emplace(std::string(key), std::move(found)).second) refuse("{} is there twice", what);
    }
    return values;
  }

  GgufValueType value_type(std::string_view what) {
    const auto type = read<std::uint32_t>(what);
    if (type > static_cast<std::uint32_t>(GgufValueType::kFloat64)) {
      refuse("{} has the value type {}, expected one of 0 to 12", what, type);
    }
    return static_cast<GgufValueType>(type);
  }

  GgufValue value(std::string_view what) {
    GgufValue result;
    result.type = value_type(what);
    if (result.type == GgufValueType::kArray) {
      result.content = array(what, 1);
    } else {
      result.content = scalar(result.type, what);
    }
    return result;
  }

  GgufScalar scalar(GgufValueType type, std::string_view what) {
    switch (type) {
      case GgufValueType::kUint8:
        return std::uint64_t{read<std::uint8_t>(what)};
      case GgufValueType::kInt8:
        return std::int64_t{read<std::int8_t>(what)};
      case GgufValueType::kUint16:
        return std::uint64_t{read<std::uint16_t>(what)};
      case GgufValueType::kInt16:
        return std::int64_t{read<std::int16_t>(what)};
      case GgufValueType::kUint32:
        return std::uint64_t{read<std::uint32_t>(what)};
      case GgufValueType::kInt32:
        return std::int64_t{read<std::int32_t>(what)};
      case GgufValueType::kUint64:
        return read<std::uint64_t>(what);
      case GgufValueType::kInt64:
        return read<std::int64_t>(what);
      case GgufValueType::kFloat32:
        return read<float>(what);
      case GgufValueType::kFloat64:
        return read<double>(what);
      case GgufValueType::kBool: {
        const auto byte = read<std::uint8_t>(what);
        if (byte > 1) refuse("{} is a boolean with the value {}, expected 0 or 1", what, byte);
        return byte == 1;
      }
      case GgufValueType::kString:
      case GgufValueType::kArray:
        break;
    }
    return string(what);
  }

  GgufArray array(std::string_view what, int depth) {
    if (depth > kMaxArrayDepth) refuse("{} is an array nested deeper than {}", what, kMaxArrayDepth);
    GgufArray result;
    result.element = value_type(what);
    result.count = read<std::uint64_t>(what);
    const std::uint64_t least = size_of(result.element);
    if (result.count > left() / least) {
      refuse("{} is an array of {} {} values, but the {} bytes left hold at most {}", what, result.count,
             name_of(result.element), left(), left() / least);
    }
    if (result.element == GgufValueType::kString) {
      result.strings.reserve(result.count);
      for (std::uint64_t i = 0; i < result.count; ++i) result.strings.push_back(string(what));
    } else if (result.element == GgufValueType::kArray) {
      for (std::uint64_t i = 0; i < result.count; ++i) result.arrays.push_back(array(what, depth + 1));
    } else {
      result.numbers = take(result.count * least, what);
      if (result.element == GgufValueType::kBool) {
        for (const std::byte byte : result.numbers) {
          if (byte > std::byte{1}) refuse("{} has a boolean with the value {}, expected 0 or 1", what, int(byte));
        }
      }
    }
    return result;
  }

  std::vector<GgufTensor> tensors(std::uint64_t count) {
    std::vector<GgufTensor> result;
    result.reserve(count);
    std::set<std::string_view> names;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view name = string(fmt::format("the name of tensor {} of {}", i + 1, count));
      if (name.empty() || !is_plain_text(name)) {
        refuse("tensor {} of {} has an empty name or one that is not plain UTF-8 text", i + 1, count);
      }
      if (!names.insert(name).second) refuse("tensor {} is there twice", quote_foreign(name));
      result.push_back(tensor(name));
    }
    return result;
  }

  GgufTensor tensor(std::string_view name) {
    const std::string what = fmt::format("tensor {}", quote_foreign(name));
    GgufTensor result;
    result.name = std::string(name);
    const auto dimensions = read<std::uint32_t>(what);
    if (dimensions > kMaxDimensions)
      refuse("{} has {} dimensions, expected at most {}", what, dimensions, kMaxDimensions);
    std::uint64_t values = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const auto size = read<std::uint64_t>(what);
      if (size == 0 || size > INT64_MAX || values > static_cast<std::uint64_t>(INT64_MAX) / size) {
        refuse("{} has a dimension of {}: empty, or more values than can be counted", what, size);
      }
      values *= size;
      result.shape.insert(result.shape.begin(), static_cast<std::int64_t>(size));
    }
    const auto type = read<std::uint32_t>(what);
    result.type = find_gguf_tensor_type(type);
    if (result.type == nullptr) refuse("{} is of type {}, which the format does not have", what, type);
    const std::uint64_t row = result.shape.empty() ? 1 : static_cast<std::uint64_t>(result.shape.back());
    if (row % result.type->block_values != 0) {
      refuse("{} has rows of {} values, expected a multiple of {} for {}", what, row, result.type->block_values,
             result.type->name);
    }
    const std::uint64_t blocks = values / result.type->block_values;
    if (blocks > static_cast<std::uint64_t>(INT64_MAX) / result.type->block_bytes) {
      refuse("{} of shape {} has more bytes than can be counted", what, cambium::to_string(result.shape));
    }
    result.bytes = blocks * result.type->block_bytes;
    result.begin = read<std::uint64_t>(what);  // still relative to the data
    return result;
  }

  [[nodiscard]] std::uint64_t alignment(const GgufMetadata& metadata) const {
    const std::int64_t found = metadata.integer("general.alignment").value_or(32);
    const auto result = static_cast<std::uint64_t>(found);
    if (found <= 0 || !std::has_single_bit(result) || result > kMaxAlignment) {
      refuse("key 'general.alignment' is {}, expected a power of two up to {}", found, kMaxAlignment);
    }
    return result;
  }

  // Tensors lie one behind the other, each at the next multiple of the alignment.
  void place(std::vector<GgufTensor>& tensors, std::uint64_t alignment) const {
    if (tensors.empty()) return;
    const auto aligned = [&](std::uint64_t offset) { return (offset + alignment - 1) / alignment * alignment; };
    const std::uint64_t data = aligned(at_);
    std::uint64_t end = 0;
    for (GgufTensor& tensor : tensors) {
      const std::uint64_t expected = aligned(end);
      if (tensor.begin != expected) {
        refuse(
            "tensor {} begins at offset {} of the data, expected {}: tensors overlap, leave a hole or are not "
            "aligned "
            "to {}",
            quote_foreign(tensor.name), tensor.begin, expected, alignment);
      }
      if (data > file_.size() || expected > file_.size() - data || tensor.bytes > file_.size() - data - expected) {
        refuse("tensor {} of {} bytes ({} {}) begins at {}, but the file ends at {}; it is cut short",
               quote_foreign(tensor.name), tensor.bytes, tensor.type->name, cambium::to_string(tensor.shape),
               data + expected, file_.size());
      }
      end = expected + tensor.bytes;
      tensor.begin = data + expected;
    }
    if (file_.size() - data > aligned(end)) {
      refuse("{} bytes follow the last tensor {}, expected at most padding to {}", file_.size() - data - end,
             quote_foreign(tensors.back().name), alignment);
    }
  }

  std::span<const std::byte> file_;
  std::string where_;
  std::uint64_t at_ = 0;
};

}  // namespace

GgufHeader parse_gguf(std::span<const std::byte> file, std::string_view where) { return Parser(file, where).parse(); }

}  // namespace cambium::checkpoint
