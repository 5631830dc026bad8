#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "merge/execute.h"
#include "merge/rounding.h"
#include "merge/tensor_task.h"

namespace cambium::merge {

/// A run of elements of all inputs, in float32 and rounded to the task's compute type. Cache-sized; belongs to one
/// thread.
struct Piece {
  std::size_t index = 0;  ///< number of the piece within the pass
  std::size_t band = 0;   ///< in read_in_bands: the band it lies in
  std::uint64_t first = 0;
  std::size_t count = 0;
  unsigned worker = 0;
  std::vector<std::span<float>> inputs;  ///< count values each, in the task's order; a method may overwrite them
  std::span<float> out;                  ///< count values to fill, in a writing pass; scratch in others

  /// Pointers to the inputs named, as the kernels take them.
  [[nodiscard]] std::vector<float*> pointers(std::span<const std::size_t> which) const {
    std::vector<float*> result;
    result.reserve(which.size());
    for (const std::size_t input : which) result.push_back(inputs[input].data());
    return result;
  }
};

/// How a pass cuts the tensor up. The cut depends on the shape alone, so sums taken piece by piece have one order.
enum class Cut : std::uint8_t {
  kFlat,     ///< pieces of kPieceElements
  kRows,     ///< whole rows along the last dimension (a vector is one row), as many as come near kPieceElements
  kOutRows,  ///< whole rows along the first dimension (a vector has one element a row): what a linear layer gives as
             ///< one output
};

/// What a merge method works with: the parameters, and passes over the inputs. Reads, checks, rounds, writes, and keeps
/// within the memory asked for, so that a method is its formula alone.
class TensorRun {
 public:
  static constexpr std::size_t kPieceElements =
      16384;  ///< 64 KiB of float32 an input: several inputs stay in the second-level cache

  TensorRun(const TensorTask& task, OutputTensor& out, const ExecuteOptions& options, TaskReport& report);

  [[nodiscard]] const TensorTask& task() const { return task_; }
  [[nodiscard]] const ExecuteOptions& options() const { return options_; }
  [[nodiscard]] TaskReport& report() { return report_; }
  [[nodiscard]] std::uint64_t elements() const { return elements_; }
  [[nodiscard]] Rounding rounding() const { return rounding_; }
  [[nodiscard]] unsigned threads() const;

  /// Index of the base among the inputs.
  [[nodiscard]] std::optional<std::size_t> base() const { return base_; }
  /// Indices of the inputs that are not the base, in order.
  [[nodiscard]] std::span<const std::size_t> tuned() const { return tuned_; }
  [[nodiscard]] std::span<const std::size_t> all() const { return all_; }

  /// A shared parameter, or the table's fallback.
  [[nodiscard]] double shared(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const { return shared(name) != 0; }
  /// A parameter of one input, or the table's fallback.
  [[nodiscard]] double of_input(std::size_t input, std::string_view name) const;
  [[nodiscard]] std::optional<double> find_of_input(std::size_t input, std::string_view name) const;

  /// Elements of a row of this cut, and their number.
  [[nodiscard]] std::size_t row_elements(Cut cut) const;
  [[nodiscard]] std::size_t rows(Cut cut) const;
  /// Number of pieces of a pass, and the elements of the largest.
  [[nodiscard]] std::size_t pieces(Cut cut) const;
  [[nodiscard]] std::size_t largest_piece(Cut cut) const;

  using Body = std::function<void(Piece&)>;
  /// Reads all inputs once, piece by piece, on all threads.
  void read(Cut cut, const Body& body);
  /// The same, adding up `number` sums: each piece gets its own, all zero; they are added in the order of the pieces.
  [[nodiscard]] std::vector<double> sum(Cut cut, std::size_t number,
                                        const std::function<void(Piece&, std::span<double>)>& body);
  /// The same as read, for sums too large to keep for each piece: the tensor is cut into bands(cut) runs of pieces, and
  /// the pieces of a band come one after another, in order, on one thread.
  void read_in_bands(Cut cut, const Body& body);
  [[nodiscard]] std::size_t bands(Cut cut) const;
  /// The last pass: body fills piece.out, which is rounded to the compute type, then to the output type, and written.
  void write(Cut cut, const Body& body);
  /// Writes one input's stored bytes unchanged (or rounded to the output type if that differs).
  void copy(std::size_t input);

  /// Reads `count` elements of every input into piece, outside of a pass: for samples. Pages are given back.
  void sample(std::uint64_t first, std::size_t count, Piece& piece) const;

  /// After the method: closes the hashes of the inputs.
  void finish();

  /// Runs body(i, worker) for i in 0..count on all threads.
  void in_parallel(std::size_t count, const std::function<void(std::size_t, unsigned)>& body) const;

 private:
  struct Scratch;
  enum class Pass : std::uint8_t { kRead, kWrite, kCopy };

  void pass(Cut cut, Pass pass, std::size_t bands, const Body& body);
  void run_block(Cut cut, Pass pass, std::size_t block, Scratch& own, const Body& body);
  [[nodiscard]] std::size_t blocks(Cut cut) const;
  void hold_composed_inputs();
  void hash_block(std::uint64_t first, std::uint64_t end);
  [[nodiscard]] bool can_copy(std::size_t input) const;
  void load(std::size_t input, std::uint64_t first, std::span<float> out);
  void check_finite(std::size_t input, std::uint64_t first, std::span<const float> values) const;
  void store(std::uint64_t first, std::span<float> values, std::span<std::byte> stored) const;

  const TensorTask& task_;
  OutputTensor& out_;
  const ExecuteOptions& options_;
  TaskReport& report_;
  std::uint64_t elements_ = 0;
  Rounding rounding_ = Rounding::kNone;
  std::optional<std::size_t> base_;
  std::vector<std::size_t> tuned_;
  std::vector<std::size_t> all_;
  bool keep_pages_ = false;  // the stored inputs fit the memory: their pages stay between passes
  bool checked_ = false;     // the first pass has looked for NaN and infinity
  bool holding_ = false;     // this pass fills held_
  std::vector<std::optional<checkpoint::TensorHasher>> hashers_;
  std::vector<std::vector<float>> held_;  // inputs that are composed when read, kept for the next passes if they fit
};

}  // namespace cambium::merge
