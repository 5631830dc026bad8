#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::text {
class ChatTemplate;
}

namespace cambium::tasks {

/// A turn of a prompt, written as chat or as plain text.
struct Message {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
  std::string delimiter;  ///< follows it in plain text only
};

/// Writes messages as the model was trained to read them. @param add_generation_prompt  false: the last message is left
/// open
using ChatRenderer = std::function<std::string(const std::vector<Message>& messages, bool add_generation_prompt)>;

/// A renderer for a model's chat template; the template must outlive it. @param name  which of several; empty: the
/// default one. A template that refuses system messages is
/// tried without them, as lm-evaluation-harness does.
[[nodiscard]] ChatRenderer chat_renderer(const text::ChatTemplate& chat, std::string name = {});

/// The messages' contents and delimiters one after the other.
[[nodiscard]] std::string plain_text(const std::vector<Message>& messages);

/// All but a leading system message and a trailing assistant message become one user message.
[[nodiscard]] std::vector<Message> as_single_turn(std::vector<Message> messages);

/// Joined by the delimiter, unless one is empty or there is white space where they meet.
[[nodiscard]] std::string join_parts(std::string_view first, std::string_view second, std::string_view delimiter);
/// Neither has white space where they would meet, and the first is not empty.
[[nodiscard]] bool needs_delimiter(std::string_view first, std::string_view second);
[[nodiscard]] bool ends_with_space(std::string_view text);

}  // namespace cambium::tasks
