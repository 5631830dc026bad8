#include "tune/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "tensor/error.h"

namespace cambium::tune {

namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? value >> 1 ^ 0x82F63B78U : value >> 1;
    table[i] = value;
  }
  return table;
}();

template <class Number>
std::string little_endian(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  return bytes;
}

// Checksums of data that hold checksums are weak; the format masks them.
std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8U; }

// Protocol buffers: a field's key is number * 8 + wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four
// bytes).
std::string varint(std::uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<char>(value));
  return bytes;
}
std::string key(int field, int wire) { return varint(static_cast<std::uint64_t>(field * 8 + wire)); }
std::string message(int field, std::string_view bytes) {
  return key(field, 2) + varint(bytes.size()) + std::string(bytes);
}

// Event: wall_time = 1 (double), step = 2, file_version = 3, summary = 5.
std::string event(double wall_seconds, std::int64_t step, const std::string& rest) {
  return key(1, 1) + little_endian(wall_seconds) + key(2, 0) + varint(static_cast<std::uint64_t>(step)) + rest;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  return crc ^ 0xFFFFFFFFU;
}

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(static_cast<std::uint64_t>(bytes.size()));
  return length + little_endian(masked(crc32c(length))) + std::string(bytes) + little_endian(masked(crc32c(bytes)));
}

EventFile::EventFile(const std::filesystem::path& folder, double wall_seconds) {
  std::filesystem::path file;
  for (auto second = static_cast<std::int64_t>(wall_seconds); file.empty() || std::filesystem::exists(file); ++second) {
    file = folder / fmt::format("events.out.tfevents.{:010d}.cambium", second);
  }
  out_.open(file, std::ios::binary);
  if (!out_) throw SystemError(fmt::format("{}: cannot be written", file.string()));
  out_ << tf_record(event(wall_seconds, 0, message(3, "brain.Event:2")));
  flush();
}

void EventFile::scalar(std::string_view tag, double value, std::int64_t step, double wall_seconds) {
  // Summary.Value: tag = 1, simple_value = 2 (float).
  const std::string number = key(2, 5) + little_endian(static_cast<float>(value));
  out_ << tf_record(event(wall_seconds, step, message(5, message(1, message(1, tag) + number))));
}

void EventFile::flush() { out_.flush(); }

}  // namespace cambium::tune
