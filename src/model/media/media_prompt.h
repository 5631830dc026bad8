#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/engine/requests.h"
#include "model/media/media_reader.h"
#include "model/media/media_towers.h"
#include "text/tokenizer.h"

namespace cambium::model {

/// Where one item's rows stand in a prompt.
struct MediaPlace {
  Modality modality = Modality::kImage;
  std::size_t item = 0;      ///< counted within its modality
  std::size_t position = 0;  ///< of its first token
  std::size_t count = 0;     ///< tokens
};

/// A prompt's tokens with each placeholder expanded to as many as its item has rows.
struct MediaTokens {
  std::vector<std::int32_t> ids;  ///< the modality's token, or 0 where that is no token of the vocabulary
  std::vector<MediaPlace> places;
};

/// The words that stand for an item in a model's prompts: the token that the config names, as the tokenizer spells it;
/// else "<image>", "<video>", "<audio>". In a text that holds none of the model's own words those general ones mean
/// them.
class Placeholders {
 public:
  Placeholders() = default;
  Placeholders(const MediaTowers& towers, const text::Tokenizer& tokenizer);

  /// "" for a modality that the model does not take.
  [[nodiscard]] const std::string& word(Modality modality) const { return words_[static_cast<std::size_t>(modality)]; }
  /// Placeholders of the modality in a text.
  [[nodiscard]] std::size_t count(std::string_view text, Modality modality) const;
  /// The text with general words replaced by the model's own.
  [[nodiscard]] std::string own_words(std::string_view text) const;
  /// Tokens of a text. @param add_special  as Tokenizer::ids
  [[nodiscard]] MediaTokens expand(const text::Tokenizer& tokenizer, std::string_view text, bool add_special) const;

 private:
  struct Word {
    std::string own;
    std::int64_t token = -1;  ///< id, if the tokenizer has the word
    std::size_t tokens = 0;   ///< rows of an item
  };
  std::vector<std::string> words_ = std::vector<std::string>(kModalities.size());
  std::vector<Word> known_ = std::vector<Word>(kModalities.size());
};

/// Makes prompts with pictures, clips and sounds. Encoded items are kept by their content, so that a picture of many
/// prompts is encoded once, and equal items have equal identities: the engine computes a shared beginning once.
/// Not thread-safe.
class MediaEncoder {
 public:
  /// @param towers, tokenizer  must outlive this
  MediaEncoder(const MediaTowers& towers, const text::Tokenizer& tokenizer, const std::filesystem::path& folder,
               media::Resizer resizer = media::Resizer::kTorchvision);
  ~MediaEncoder();

  /// @param text   with one placeholder an item, in order (of each modality)
  /// @param items  of any modalities; their order matters within a modality
  /// @throws UsageError  another number of placeholders than of items (both are named), a modality that the model does
  ///                     not take; as MediaReader::read
  [[nodiscard]] Prompt prompt(std::string_view text, std::span<const MediaItem> items, bool add_special = true);
  /// The same for tokens that are there already.
  [[nodiscard]] Prompt prompt(MediaTokens tokens, std::span<const MediaItem> items);

  [[nodiscard]] const Placeholders& placeholders() const;
  /// Items that went through a tower so far.
  [[nodiscard]] std::size_t encoded() const;
  /// Forgets all encoded items (the weights have changed).
  void forget();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::model
