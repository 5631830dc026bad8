#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cambium {

/// Element types of the safetensors format.
enum class DType : std::uint8_t {
  kBool,
  kF4,
  kF6E2M3,
  kF6E3M2,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kF8E8M0,
  kF8E5M2FNUZ,
  kF8E4M3FNUZ,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kC64,
  kF64,
  kI64,
  kU64,
};

/// Bits of one element (4 and 6 for the packed types, else a multiple of 8).
[[nodiscard]] int bits_of(DType dtype);
/// Name as safetensors headers spell it: "BF16", "F8_E4M3".
[[nodiscard]] std::string_view name_of(DType dtype);
/// Name as torch and configs spell it: "bfloat16", "float8_e4m3fn"; empty where torch has none.
[[nodiscard]] std::string_view torch_name_of(DType dtype);
/// From either spelling; nothing if unknown.
[[nodiscard]] std::optional<DType> dtype_from_name(std::string_view name);
/// F16, BF16, F32 or F64: what merging and shift compute on.
[[nodiscard]] bool is_mergeable(DType dtype);
/// Type in which two stored types are computed, as torch.promote_types (bf16 + f16 -> f32, f32 + f64 -> f64).
/// @pre is_mergeable of both
[[nodiscard]] DType promote(DType first, DType second);

}  // namespace cambium
