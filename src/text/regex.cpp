#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include "tensor/error.h"
#include "text/oniguruma_syntax.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

/// Steps one search may take. A run of ten million blanks in front of something else needs one step for each of them.
constexpr std::uint32_t kPatternMatchLimit = 200'000'000;
constexpr std::uint32_t kHeapLimitKib = 256 * 1024;
constexpr std::size_t kStackStart = 32 * 1024;
constexpr std::size_t kStackMost = 4 * 1024 * 1024;

/// What matching writes to: one set for each thread.
struct MatchScratch {
  MatchScratch()
      : data(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(kStackStart, kStackMost, nullptr)) {
    pcre2_set_match_limit(context, kPatternMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchScratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  MatchScratch(const MatchScratch&) = delete;
  MatchScratch& operator=(const MatchScratch&) = delete;

  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

MatchScratch& match_scratch() {
  thread_local MatchScratch scratch;
  return scratch;
}

std::string pcre_message(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct Regex::Code {
  std::string pattern;
  pcre2_code* code = nullptr;
  bool jit = false;
  ~Code() { pcre2_code_free(code); }
};

Regex::Regex(std::string_view pattern) : Regex(pattern, pcre_from_oniguruma(pattern)) {}

Regex Regex::literal(std::string_view text) {
  std::string quoted;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      quoted += byte;
    } else {
      quoted += fmt::format("\\x{{{:x}}}", c);
    }
  }
  return {text, quoted};
}

Regex::Regex(std::string_view pattern, const std::string& translated) : code_(std::make_unique<Code>()) {
  code_->pattern = pattern;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE place = 0;
  code_->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &place, context);
  pcre2_compile_context_free(context);
  if (code_->code == nullptr) {
    throw ValueError(fmt::format("regular expression '{}': {}", pattern, pcre_message(error)));
  }
  code_->jit = pcre2_jit_compile(code_->code, PCRE2_JIT_COMPLETE) == 0;
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

const std::string& Regex::pattern() const { return code_->pattern; }

bool Regex::Search::match(std::size_t from) {
  MatchScratch& scratch = match_scratch();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(subject_.data());
  int result = PCRE2_ERROR_JIT_STACKLIMIT;
  if (code_.jit) {
    result =
        pcre2_jit_match(code_.code, subject, subject_.size(), from, PCRE2_NO_UTF_CHECK, scratch.data, scratch.context);
  }
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
    // The interpreter keeps its backtracking points on the heap.
    result = pcre2_match(code_.code, subject, subject_.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, scratch.data,
                         scratch.context);
  }
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result < 0) throw ValueError(fmt::format("regular expression '{}': {}", code_.pattern, pcre_message(result)));
  const PCRE2_SIZE* places = pcre2_get_ovector_pointer(scratch.data);
  begin_ = places[0];
  end_ = places[1];
  return true;
}

bool Regex::Search::next() {
  const std::size_t last = end_;
  std::size_t from = last;
  while (from <= subject_.size()) {
    if (!match(from)) return false;
    // \K in a lookahead could report a match that ends before it begins.
    if (begin_ > end_)
      throw ValueError(fmt::format("regular expression '{}': a match ends before it begins", code_.pattern));
    if (begin_ != end_ || !matched_ || end_ != last) {
      matched_ = true;
      return true;
    }
    from += from < subject_.size() ? utf8::length_from_lead(subject_[from]) : 1;
    end_ = last;
  }
  return false;
}

}  // namespace cambium::text
