#include "merge/tensor_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>

#include "merge/bfloat16_kernels.h"
#include "merge/method_table.h"
#include "tensor/convert.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {

namespace {

// Pieces a thread takes at a time: one write, one release of pages. Whole blocks of content hashes (1 MiB) for every
// stored type.
constexpr std::size_t kPiecesPerBlock = (std::size_t{1} << 19) / TensorRun::kPieceElements;
// Fixed, so that sums by band do not depend on the threads.
constexpr std::size_t kBands = 16;

std::size_t stored_bytes(DType dtype, std::uint64_t elements) {
  return static_cast<std::size_t>(elements * static_cast<std::uint64_t>(bits_of(dtype)) / 8);
}

// "[3, 17]" for element 65 of shape [4, 16].
std::string position(const Shape& shape, std::uint64_t index) {
  Shape at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const auto size = static_cast<std::uint64_t>(shape[d]);
    at[d] = static_cast<std::int64_t>(index % size);
    index /= size;
  }
  return to_string(at);
}

}  // namespace

struct TensorRun::Scratch {
  std::size_t stride;  // of an input in floats: whole cache lines
  std::vector<float> floats;
  std::vector<std::byte> stored;
  Piece piece;

  Scratch(std::size_t largest_piece, std::size_t inputs)
      : stride((largest_piece + 15) / 16 * 16), floats(stride * (inputs + 1)) {
    piece.inputs.resize(inputs);
  }
};

TensorRun::TensorRun(const TensorTask& task, OutputTensor& out, const ExecuteOptions& options, TaskReport& report)
    : task_(task),
      out_(out),
      options_(options),
      report_(report),
      elements_(numel(task.shape)),
      rounding_(rounding_of(task.compute_dtype)) {
  for (std::size_t i = 0; i < task.inputs.size(); ++i) {
    all_.push_back(i);
    if (task.inputs[i].is_base) {
      base_ = i;
    } else {
      tuned_.push_back(i);
    }
  }
  report_.inputs.resize(task.inputs.size());
  held_.resize(task.inputs.size());
  hashers_.resize(task.inputs.size());
  for (std::size_t i = 0; i < task.inputs.size() && options.hash_inputs; ++i) {
    const InputTensor& tensor = *task.inputs[i].tensor;
    if (!tensor.stored().empty() || elements_ == 0) hashers_[i].emplace(tensor.dtype(), tensor.shape());
  }
  keep_pages_ = bytes_of_inputs(task) <= options.memory_bytes / 2;
}

unsigned TensorRun::threads() const { return options_.workers != nullptr ? options_.workers->threads() : 1; }

double TensorRun::shared(std::string_view name) const {
  const auto found = task_.parameters.find(name);
  if (found != task_.parameters.end()) return found->second;
  const ParameterInfo* info = find_method(task_.method).info->find_parameter(name);
  assert(info != nullptr);
  if (info->fallback) return *info->fallback;
  throw RecipeError(fmt::format("{}: method '{}' needs the parameter '{}'", task_.name, task_.method, name));
}

std::optional<double> TensorRun::find_of_input(std::size_t input, std::string_view name) const {
  const Parameters& parameters = task_.inputs[input].parameters;
  const auto found = parameters.find(name);
  if (found != parameters.end()) return found->second;
  const ParameterInfo* info = find_method(task_.method).info->find_parameter(name);
  assert(info != nullptr);
  return info->fallback;
}

double TensorRun::of_input(std::size_t input, std::string_view name) const {
  if (const auto found = find_of_input(input, name)) return *found;
  throw RecipeError(fmt::format("{}: method '{}' needs the parameter '{}' for model '{}'", task_.name, task_.method,
                                name, task_.inputs[input].model));
}

std::size_t TensorRun::row_elements(Cut cut) const {
  const Shape& shape = task_.shape;
  if (elements_ == 0) return 0;
  if (cut == Cut::kOutRows)
    return static_cast<std::size_t>(shape.empty() ? 1 : elements_ / static_cast<std::uint64_t>(shape.front()));
  if (cut == Cut::kRows) return static_cast<std::size_t>(shape.empty() ? 1 : shape.back());
  return static_cast<std::size_t>(elements_);
}

std::size_t TensorRun::rows(Cut cut) const {
  return elements_ == 0 ? 0 : static_cast<std::size_t>(elements_ / row_elements(cut));
}

std::size_t TensorRun::largest_piece(Cut cut) const {
  if (cut == Cut::kFlat) return static_cast<std::size_t>(std::min<std::uint64_t>(kPieceElements, elements_));
  const std::size_t row = row_elements(cut);
  if (row == 0) return 0;
  return row * std::min(rows(cut), std::max<std::size_t>(1, kPieceElements / row));
}

std::size_t TensorRun::pieces(Cut cut) const {
  const std::size_t piece = largest_piece(cut);
  return piece == 0 ? 0 : static_cast<std::size_t>((elements_ + piece - 1) / piece);
}

