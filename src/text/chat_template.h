#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_template.h"
#include "text/jinja_value.h"

namespace cambium::text {

/// One conversation, and what else its template sees.
struct ChatRequest {
  jinja::Value messages;               ///< a list of dicts with "role", "content" ...
  jinja::Value tools;                  ///< a list of JSON schemas, or None
  jinja::Value documents;              ///< a list of dicts, or None
  bool add_generation_prompt = false;  ///< end with the header of the assistant's next turn
  std::optional<std::string>
      continue_field;  ///< leave this field of the last message ("content") open, to be continued
  std::vector<std::pair<std::string, jinja::Value>>
      variables;  ///< more variables; they replace special tokens of that name
};

/// The templates a model's folder has for its conversations, with its special tokens.
///
/// Rendering follows transformers' apply_chat_template: keys of a message whose value is None are dropped; a message
/// with one of `reasoning_content`, `thinking`, `reasoning` gets the first two of them; jinja::Options::chat().
/// Thread-safe.
class ChatTemplate {
 public:
  /// Reads FOLDER/chat_template.jinja and additional_chat_templates/NAME.jinja, else chat_template.json,
  /// processor_config.json or the `chat_template` of tokenizer_config.json (a text, or a list of named ones); special
  /// tokens from tokenizer_config.json and special_tokens_map.json.
  /// @throws CheckpointError  no template in the folder, or a file of another form
  [[nodiscard]] static ChatTemplate from_folder(const std::filesystem::path& folder);
  /// One template file, without special tokens. @throws SystemError  it cannot be read
  [[nodiscard]] static ChatTemplate from_file(const std::filesystem::path& file);
  /// @param name  for messages
  [[nodiscard]] static ChatTemplate from_text(std::string_view source, std::string name,
                                              std::vector<std::pair<std::string, std::string>> special_tokens = {});
  /// Whether the folder has any chat template.
  [[nodiscard]] static bool exists_in(const std::filesystem::path& folder);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  /// @param name  which of several templates; if nothing, "tool_use" where tools are given and there is one, else
  /// "default"
  /// @param now   what strftime_now sees; the clock if nothing
  /// @throws jinja::TemplateError  as the template fails
  /// @throws ValueError            the request makes no sense: no messages, nothing to continue, an unknown template
  /// name ...
  [[nodiscard]] std::string render(const ChatRequest& request, std::optional<jinja::DateTime> now = {},
                                   std::optional<std::string_view> name = {}) const;
  /// Also says what the assistant wrote: spans of `{% generation %}` blocks in code points of the text, which training
  /// labels.
  [[nodiscard]] jinja::Rendering render_tracked(const ChatRequest& request, std::optional<jinja::DateTime> now = {},
                                                std::optional<std::string_view> name = {}) const;

  /// "default", "tool_use", "rag" ...
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] const std::string& source(std::string_view name) const;
  /// "bos_token", "eos_token" ... with the tokens' texts.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& special_tokens() const {
    return special_tokens_;
  }

 private:
  struct Named;
  ChatTemplate();
  void add(std::string name, std::string source, const std::string& where);
  [[nodiscard]] const Named& select(const ChatRequest& request, std::optional<std::string_view> name) const;

  std::string label_;
  std::vector<std::unique_ptr<Named>> templates_;
  std::vector<std::pair<std::string, std::string>> special_tokens_;

  friend class ChatTemplateFolder;
};

}  // namespace cambium::text
