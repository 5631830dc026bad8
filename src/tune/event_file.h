#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cambium::tune {

/// CRC-32C (Castagnoli), as RFC 3720 defines it: of "123456789" it is 0xE3069283.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

/// One record of a TFRecord file: length, its masked checksum, the bytes, theirs. Source: TensorFlow's record format.
[[nodiscard]] std::string tf_record(std::string_view bytes);

/// Numbers over the steps of a run, in the files that TensorBoard reads.
class EventFile {
 public:
  /// Begins FOLDER/events.out.tfevents.SECONDS.cambium (a new file for each process). @throws SystemError
  EventFile(const std::filesystem::path& folder, double wall_seconds);
  void scalar(std::string_view tag, double value, std::int64_t step, double wall_seconds);
  /// What was written is handed to the system.
  void flush();

 private:
  std::ofstream out_;
};

}  // namespace cambium::tune