void TensorRun::in_parallel(std::size_t count, const std::function<void(std::size_t, unsigned)>& body) const {
  if (options_.workers != nullptr) return options_.workers->for_each(count, body);
  for (std::size_t i = 0; i < count; ++i) body(i, 0);
}

void TensorRun::check_finite(std::size_t input, std::uint64_t first, std::span<const float> values) const {
  const std::size_t at = first_nonfinite(values);
  if (at == values.size()) return;
  throw ValueError(
      fmt::format("{}: element {} is {}, expected a finite number; the checkpoint is damaged or its training diverged "
                  "(--allow-nonfinite merges it all the same)",
                  task_.inputs[input].tensor->label(), position(task_.shape, first + at), values[at]));
}

void TensorRun::load(std::size_t input, std::uint64_t first, std::span<float> out) {
  std::vector<float>& held = held_[input];
  const auto start = static_cast<std::ptrdiff_t>(first);
  if (!held.empty() && !holding_) {
    std::copy_n(held.begin() + start, out.size(), out.begin());
    return;
  }
  const InputTensor& tensor = *task_.inputs[input].tensor;
  bool check = !checked_ && !task_.allow_nonfinite;
  if (tensor.dtype() == DType::kBF16 && !tensor.stored().empty()) {
    const auto stored = tensor.stored().subspan(static_cast<std::size_t>(first) * 2, out.size() * 2);
    check = !widen_bfloat16(stored, out) && check;
  } else {
    tensor.read(static_cast<std::size_t>(first), out);
  }
  if (check) check_finite(input, first, out);
  if (rounding_ != rounding_of(tensor.dtype())) round_all(rounding_, out);
  if (!held.empty()) std::copy(out.begin(), out.end(), held.begin() + start);
}

void TensorRun::sample(std::uint64_t first, std::size_t count, Piece& piece) const {
  piece.first = first;
  piece.count = count;
  for (std::size_t i = 0; i < task_.inputs.size(); ++i) {
    const std::span<float> values = piece.inputs[i] = piece.inputs[i].first(count);
    const InputTensor& tensor = *task_.inputs[i].tensor;
    tensor.read(static_cast<std::size_t>(first), values);
    if (rounding_ != rounding_of(tensor.dtype())) round_all(rounding_, values);
    if (!keep_pages_) tensor.release(static_cast<std::size_t>(first), count);
  }
  piece.out = piece.out.first(count);
}

void TensorRun::store(std::uint64_t first, std::span<float> values, std::span<std::byte> stored) const {
  const Rounding out_rounding = rounding_of(task_.out_dtype);
  if (out_rounding == Rounding::kBF16) {
    if (rounding_ != out_rounding) round_all(rounding_, values);
    if (narrow_bfloat16(values, stored)) return;
  }
  round_all(rounding_, values);
  if (out_rounding != rounding_) round_all(out_rounding, values);
  const std::size_t at = task_.allow_nonfinite ? values.size() : first_nonfinite(values);
  if (at != values.size()) {
    throw ValueError(
        fmt::format("{}: the merged element {} is {} in {}: the weights are too large for this type, or "
                    "--allow-nonfinite is needed",
                    task_.name, position(task_.shape, first + at), values[at], name_of(task_.out_dtype)));
  }
  from_float32(task_.out_dtype, values, stored);
}

// Inputs that are put together when read (a LoRA product, gathered rows) are kept between passes if they fit.
void TensorRun::hold_composed_inputs() {
  std::size_t left = options_.memory_bytes / 2;
  const std::size_t bytes = static_cast<std::size_t>(elements_) * sizeof(float);
  for (std::size_t i = 0; i < task_.inputs.size(); ++i) {
    if (!task_.inputs[i].tensor->stored().empty() || bytes > left) continue;
    held_[i].resize(static_cast<std::size_t>(elements_));
    left -= bytes;
    holding_ = true;
  }
}

std::size_t TensorRun::blocks(Cut cut) const { return (pieces(cut) + kPiecesPerBlock - 1) / kPiecesPerBlock; }

std::size_t TensorRun::bands(Cut cut) const { return std::min(kBands, blocks(cut)); }

void TensorRun::pass(Cut cut, Pass pass, std::size_t bands, const Body& body) {
  if (!checked_ && pass == Pass::kRead) hold_composed_inputs();
  std::vector<std::unique_ptr<Scratch>> scratch(threads());
  const std::size_t block_count = blocks(cut);
  in_parallel(bands, [&](std::size_t band, unsigned worker) {
    if (!scratch[worker]) {
      scratch[worker] = std::make_unique<Scratch>(largest_piece(cut), task_.inputs.size());
      scratch[worker]->piece.worker = worker;
    }
    Scratch& own = *scratch[worker];
    own.piece.band = band;
    for (std::size_t block = block_count * band / bands; block < block_count * (band + 1) / bands; ++block) {
      if (options_.progress != nullptr && options_.progress->stop_requested()) throw Interrupted("stopped by the user");
      run_block(cut, pass, block, own, body);
    }
  });
  checked_ = true;
  holding_ = false;
}

