#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tasks/request.h"

namespace cambium::eval {

[[nodiscard]] std::string_view kind_name(tasks::Request::Kind kind);

/// Whether repeating a request may give another answer.
[[nodiscard]] bool is_sampled(const tasks::Request& request);

/// Pictures, sounds and clips as JSON; empty if there are none.
[[nodiscard]] std::string media_json(const tasks::Request& request);

/// 32 hexadecimal digits that name everything an answer depends on besides the model: kind, texts, arguments, media,
/// and how the backend computes. Requests with equal keys have equal answers.
/// @param settings  BackendFacts::settings @param seed  counts for sampled generations only
/// @param media     what pictures, sounds and clips hold (MediaContents::content_of)
[[nodiscard]] std::string request_key(const tasks::Request& request, std::string_view settings, std::uint64_t seed,
                                      std::string_view media);

}  // namespace cambium::eval
