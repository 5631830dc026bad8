#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cambium::tasks {

/// Why a response counts as being in another language than its question; nothing if it does not.
///
/// By script first: a question in Latin letters (at most a tenth others) and a response of which at least a fifth are
/// others (five letters or more), or the reverse. Else by langdetect's algorithm, where both texts are long enough to
/// tell (60 letters in the question, 100 in the response), three seeds agree, and there is no code in the response.
/// A response in the right answer's own script is no switch (translations).
[[nodiscard]] std::optional<std::string> language_switch(std::string_view question, std::string_view gold,
                                                         std::string_view response);

}  // namespace cambium::tasks