void TensorRun::run_block(Cut cut, Pass pass, std::size_t block, Scratch& own, const Body& body) {
  const std::size_t piece_elements = largest_piece(cut);
  const std::size_t bits = static_cast<std::size_t>(bits_of(task_.out_dtype));
  const bool last = pass != Pass::kRead;
  const std::uint64_t block_first = std::uint64_t{block} * kPiecesPerBlock * piece_elements;
  const std::uint64_t block_end = std::min<std::uint64_t>(elements_, block_first + kPiecesPerBlock * piece_elements);
  const auto block_elements = static_cast<std::size_t>(block_end - block_first);
  if (pass == Pass::kWrite) own.stored.resize(block_elements * bits / 8);
  for (std::uint64_t first = block_first; first < block_end; first += piece_elements) {
    Piece& piece = own.piece;
    piece.index = static_cast<std::size_t>(first / piece_elements);
    piece.first = first;
    piece.count = static_cast<std::size_t>(std::min<std::uint64_t>(piece_elements, block_end - first));
    for (std::size_t i = 0; i < task_.inputs.size(); ++i) {
      piece.inputs[i] = std::span(own.floats).subspan(i * own.stride, piece.count);
      load(i, first, piece.inputs[i]);
    }
    piece.out = std::span(own.floats).subspan(task_.inputs.size() * own.stride, piece.count);
    body(piece);
    if (pass == Pass::kWrite) {
      const std::size_t at = static_cast<std::size_t>(first - block_first) * bits / 8;
      store(first, piece.out, std::span(own.stored).subspan(at, piece.count * bits / 8));
    }
  }
  if (!checked_) hash_block(block_first, block_end);
  if (pass == Pass::kWrite) out_.write(static_cast<std::size_t>(block_first), own.stored);
  if (pass == Pass::kCopy) {
    const std::span<const std::byte> stored = task_.inputs.front().tensor->stored();
    out_.write(static_cast<std::size_t>(block_first),
               stored.subspan(static_cast<std::size_t>(block_first) * bits / 8, block_elements * bits / 8));
  }
  for (const TaskInput& input : task_.inputs) {
    if (last || !keep_pages_) input.tensor->release(static_cast<std::size_t>(block_first), block_elements);
    if (last && options_.progress != nullptr) {
      options_.progress->advance(stored_bytes(input.tensor->dtype(), block_elements));
    }
  }
}

// Adds the hash blocks that begin among these elements, while their bytes are in the cache.
void TensorRun::hash_block(std::uint64_t first, std::uint64_t end) {
  constexpr std::uint64_t kStep = checkpoint::TensorHasher::kBlockBytes;
  for (std::size_t i = 0; i < hashers_.size(); ++i) {
    if (!hashers_[i]) continue;
    const std::span<const std::byte> stored = task_.inputs[i].tensor->stored();
    const std::uint64_t last = stored_bytes(task_.inputs[i].tensor->dtype(), end);
    std::uint64_t at = stored_bytes(task_.inputs[i].tensor->dtype(), first);
    for (at = (at + kStep - 1) / kStep * kStep; at < last; at += kStep) {
      hashers_[i]->add(at, stored.subspan(at, std::min<std::uint64_t>(kStep, stored.size() - at)));
    }
  }
}

void TensorRun::finish() {
  report_.input_hashes.resize(hashers_.size());
  for (std::size_t i = 0; i < hashers_.size(); ++i) {
    if (hashers_[i]) report_.input_hashes[i] = hashers_[i]->finish();
  }
}

void TensorRun::read(Cut cut, const Body& body) { pass(cut, Pass::kRead, blocks(cut), body); }

void TensorRun::read_in_bands(Cut cut, const Body& body) { pass(cut, Pass::kRead, bands(cut), body); }

std::vector<double> TensorRun::sum(Cut cut, std::size_t number,
                                   const std::function<void(Piece&, std::span<double>)>& body) {
  std::vector<double> parts(pieces(cut) * number);
  read(cut, [&](Piece& piece) { body(piece, std::span(parts).subspan(piece.index * number, number)); });
  std::vector<double> sums(number);
  for (std::size_t i = 0; i < parts.size(); ++i) sums[i % number] += parts[i];
  return sums;
}

void TensorRun::write(Cut cut, const Body& body) { pass(cut, Pass::kWrite, blocks(cut), body); }

bool TensorRun::can_copy(std::size_t input) const {
  const InputTensor& tensor = *task_.inputs[input].tensor;
  return !tensor.stored().empty() && tensor.dtype() == task_.out_dtype &&
         promote(tensor.dtype(), task_.compute_dtype) == task_.compute_dtype;
}

void TensorRun::copy(std::size_t input) {
  if (task_.inputs.size() == 1 && can_copy(input))
    return pass(Cut::kFlat, Pass::kCopy, blocks(Cut::kFlat), [](Piece&) {});
  write(Cut::kFlat, [&](Piece& piece) { std::ranges::copy(piece.inputs[input], piece.out.begin()); });
}

}  // namespace cambium::merge
