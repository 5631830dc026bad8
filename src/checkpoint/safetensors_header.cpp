#include "checkpoint/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "checkpoint/foreign_text.h"
#include "checkpoint/json_scan.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMaxRank = 64;

// Turns the header's JSON straight into tensors; a tree of it would cost ten times as much.
class HeaderEvents final : public JsonEvents {
 public:
  explicit HeaderEvents(std::string_view where) : where_(where) {}

  void scalar(JsonScalar value) override {
    if (skipping_ > 0) return;
    if (skip_next_) {
      skip_next_ = false;
      return;
    }
    switch (place_) {
      case Place::kMetadata:
        if (const auto* text = std::get_if<std::string>(&value)) {
          header_.metadata.emplace(key_, *text);
          return;
        }
        refuse(fmt::format("__metadata__ entry {} is {}, expected a string", quote_foreign(key_), kind_of(value)));
      case Place::kEntry:
        if (field_ == Field::kDType) return set_dtype(value);
        refuse_field(fmt::format("is {}, expected a list", kind_of(value)));
      case Place::kList:
        return field_ == Field::kShape ? add_dimension(value) : add_offset(value);
      case Place::kStart:
        refuse(fmt::format("the header is {}, expected an object", kind_of(value)));
      case Place::kTop:
        refuse(fmt::format("{} is {}, expected an object", subject(), kind_of(value)));
    }
  }

  void key(std::string name) override {
    if (skipping_ > 0) return;
    if (place_ == Place::kTop) {
      if (name != "__metadata__" && (name.empty() || !is_plain_text(name))) {
        refuse(fmt::format("the tensor name {} is empty or has control characters", quote_foreign(name)));
      }
      tensor_ = {};
      tensor_.name = std::move(name);
      have_ = {};
    } else if (place_ == Place::kEntry) {
      key_ = std::move(name);
      field_ = key_ == "dtype" ? Field::kDType : key_ == "shape" ? Field::kShape : Field::kOffsets;
      // Other fields say nothing we know of; the safetensors library skips them, too.
      skip_next_ = field_ == Field::kOffsets && key_ != "data_offsets";
    } else {
      key_ = std::move(name);
    }
  }

