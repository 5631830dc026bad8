#include "eval/media_prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/media/media_prompt.h"
#include "model/media/media_reader.h"
#include "tensor/error.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"
#include "text/tokenizer.h"

namespace cambium::eval {

namespace {

using model::MediaItem;
using model::Modality;
using text::jinja::Value;

// The name of an item's file: a text, or a mapping with "path".
std::string file_name(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_dict()) {
    if (const Value* path = value.as_dict().find("path"); path != nullptr && path->is_string())
      return path->as_string();
  }
  throw RecipeError(fmt::format("a picture, sound or clip is given as {}, expected the name of a file",
                                text::jinja::type_name(value)));
}

std::vector<MediaItem> items_of(const tasks::Media& media, const tasks::DataSearch& data) {
  std::vector<MediaItem> items;
  const auto add = [&](const std::vector<Value>& values, Modality modality) {
    for (const Value& value : values) {
      const std::string name = file_name(value);
      MediaItem item{.modality = modality, .file = data.find(name, "the task's media"), .bytes = {}, .where = name};
      items.push_back(std::move(item));
    }
  };
  add(media.images, Modality::kImage);
  add(media.sounds, Modality::kAudio);
  add(media.clips, Modality::kVideo);
  return items;
}

}  // namespace

std::string MediaContents::content_of(const tasks::Request& request) {
  if (request.media == nullptr || request.media->empty()) return {};
  std::string all;
  for (const MediaItem& item : items_of(*request.media, data_)) {
    const auto [place, is_new] = known_.try_emplace(item.file.string(), 0);
    if (is_new) place->second = model::content_of(item);
    all += fmt::format("{} {:016x}\n", static_cast<int>(item.modality), place->second);
  }
  return all;
}

struct MediaPrompts::Impl {
  const model::MediaTowers& towers;
  const text::Tokenizer& tokenizer;
  TokenSplitter splitter;
  model::MediaEncoder encoder;
  tasks::DataSearch data;

  // The text in the model's words, with a placeholder an item.
  [[nodiscard]] std::string with_placeholders(std::string_view text, const std::vector<MediaItem>& items) const {
    std::string missing;
    for (const Modality modality : model::kModalities) {
      const auto count = static_cast<std::size_t>(std::ranges::count(items, modality, &MediaItem::modality));
      if (count == 0 || encoder.placeholders().count(text, modality) > 0) continue;
      for (std::size_t i = 0; i < count; ++i) missing += encoder.placeholders().word(modality) + "\n";
    }
    return missing + encoder.placeholders().own_words(text);
  }

  [[nodiscard]] model::MediaTokens expand(std::string_view text) const {
    return encoder.placeholders().expand(tokenizer, text, splitter.adds_special(text));
  }
};

MediaPrompts::MediaPrompts(const model::MediaTowers& towers, const text::Tokenizer& tokenizer,
                           const std::filesystem::path& folder, tasks::DataSearch data)
    : impl_(new Impl{towers, tokenizer, TokenSplitter(tokenizer), model::MediaEncoder(towers, tokenizer, folder),
                     std::move(data)}) {}

MediaPrompts::~MediaPrompts() = default;

MediaPrompts::Split MediaPrompts::split(const tasks::Request& request, std::size_t max_length) {
  const std::vector<MediaItem> items = items_of(*request.media, impl_->data);
  const std::string text = impl_->with_placeholders(*request.context, items);
  const std::string stripped(text::jinja::strip(text, false, true));
  model::MediaTokens context = impl_->expand(stripped);
  const model::MediaTokens whole = impl_->expand(text + request.continuation);
  if (whole.ids.size() <= context.ids.size()) throw ValueError("the continuation adds no token to its context");
  if (whole.ids.size() > max_length + 1) {
    throw ValueError(
        fmt::format("the prompt has {} tokens with its pictures, sounds or clips, but the model reads at most {}",
                    whole.ids.size(), max_length));
  }
  Tokens continuation(whole.ids.begin() + static_cast<std::ptrdiff_t>(context.ids.size()), whole.ids.end());
  return {impl_->encoder.prompt(std::move(context), items), std::move(continuation)};
}

model::Prompt MediaPrompts::prompt(const tasks::Request& request, std::size_t longest) {
  const std::vector<MediaItem> items = items_of(*request.media, impl_->data);
  model::MediaTokens tokens = impl_->expand(impl_->with_placeholders(*request.context, items));
  if (tokens.ids.size() > longest) {
    throw ValueError(
        fmt::format("the prompt has {} tokens with its pictures, sounds or clips, but only {} fit beside what "
                    "is to be generated",
                    tokens.ids.size(), longest));
  }
  return impl_->encoder.prompt(std::move(tokens), items);
}

void MediaPrompts::forget() { impl_->encoder.forget(); }

}  // namespace cambium::eval
