#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/media/media_prompt.h"
#include "text/chat_template.h"

namespace cambium::model {

/// One turn of a conversation.
struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string text;
  std::vector<Modality> media;  ///< items that stand in front of the text
};

/// A conversation as the model's template writes it, with one placeholder an item.
///
/// Templates differ in what they take as a message's content: a text, or a list of parts ({"type": "image"}, {"type":
/// "text", "text": ...}). A form counts as understood if the rendering holds the messages' texts and as many
/// placeholders as there are items; with items the list is tried first, without any the text.
/// @throws text::jinja::TemplateError  as the template fails; ValueError  it understands neither form
[[nodiscard]] std::string render_chat(const text::ChatTemplate& chat_template, std::span<const ChatMessage> messages,
                                      const Placeholders& placeholders, bool add_generation_prompt = true);

/// The text with a placeholder in front, on a line of its own, for each item of a modality that it has no placeholder
/// of.
[[nodiscard]] std::string with_placeholders(std::string_view text, std::span<const MediaItem> items,
                                            const Placeholders& placeholders);

}  // namespace cambium::model
