#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cambium::checkpoint {

/// The token strings of a tokenizer.json: the model's vocabulary and the added tokens. Knows nothing of how text is
/// split (text/ does).
class Vocabulary {
 public:
  struct Added {
    std::int64_t id;
    std::string token;
    bool special;
  };
  /// Reads FOLDER/tokenizer.json (BPE, WordPiece: an object; Unigram: a list); nothing if there is no such file.
  /// @throws CheckpointError  malformed, or an id that is negative or used by two tokens
  [[nodiscard]] static std::optional<Vocabulary> read(const std::filesystem::path& folder);
  /// The same from the text of a tokenizer.json. @param where  the file's name for messages
  [[nodiscard]] static Vocabulary parse(std::string_view text, std::string_view where);

  /// Highest id + 1.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  /// Token of an id, or nothing for an unused id.
  [[nodiscard]] std::optional<std::string_view> token(std::int64_t id) const;
  [[nodiscard]] std::optional<std::int64_t> id(std::string_view token) const;
  /// In the file's order.
  [[nodiscard]] const std::vector<Added>& added() const { return added_; }

 private:
  std::vector<std::optional<std::string>> tokens_;
  std::unordered_map<std::string, std::int64_t> ids_;
  std::vector<Added> added_;
};

}  // namespace cambium::checkpoint
