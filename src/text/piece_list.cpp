#include "text/piece_list.h"

namespace cambium::text {

void PieceList::reset_pieces() {
  pieces.clear();
  found.clear();
  const auto size = static_cast<std::uint32_t>(text.text().size());
  if (size > 0) pieces.push_back({0, size, false});
}

}  // namespace cambium::text
