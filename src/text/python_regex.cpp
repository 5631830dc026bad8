#include "text/python_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>

#include "tensor/error.h"
#include "text/jinja_unicode.h"
#include "text/python_regex_syntax.h"

namespace cambium::text {
namespace {

constexpr std::uint32_t kMatchLimit = 20'000'000;
constexpr std::size_t kJitStackBytes = 8UL << 20U;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeJitStack {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

PCRE2_SPTR bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data()); }

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> message{};
  pcre2_get_error_message(code, message.data(), message.size());
  return reinterpret_cast<const char*>(message.data());
}

// The JIT's stack is for one match at a time, so each thread has its own.
pcre2_jit_stack* jit_stack() {
  thread_local const std::unique_ptr<pcre2_jit_stack, FreeJitStack> stack(
      pcre2_jit_stack_create(32UL << 10U, kJitStackBytes, nullptr));
  return stack.get();
}

}  // namespace

struct PythonRegex::Impl {
  std::string pattern;
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::size_t groups = 0;
};

PythonRegex::PythonRegex(std::string_view pattern, Flags flags) : impl_(std::make_unique<Impl>()) {
  impl_->pattern = pattern;
  TranslatedPattern translated = translate_python_pattern(pattern);
  std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
  if (!flags.ascii && !translated.ascii) options |= PCRE2_UCP;
  if (flags.ignore_case) options |= PCRE2_CASELESS;
  if (flags.multi_line) options |= PCRE2_MULTILINE;
  if (flags.dot_all) options |= PCRE2_DOTALL;
  if (flags.verbose) options |= PCRE2_EXTENDED;
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int code = 0;
  PCRE2_SIZE offset = 0;
  impl_->code.reset(
      pcre2_compile(bytes(translated.pattern), translated.pattern.size(), options, &code, &offset, context.get()));
  if (!impl_->code) {
    throw ValueError(fmt::format("the regular expression '{}' is not valid: {}, near character {}", pattern,
                                 error_text(code),
                                 jinja::count_code_points(std::string_view(translated.pattern).substr(0, offset))));
  }
  // Without a JIT for this processor the interpreter matches.
  pcre2_jit_compile(impl_->code.get(), PCRE2_JIT_COMPLETE);
  std::uint32_t groups = 0;
  pcre2_pattern_info(impl_->code.get(), PCRE2_INFO_CAPTURECOUNT, &groups);
  impl_->groups = groups;
}

PythonRegex::~PythonRegex() = default;
PythonRegex::PythonRegex(PythonRegex&&) noexcept = default;
PythonRegex& PythonRegex::operator=(PythonRegex&&) noexcept = default;

std::size_t PythonRegex::group_count() const { return impl_->groups; }
const std::string& PythonRegex::pattern() const { return impl_->pattern; }

std::string_view PythonRegex::Match::group(std::string_view text, std::size_t number) const {
  if (!groups[number]) return {};
  return text.substr(groups[number]->first, groups[number]->second - groups[number]->first);
}

std::optional<PythonRegex::Match> PythonRegex::run(std::string_view text, std::size_t from, unsigned options) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(
      pcre2_match_data_create_from_pattern(impl_->code.get(), nullptr));
  const std::unique_ptr<pcre2_match_context, FreeMatchContext> context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_jit_stack_assign(context.get(), nullptr, jit_stack());
  const int found = pcre2_match(impl_->code.get(), bytes(text), text.size(), from, options, data.get(), context.get());
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (found < 0) {
    throw ValueError(fmt::format("the regular expression '{}' takes too long on a text of {} bytes: {}", impl_->pattern,
                                 text.size(), error_text(found)));
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
  Match match;
  match.groups.resize(impl_->groups + 1);
  for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
    if (ends[2 * i] != PCRE2_UNSET) match.groups[i] = {ends[2 * i], ends[2 * i + 1]};
  }
  return match;
}

std::optional<PythonRegex::Match> PythonRegex::search(std::string_view text, std::size_t from) const {
  return run(text, from, 0);
}

std::optional<PythonRegex::Match> PythonRegex::match_start(std::string_view text) const {
  return run(text, 0, PCRE2_ANCHORED);
}

std::optional<PythonRegex::Match> PythonRegex::match_all(std::string_view text) const {
  return run(text, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

std::vector<PythonRegex::Match> PythonRegex::find_all(std::string_view text) const {
  std::vector<Match> matches;
  std::size_t from = 0;
  bool after_empty = false;
  // Behind an empty match the next may begin at the same place, but not be empty there.
  while (std::optional<Match> match = run(text, from, after_empty ? PCRE2_NOTEMPTY_ATSTART : 0)) {
    from = match->end();
    after_empty = match->begin() == match->end();
    matches.push_back(*std::move(match));
  }
  return matches;
}

std::size_t PythonRegex::group_number(std::string_view name) const {
  const std::string terminated(name);
  const int number = pcre2_substring_number_from_name(impl_->code.get(), bytes(terminated));
  if (number <= 0) throw ValueError(fmt::format("the regular expression '{}' has no group '{}'", impl_->pattern, name));
  return static_cast<std::size_t>(number);
}

std::string PythonRegex::substitute(std::string_view text, std::string_view replacement, std::size_t count) const {
  const std::vector<ReplacementPart> parts = parse_python_replacement(replacement);
  std::vector<std::size_t> numbers;
  for (const ReplacementPart& part : parts) {
    std::size_t number = 0;
    if (part.kind == ReplacementPart::Kind::kNumber) number = part.number;
    if (part.kind == ReplacementPart::Kind::kName) number = group_number(part.text);
    if (number > impl_->groups)
      throw ValueError(fmt::format("invalid group reference {} in '{}'", number, replacement));
    numbers.push_back(number);
  }
  std::string out;
  std::size_t done = 0;
  std::size_t replaced = 0;
  for (const Match& match : find_all(text)) {
    if (count > 0 && replaced == count) break;
    ++replaced;
    out += text.substr(done, match.begin() - done);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].kind == ReplacementPart::Kind::kText) {
        out += parts[i].text;
      } else {
        out += match.group(text, numbers[i]);
      }
    }
    done = match.end();
  }
  out += text.substr(done);
  return out;
}

std::vector<std::string> PythonRegex::split(std::string_view text, std::size_t max_splits) const {
  std::vector<std::string> parts;
  std::size_t done = 0;
  std::size_t splits = 0;
  for (const Match& match : find_all(text)) {
    if (max_splits > 0 && splits == max_splits) break;
    ++splits;
    parts.emplace_back(text.substr(done, match.begin() - done));
    for (std::size_t i = 1; i <= impl_->groups; ++i) parts.emplace_back(match.group(text, i));
    done = match.end();
  }
  parts.emplace_back(text.substr(done));
  return parts;
}

std::string escape_regex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("()[]{}?*+-|^$\\.&~# \t\n\r\v\f").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace cambium::text
