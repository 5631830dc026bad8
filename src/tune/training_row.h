#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/chat_prompt.h"
#include "model/media/media_reader.h"

namespace cambium::tune {

/// One row of training data in the common form.
struct TrainingRow {
  bool is_text = false;  ///< raw text (in `text`), all of it learned; else a conversation
  std::string text;
  std::vector<model::ChatMessage> messages;  ///< roles "system", "user", "assistant"
  std::vector<model::MediaItem> media;       ///< in the order in which the messages mention them
};

/// Rows of files: where each begins and ends, found in one pass; nothing else is kept. JSON lists and JSON lines, told
/// apart by the first character; plain text files (.txt, .md) are one row each.
class RowFiles {
 public:
  /// @param patterns  files, or patterns with * and ? in the last part
  /// @throws RecipeError  a pattern that no file fits, no rows at all
  /// @throws SystemError  a file that cannot be read   @throws CheckpointError  a JSON list that is cut short
  RowFiles(const std::vector<std::string>& patterns, const std::string& source);
  ~RowFiles();
  RowFiles(RowFiles&&) noexcept;

  [[nodiscard]] std::size_t size() const;
  /// The row's text, and what to call it: "data.jsonl: row 17".
  [[nodiscard]] std::string_view row(std::size_t index) const;
  [[nodiscard]] std::string where(std::size_t index) const;
  /// Folder of the row's file.
  [[nodiscard]] std::filesystem::path folder(std::size_t index) const;
  [[nodiscard]] bool plain_text(std::size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads one row.
///
/// llava: {"conversations": [{"from": "human"|"gpt"|"system", "value"}], "image"|"video"|"audio": file or list}, media
/// words <image>, <video>, <audio> in the values; sharegpt: the same without media (also "user"/"assistant" as `from`);
/// messages: {"messages": [{"role", "content": text or parts {"type": "text"|"image"|"image_url"|"video"|"audio"|
/// "input_audio", ...}}]}; alpaca: {"instruction", "input"?, "output"}; text: {"text"} or a JSON string.
/// @param format  one of these, or "auto"
/// @param media   folder of relative media files
/// @throws RecipeError  the row is of another form (where, what is missing), or a media file is not there
[[nodiscard]] TrainingRow read_row(std::string_view json, const std::string& where, const std::string& format,
                                   const std::filesystem::path& media);

}  // namespace cambium::tune
