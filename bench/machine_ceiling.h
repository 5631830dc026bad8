#pragma once

namespace cambium::bench {

/// What a machine reaches at best, with loops that do nothing else; a kernel's figures are read beside it.
struct MachineCeiling {
  double bytes_per_second = 0;             ///< reading 256 MiB again and again
  double float_operations_per_second = 0;  ///< float32 multiply-adds (two operations each) between registers
  double bf16_operations_per_second = 0;   ///< the same with the CPU's bfloat16 dot product; 0: it has none
};

/// Cost: about a second.
[[nodiscard]] MachineCeiling measure_ceiling(unsigned threads);

}  // namespace cambium::bench
