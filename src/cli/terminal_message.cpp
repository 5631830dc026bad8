#include "cli/terminal_message.h"

#include "checkpoint/foreign_text.h"

namespace cambium::cli {

std::string terminal_message(std::string_view message, std::size_t limit) {
  if (message.size() > limit) {
    return terminal_message(message.substr(0, limit / 2), limit) + " ... " +
           terminal_message(message.substr(message.size() - limit / 2), limit);
  }
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    if (message[at] == '\n' || message[at] == '\t') {
      out += message[at++];
      continue;
    }
    const std::string_view piece = message.substr(at, message.find_first_of("\n\t", at) - at);
    const std::string quoted = checkpoint::quote_foreign(piece, piece.size());
    out.append(quoted, 1, quoted.size() - 2);
    at += piece.size();
  }
  return out;
}

}  // namespace cambium::cli