  void begin_object() override {
    if (skip()) return;
    if (place_ == Place::kStart) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop) {
      place_ = tensor_.name == "__metadata__" ? Place::kMetadata : Place::kEntry;
    } else {
      refuse_nested("an object");
    }
  }

  void end_object() override {
    if (unskip()) return;
    if (place_ == Place::kEntry) finish_entry();
    place_ = place_ == Place::kTop ? Place::kStart : Place::kTop;
  }

  void begin_array() override {
    if (skip()) return;
    if (place_ != Place::kEntry || field_ == Field::kDType) refuse_nested("a list");
    place_ = Place::kList;
  }

  void end_array() override {
    if (unskip()) return;
    if (field_ == Field::kShape) have_.shape = true;
    place_ = Place::kEntry;
  }

  SafetensorsHeader take() { return std::move(header_); }

  /// Offsets as the header gives them, one pair a tensor in the header's order.
  std::vector<std::uint64_t> ends;

 private:
  enum class Place { kStart, kTop, kMetadata, kEntry, kList };
  enum class Field { kDType, kShape, kOffsets };

  [[noreturn]] void refuse(const std::string& what) const {
    throw CheckpointError(fmt::format("{}: {}", where_, what));
  }
  [[noreturn]] void refuse_field(const std::string& what) const {
    refuse(fmt::format("tensor {}: {} {}", quote_foreign(tensor_.name), key_, what));
  }
  std::string subject() const {
    return tensor_.name == "__metadata__" ? "__metadata__" : "tensor " + quote_foreign(tensor_.name);
  }
  [[noreturn]] void refuse_nested(std::string_view kind) const {
    if (place_ == Place::kStart) refuse(fmt::format("the header is {}, expected an object", kind));
    if (place_ == Place::kTop) refuse(fmt::format("{} is {}, expected an object", subject(), kind));
    if (place_ == Place::kMetadata) {
      refuse(fmt::format("__metadata__ entry {} is {}, expected a string", quote_foreign(key_), kind));
    }
    if (place_ == Place::kList) refuse_field(fmt::format("has {} in it, expected integers", kind));
    refuse_field(fmt::format("is {}, expected {}", kind, field_ == Field::kDType ? "a string" : "a list"));
  }

  bool skip() {
    if (skipping_ == 0 && !skip_next_) return false;
    skip_next_ = false;
    ++skipping_;
    return true;
  }
  bool unskip() {
    if (skipping_ == 0) return false;
    --skipping_;
    return true;
  }

  void set_dtype(const JsonScalar& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) refuse_field(fmt::format("is {}, expected a string", kind_of(value)));
    const std::optional<DType> dtype = dtype_from_name(*text);
    // Only the format's own spelling counts here.
    if (!dtype || name_of(*dtype) != *text) refuse_field(fmt::format("{} is unknown", quote_foreign(*text, 40)));
    tensor_.dtype = *dtype;
    have_.dtype = true;
  }

  void add_dimension(const JsonScalar& value) {
    const std::optional<std::int64_t> size = as_int64(value);
    if (!size || *size < 0) {
      refuse_field(fmt::format("has {} in it, expected integers from 0 to 2^63-1", described(value)));
    }
    if (tensor_.shape.size() == kMaxRank) refuse_field(fmt::format("has more than {} dimensions", kMaxRank));
    tensor_.shape.push_back(*size);
  }

  void add_offset(const JsonScalar& value) {
    const std::optional<std::uint64_t> offset = as_uint64(value);
    if (!offset) refuse_field(fmt::format("has {} in it, expected integers from 0 on", described(value)));
    if (have_.offsets == 2) refuse_field("has more than two numbers");
    (have_.offsets++ == 0 ? tensor_.begin : end_) = *offset;
  }

  static std::string described(const JsonScalar& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return fmt::format("{}", *number);
    if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
    return std::string(kind_of(value));
  }

  void finish_entry() {
    if (!have_.dtype) refuse(fmt::format("tensor {} has no dtype", quote_foreign(tensor_.name)));
    if (!have_.shape) refuse(fmt::format("tensor {} has no shape", quote_foreign(tensor_.name)));
    if (have_.offsets != 2) {
      refuse(fmt::format("tensor {}: data_offsets is missing or has not two numbers", quote_foreign(tensor_.name)));
    }
    header_.tensors.push_back(std::move(tensor_));
    ends.push_back(end_);
  }

  std::string_view where_;
  SafetensorsHeader header_;
  Place place_ = Place::kStart;
  Field field_ = Field::kDType;
  bool skip_next_ = false;
  int skipping_ = 0;
  std::string key_;
  StoredTensor tensor_;
  std::uint64_t end_ = 0;
  struct Have {
    bool dtype = false;
    bool shape = false;
    int offsets = 0;
  } have_;
};

// Bytes the tensor takes, checked against overflow and against packed elements that end within a byte.
std::uint64_t checked_bytes(const StoredTensor& tensor, std::string_view where) {
  const auto refuse = [&](std::string_view what) {
    throw CheckpointError(fmt::format("{}: tensor {}: {} {} {}", where, quote_foreign(tensor.name),
                                      name_of(tensor.dtype), cambium::to_string(tensor.shape), what));
  };
  const std::optional<std::int64_t> count = checked_numel(tensor.shape);
  const auto bits = static_cast<std::uint64_t>(bits_of(tensor.dtype));
  if (!count || static_cast<std::uint64_t>(*count) > UINT64_MAX / bits) refuse("is too large for any file");
  const std::uint64_t all = static_cast<std::uint64_t>(count.value_or(0)) * bits;
  if (all % 8 != 0) refuse("does not end on a whole byte");
  return all / 8;
}

