#pragma once

#include <span>
#include <string_view>

namespace cambium::family {

struct DecoderFamily;
struct GraftFamily;
struct GraftName;

/// Every decoder family and every graft family Cambium describes. A new one: its file in decoders/ or grafts/, its row
/// in family_table.cpp.
[[nodiscard]] std::span<const DecoderFamily* const> decoder_table();
[[nodiscard]] std::span<const GraftFamily* const> graft_table();

/// The decoder family called `name`, or with that model_type or architecture; null if none.
[[nodiscard]] const DecoderFamily* find_decoder(std::string_view name);
/// The graft family with that model_type or architecture; null if none. @param matched  set to the row that fits
[[nodiscard]] const GraftFamily* find_graft(std::string_view name, const GraftName** matched);

}  // namespace cambium::family
