#pragma once

#include <array>
#include <string_view>

namespace cambium::lab {

/// Special tokens of the world's tokenizer; their places are their ids.
inline constexpr std::array<std::string_view, 8> kSpecialTokens{"<|pad|>",    "<|end|>", "<|user|>", "<|assistant|>",
                                                                "<|system|>", "<image>", "<video>",  "<audio>"};
inline constexpr int kPadToken = 0;
inline constexpr int kEndToken = 1;

/// A message is its role's token, its text, the end token. Content may be a text or a list of parts.
inline constexpr std::string_view kChatTemplate =
    "{%- for message in messages -%}\n"
    "{{- '<|' + message['role'] + '|>' -}}\n"
    "{%- if message['content'] is string -%}\n"
    "{{- message['content'] -}}\n"
    "{%- else -%}\n"
    "{%- for part in message['content'] -%}\n"
    "{%- if part['type'] == 'text' -%}{{- part['text'] -}}\n"
    "{%- else -%}{{- '<' + part['type'] + '>' -}}{%- endif -%}\n"
    "{%- endfor -%}\n"
    "{%- endif -%}\n"
    "{{- '<|end|>' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}\n";

}  // namespace cambium::lab
