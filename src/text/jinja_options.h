#pragma once

#include "text/jinja_limits.h"

namespace cambium::text::jinja {

/// How a template is read and what it may do. The defaults are Jinja2's own.
struct Options {
  bool trim_blocks = false;            ///< the newline behind a block tag goes
  bool lstrip_blocks = false;          ///< blanks before a block tag at the start of a line go
  bool keep_trailing_newline = false;  ///< else one newline at the template's end goes
  bool strict_undefined = false;       ///< an undefined value raises when printed, tested or iterated too
  bool autoescape = false;             ///< HTML-escape what is printed
  bool allow_mutation = false;         ///< list.append, dict.update ...; else undefined as in Jinja's immutable sandbox
  bool plain_json = false;      ///< tojson gives Python's json.dumps; else Jinja's own HTML-safe form with sorted keys
  bool chat_functions = false;  ///< raise_exception, strftime_now
  bool regex_filters = false;   ///< regex_replace(pattern, replacement, count=0), as Python's re.sub
  Limits limits;

  /// As transformers renders a chat template.
  [[nodiscard]] static Options chat();
  /// As lm-evaluation-harness renders doc_to_text and its kind.
  [[nodiscard]] static Options task();
};

}  // namespace cambium::text::jinja
