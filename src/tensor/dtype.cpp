#include "tensor/dtype.h"

#include <array>
#include <cassert>

namespace cambium {

namespace {

struct Row {
  DType dtype;
  int bits;
  std::string_view name;
  std::string_view torch_name;
};

// In the order of the enumeration.
constexpr std::array kRows{
    Row{DType::kBool, 8, "BOOL", "bool"},
    Row{DType::kF4, 4, "F4", "float4_e2m1fn_x2"},
    Row{DType::kF6E2M3, 6, "F6_E2M3", ""},
    Row{DType::kF6E3M2, 6, "F6_E3M2", ""},
    Row{DType::kU8, 8, "U8", "uint8"},
    Row{DType::kI8, 8, "I8", "int8"},
    Row{DType::kF8E5M2, 8, "F8_E5M2", "float8_e5m2"},
    Row{DType::kF8E4M3, 8, "F8_E4M3", "float8_e4m3fn"},
    Row{DType::kF8E8M0, 8, "F8_E8M0", "float8_e8m0fnu"},
    Row{DType::kF8E5M2FNUZ, 8, "F8_E5M2FNUZ", "float8_e5m2fnuz"},
    Row{DType::kF8E4M3FNUZ, 8, "F8_E4M3FNUZ", "float8_e4m3fnuz"},
    Row{DType::kI16, 16, "I16", "int16"},
    Row{DType::kU16, 16, "U16", "uint16"},
    Row{DType::kF16, 16, "F16", "float16"},
    Row{DType::kBF16, 16, "BF16", "bfloat16"},
    Row{DType::kI32, 32, "I32", "int32"},
    Row{DType::kU32, 32, "U32", "uint32"},
    Row{DType::kF32, 32, "F32", "float32"},
    Row{DType::kC64, 64, "C64", "complex64"},
    Row{DType::kF64, 64, "F64", "float64"},
    Row{DType::kI64, 64, "I64", "int64"},
    Row{DType::kU64, 64, "U64", "uint64"},
};

const Row& row(DType dtype) {
  const Row& found = kRows[static_cast<std::size_t>(dtype)];
  assert(found.dtype == dtype);
  return found;
}

}  // namespace

int bits_of(DType dtype) { return row(dtype).bits; }

std::string_view name_of(DType dtype) { return row(dtype).name; }

std::string_view torch_name_of(DType dtype) { return row(dtype).torch_name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (const Row& candidate : kRows) {
    if (name == candidate.name || name == candidate.torch_name) return candidate.dtype;
  }
  return std::nullopt;
}

bool is_mergeable(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF32 || dtype == DType::kF64;
}

DType promote(DType first, DType second) {
  assert(is_mergeable(first) && is_mergeable(second));
  if (first == second) return first;
  if (first == DType::kF64 || second == DType::kF64) return DType::kF64;
  return DType::kF32;  // of two different types one is F32, or they are F16 and BF16, neither of which holds the other
}

}  // namespace cambium