// Puts the tensors in the order of their bytes and checks that they cover the data exactly.
void check_places(std::vector<StoredTensor>& tensors, const std::vector<std::uint64_t>& ends, std::uint64_t data_bytes,
                  std::string_view where) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor& tensor = tensors[i];
    const auto refuse = [&](const std::string& what) {
      throw CheckpointError(fmt::format("{}: tensor {}: {}", where, quote_foreign(tensor.name), what));
    };
    const std::uint64_t expected = checked_bytes(tensor, where);
    if (ends[i] < tensor.begin) refuse(fmt::format("data_offsets [{}, {}] are reversed", tensor.begin, ends[i]));
    if (ends[i] - tensor.begin != expected) {
      refuse(fmt::format("data_offsets [{}, {}] hold {} bytes, but {} {} takes {}", tensor.begin, ends[i],
                         ends[i] - tensor.begin, name_of(tensor.dtype), cambium::to_string(tensor.shape), expected));
    }
    if (ends[i] > data_bytes) {
      refuse(fmt::format(
          "its data end at byte {} of the data, but the file has only {}; it is cut short or not downloaded "
          "completely",
          ends[i], data_bytes));
    }
  }
  // Empty tensors come before a tensor that begins at the same byte.
  std::ranges::sort(tensors, [](const StoredTensor& a, const StoredTensor& b) {
    const std::size_t a_bytes = a.bytes();
    const std::size_t b_bytes = b.bytes();
    return std::tie(a.begin, a_bytes, a.name) < std::tie(b.begin, b_bytes, b.name);
  });
  std::uint64_t covered = 0;
  const StoredTensor* before = nullptr;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.begin < covered) {
      throw CheckpointError(fmt::format("{}: tensors {} and {} overlap at byte {} of the data", where,
                                        quote_foreign(before->name), quote_foreign(tensor.name), tensor.begin));
    }
    if (tensor.begin > covered) {
      throw CheckpointError(fmt::format("{}: bytes {} to {} of the data belong to no tensor (before {})", where,
                                        covered, tensor.begin, quote_foreign(tensor.name)));
    }
    covered += tensor.bytes();
    before = &tensor;
  }
  if (covered != data_bytes) {
    throw CheckpointError(
        fmt::format("{}: the file has {} bytes behind the last tensor, expected none", where, data_bytes - covered));
  }
}

void append_json_text(std::string& out, std::string_view text) {
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::strict);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view start, std::uint64_t file_bytes, std::string_view where) {
  if (file_bytes < kLengthBytes || start.size() < kLengthBytes) {
    throw CheckpointError(
        fmt::format("{}: {} bytes are too few for a safetensors file (its first 8 bytes are the header's length)",
                    where, file_bytes));
  }
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(start[i]);
  if (length > kMaxHeaderBytes) {
    throw CheckpointError(
        fmt::format("{}: the header would be {} bytes long, more than the {} that are allowed; this is "
                    "not a safetensors file, or it is damaged",
                    where, length, kMaxHeaderBytes));
  }
  if (length > file_bytes - kLengthBytes || length > start.size() - kLengthBytes) {
    throw CheckpointError(
        fmt::format("{}: the header would be {} bytes long, but the file has only {} bytes behind its "
                    "length; it is cut short or not downloaded completely",
                    where, length, file_bytes - kLengthBytes));
  }
  const std::string_view text = start.substr(kLengthBytes, length);
  const std::string header_name = fmt::format("{}: header", where);
  if (!text.starts_with('{')) {
    throw CheckpointError(fmt::format("{}: not valid JSON: expected an object that begins with '{{', found {}",
                                      header_name, text.empty() ? "nothing" : quote_foreign(text.substr(0, 12))));
  }
  HeaderEvents events(where);
  scan_json(text, header_name, JsonLimits{}, events);
  SafetensorsHeader header = events.take();
  check_places(header.tensors, events.ends, file_bytes - kLengthBytes - length, where);
  for (StoredTensor& tensor : header.tensors) tensor.begin += kLengthBytes + length;
  return header;
}

std::string safetensors_header_text(const std::vector<StoredTensor>& tensors) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  for (const StoredTensor& tensor : tensors) {
    json += ',';
    append_json_text(json, tensor.name);
    json += fmt::format(R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name_of(tensor.dtype),
                        fmt::join(tensor.shape, ","), tensor.begin, tensor.begin + tensor.bytes());
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string text;
  for (std::size_t i = 0; i < kLengthBytes; ++i) text.push_back(static_cast<char>(json.size() >> (8 * i) & 0xff));
  return text + json;
}

}  // namespace cambium::checkpoint
