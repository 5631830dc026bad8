#pragma once

#include <string>
#include <string_view>

#include "text/chat_template.h"
#include "text/jinja_value.h"

namespace cambium::text {

/// A request's messages as a chat template gets them; the request itself is not changed.
class PreparedChat {
 public:
  /// @param source  the template's text, which must mention the field to be continued
  /// @throws ValueError  messages, tools or documents of a wrong form; nothing to continue
  PreparedChat(const ChatRequest& request, std::string_view source);

  [[nodiscard]] const jinja::Value& messages() const { return messages_; }
  /// Cuts a rendering behind the final message if that is to be continued, else leaves it as it is.
  /// @throws ValueError  the template did not write the final message as it was
  void cut(std::string& text) const;

 private:
  void mark_final_message(const std::string& field, std::string_view source);

  jinja::Value messages_;
  bool continues_ = false;
  std::string final_text_;
};

}  // namespace cambium::text
