#include "text/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tensor/error.h"
#include "text/chat_template_messages.h"
#include "text/jinja_error.h"

namespace cambium::text {

struct ChatTemplate::Named {
  std::string name;
  std::string source;
  std::optional<jinja::Template> parsed;
  std::exception_ptr error;  ///< a template that cannot be parsed fails when it is used: its siblings may be fine
};

ChatTemplate::ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

ChatTemplate ChatTemplate::from_text(std::string_view source, std::string name,
                                     std::vector<std::pair<std::string, std::string>> special_tokens) {
  ChatTemplate made;
  made.label_ = name;
  made.special_tokens_ = std::move(special_tokens);
  made.add("default", std::string(source), name);
  if (made.templates_.front()->error) std::rethrow_exception(made.templates_.front()->error);
  return made;
}

void ChatTemplate::add(std::string name, std::string source, const std::string& where) {
  auto named = std::make_unique<Named>();
  named->name = std::move(name);
  named->source = std::move(source);
  try {
    named->parsed.emplace(named->source, where, jinja::Options::chat());
  } catch (const jinja::TemplateError&) {
    named->error = std::current_exception();
  }
  templates_.push_back(std::move(named));
}

std::vector<std::string> ChatTemplate::names() const {
  std::vector<std::string> names;
  for (const auto& named : templates_) names.push_back(named->name);
  return names;
}

const std::string& ChatTemplate::source(std::string_view name) const { return select({}, name).source; }

const ChatTemplate::Named& ChatTemplate::select(const ChatRequest& request,
                                                std::optional<std::string_view> name) const {
  const auto find = [&](std::string_view wanted) {
    return std::ranges::find_if(templates_, [&](const auto& named) { return named->name == wanted; });
  };
  auto found = templates_.end();
  if (name) {
    found = find(*name);
  } else {
    if (!request.tools.is_none()) found = find("tool_use");
    if (found == templates_.end()) found = find("default");
  }
  if (found == templates_.end()) {
    throw ValueError(fmt::format("{}: there is no chat template '{}'; choose one of: {}", label_,
                                 name.value_or("default"), fmt::join(names(), ", ")));
  }
  if ((*found)->error) std::rethrow_exception((*found)->error);
  return **found;
}

std::string ChatTemplate::render(const ChatRequest& request, std::optional<jinja::DateTime> now,
                                 std::optional<std::string_view> name) const {
  return render_tracked(request, now, name).text;
}

jinja::Rendering ChatTemplate::render_tracked(const ChatRequest& request, std::optional<jinja::DateTime> now,
                                              std::optional<std::string_view> name) const {
  const Named& named = select(request, name);
  PreparedChat chat(request, named.source);
  const auto variables = jinja::make<jinja::DictObject>();
  for (const auto& [token, text] : special_tokens_) variables->set(token, jinja::Value::string(text));
  for (const auto& [key, value] : request.variables) {
    static constexpr std::array<std::string_view, 4> kOwn{"messages", "tools", "documents", "add_generation_prompt"};
    if (std::ranges::find(kOwn, key) != kOwn.end()) {
      throw ValueError(fmt::format("'{}' is given twice: it is a variable of every chat template", key));
    }
    variables->set(key, value);
  }
  variables->set("messages", chat.messages());
  variables->set("tools", request.tools);
  variables->set("documents", request.documents);
  variables->set("add_generation_prompt", jinja::Value::boolean(request.add_generation_prompt));
  jinja::Rendering rendering = named.parsed->render_tracked(jinja::Value(variables), now);
  chat.cut(rendering.text);
  return rendering;
}

}  // namespace cambium::text
