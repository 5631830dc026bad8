#include "family/tensor_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <vector>

#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

// A matrix of output features x input features, stored in that order or transposed; a vector has one input.
struct Extent {
  std::int64_t outputs = 1;
  std::int64_t inputs = 1;
};

Extent extent_of(const Shape& shape, bool transposed) {
  if (shape.empty()) return {};
  Extent extent{shape[0], 1};
  for (std::size_t i = 1; i < shape.size(); ++i) extent.inputs *= shape[i];
  if (transposed && shape.size() == 2) std::swap(extent.outputs, extent.inputs);
  return extent;
}

struct SourceTensor {
  std::span<const std::byte> bytes;
  std::vector<std::byte> owned;  // the values of a source that is not mapped
  std::string_view ranges_of;    // name of a tensor that is neither: its values are asked for range by range
  DType dtype = DType::kF32;
  Extent extent;
  bool transposed = false;
  std::int64_t element_bytes = 4;
};

// Target rows begin .. begin + rows - 1 are rows of one source from `source_begin` on.
struct Segment {
  std::int64_t begin = 0;
  std::int64_t rows = 0;
  std::size_t source = 0;
  std::int64_t source_begin = 0;
};

void add_segments(const Piece& piece, std::size_t source, std::vector<Segment>& segments) {
  assert(piece.source_rows.total() == piece.target_rows.total());
  const RowBlocks &from = piece.source_rows, &to = piece.target_rows;
  for (std::int64_t done = 0; done < to.total();) {
    const std::int64_t run = std::min(from.rows - done % from.rows, to.rows - done % to.rows);
    segments.push_back({to.at(done), run, source, from.at(done)});
    done += run;
  }
}

// Elements of a tensor that lie between two flat indices: at most three rectangles of outer x inner.
struct Rectangle {
  std::int64_t outer, outers, inner, inners;
};

template <class Visit>
void for_each_rectangle(std::int64_t first, std::int64_t count, std::int64_t inner_size, const Visit& visit) {
  while (count > 0) {
    const std::int64_t outer = first / inner_size, inner = first % inner_size;
    const bool whole_rows = inner == 0 && count >= inner_size;
    const std::int64_t outers = whole_rows ? count / inner_size : 1;
    const std::int64_t inners = whole_rows ? inner_size : std::min(count, inner_size - inner);
    visit(Rectangle{outer, outers, inner, inners});
    first += outers * inners;
    count -= outers * inners;
  }
}

}  // namespace

struct TensorReader::Impl {
  const checkpoint::WeightSource* source = nullptr;
  std::string label;
  Shape shape;
  Extent extent;
  bool transposed = false;
  bool vocabulary = false;
  DType dtype = DType::kF32;
  std::vector<SourceTensor> sources;
  std::vector<Segment> segments;  // by target row; empty for a vocabulary
  std::span<const std::int64_t> rows;
  std::span<const std::byte> stored;

  void open_source(const checkpoint::TensorInfo& tensor, bool is_transposed);
  [[nodiscard]] std::int64_t source_row(std::int64_t target_row) const;
  template <class Visit>
  void for_each_run(std::int64_t begin, std::int64_t end, const Visit& visit) const;
  void copy_block(const SourceTensor& tensor, std::int64_t row, std::int64_t rows_count, std::int64_t column,
                  std::int64_t columns, float* out, std::int64_t row_stride, std::int64_t column_stride) const;
};

void TensorReader::Impl::open_source(const checkpoint::TensorInfo& tensor, bool is_transposed) {
  if (!is_mergeable(tensor.dtype)) {
    throw CheckpointError(
        fmt::format("{}: tensor '{}' has elements of type {}, expected F16, BF16, F32 or F64; convert the "
                    "checkpoint first",
                    source->label(), tensor.name, name_of(tensor.dtype)));
  }
  SourceTensor opened;
  opened.bytes = source->mapped(tensor.name);
  // Lines of a turned matrix are short ranges here and there; computing those one by one would cost too much.
  const bool in_lines = !transposed && !(is_transposed && tensor.shape.size() == 2);
  if (opened.bytes.empty() && in_lines && source->reads_ranges(tensor.name)) {
    opened.ranges_of = tensor.name;
  } else if (opened.bytes.empty() && tensor.bytes() > 0) {
    opened.owned.resize(tensor.bytes());
    source->read(tensor.name, opened.owned);
    opened.bytes = opened.owned;
  }
  opened.dtype = tensor.dtype;
  opened.transposed = is_transposed && tensor.shape.size() == 2;
  opened.extent = extent_of(tensor.shape, opened.transposed);
  opened.element_bytes = bits_of(tensor.dtype) / 8;
  dtype = sources.empty() ? tensor.dtype : promote(dtype, tensor.dtype);
  label += (sources.empty() ? "" : " + ") + tensor.name;
  sources.push_back(std::move(opened));
}

std::int64_t TensorReader::Impl::source_row(std::int64_t target_row) const {
  const std::int64_t row = rows.empty() ? target_row
                           : target_row < static_cast<std::int64_t>(rows.size())
                               ? rows[static_cast<std::size_t>(target_row)]
                               : -1;
  return row < sources[0].extent.outputs ? row : -1;
}

// Runs of target rows in begin .. end that are neighbours in one source: visit(target row, rows, source, source row).
template <class Visit>
void TensorReader::Impl::for_each_run(std::int64_t begin, std::int64_t end, const Visit& visit) const {
  if (vocabulary) {
    while (begin < end) {
      const std::int64_t from = source_row(begin);
      std::int64_t run = 1;
      if (from >= 0) {
        while (begin + run < end && source_row(begin + run) == from + run) ++run;
        visit(begin, run, sources[0], from);
      }
      begin += run;
    }
    return;
  }
  auto segment = std::ranges::upper_bound(segments, begin, {}, &Segment::begin) - 1;
  for (; begin < end; ++segment) {
    const std::int64_t skipped = begin - segment->begin;
    const std::int64_t run = std::min(segment->rows - skipped, end - begin);
    visit(begin, run, sources[segment->source], segment->source_begin + skipped);
    begin += run;
  }
}

void TensorReader::Impl::copy_block(const SourceTensor& tensor, std::int64_t row, std::int64_t rows_count,
                                    std::int64_t column, std::int64_t columns, float* out, std::int64_t row_stride,
                                    std::int64_t column_stride) const {
  // In storage: lines of neighbouring elements.
  const bool turned = tensor.transposed;
  const std::int64_t line_size = turned ? tensor.extent.outputs : tensor.extent.inputs;
  std::int64_t lines = turned ? columns : rows_count;
  std::int64_t length = turned ? rows_count : columns;
  const std::int64_t first_line = turned ? column : row;
  const std::int64_t first_element = turned ? row : column;
  const std::int64_t line_stride = turned ? column_stride : row_stride;
  const std::int64_t element_stride = turned ? row_stride : column_stride;
  if (length == line_size && line_stride == length && element_stride == 1) {
    length *= lines;
    lines = 1;
  }
  std::vector<std::byte> range;
  std::vector<float> buffer;
  if (element_stride != 1) buffer.resize(static_cast<std::size_t>(length));
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::int64_t first = (first_line + line) * line_size + first_element;
    const auto offset = static_cast<std::size_t>(first * tensor.element_bytes);
    const auto size = static_cast<std::size_t>(length * tensor.element_bytes);
    if (!tensor.ranges_of.empty()) {
      range.resize(size);
      source->read_range(tensor.ranges_of, offset, range);
    }
    const std::span<const std::byte> bytes = tensor.ranges_of.empty() ? tensor.bytes.subspan(offset, size) : range;
    float* const to = out + line * line_stride;
    if (element_stride == 1) {
      to_float32(tensor.dtype, bytes, {to, static_cast<std::size_t>(length)});
      continue;
    }
    to_float32(tensor.dtype, bytes, buffer);
    for (std::int64_t i = 0; i < length; ++i) to[i * element_stride] = buffer[static_cast<std::size_t>(i)];
  }
}

TensorReader::TensorReader(const checkpoint::WeightSource& source, const Reading& reading, Shape shape,
                           std::span<const std::int64_t> rows)
    : impl_(std::make_unique<Impl>()) {
  Impl& self = *impl_;
  self.source = &source;
  self.label = source.label() + ": ";
  self.transposed = reading.target_transposed && shape.size() == 2;
  self.extent = extent_of(shape, self.transposed);
  self.shape = std::move(shape);
  self.vocabulary = reading.vocabulary;
  self.rows = rows;
  for (const Piece& piece : reading.pieces) {
    const checkpoint::TensorInfo* tensor = source.find(piece.source);
    if (tensor == nullptr)
      throw CheckpointError(fmt::format("{}: there is no tensor '{}'", source.label(), piece.source));
    self.open_source(*tensor, piece.source_transposed);
    if (!self.vocabulary) add_segments(piece, self.sources.size() - 1, self.segments);
    const SourceTensor& opened = self.sources.back();
    const bool rows_there =
        self.vocabulary || piece.source_rows.at(piece.source_rows.total() - 1) < opened.extent.outputs;
    if (opened.extent.inputs != self.extent.inputs || !rows_there) {
      throw ShapeError(fmt::format("{}: tensor '{}' has shape {}, which cannot be read as '{}' of shape {}",
                                   source.label(), tensor->name, to_string(tensor->shape), reading.target,
                                   to_string(self.shape)));
    }
  }
  std::ranges::sort(self.segments, {}, &Segment::begin);

  bool in_place = reading.same_form();
  for (std::int64_t row = 0; in_place && self.vocabulary && row < self.extent.outputs; ++row) {
    in_place = self.source_row(row) == row;
  }
  if (in_place && self.sources[0].ranges_of.empty())
    self.stored =
        self.sources[0].bytes.first(numel(self.shape) * static_cast<std::size_t>(self.sources[0].element_bytes));
}

TensorReader TensorReader::whole(const checkpoint::WeightSource& source, const checkpoint::TensorInfo& tensor) {
  const std::int64_t rows = extent_of(tensor.shape, false).outputs;
  const Reading reading{.target = tensor.name,
                        .role = Role::kOther,
                        .layer = -1,
                        .pieces = {{.source = tensor.name,
                                    .source_rows = RowBlocks::range(0, rows),
                                    .target_rows = RowBlocks::range(0, rows),
                                    .source_transposed = false,
                                    .whole_source = true}},
                        .target_transposed = false,
                        .vocabulary = false};
  return {source, reading, tensor.shape};
}

TensorReader::~TensorReader() = default;
TensorReader::TensorReader(TensorReader&&) noexcept = default;
TensorReader& TensorReader::operator=(TensorReader&&) noexcept = default;

const std::string& TensorReader::label() const { return impl_->label; }
const Shape& TensorReader::shape() const { return impl_->shape; }
DType TensorReader::dtype() const { return impl_->dtype; }
std::span<const std::byte> TensorReader::stored() const { return impl_->stored; }

bool TensorReader::has_row(std::int64_t row) const { return !impl_->vocabulary || impl_->source_row(row) >= 0; }

bool TensorReader::complete() const {
  if (!impl_->vocabulary) return true;
  for (std::int64_t row = 0; row < impl_->extent.outputs; ++row) {
    if (impl_->source_row(row) < 0) return false;
  }
  return true;
}

void TensorReader::read(std::size_t first, std::span<float> out) const {
  const Impl& self = *impl_;
  if (!self.stored.empty()) {
    const auto element = static_cast<std::size_t>(self.sources[0].element_bytes);
    to_float32(self.dtype, self.stored.subspan(first * element, out.size() * element), out);
    return;
  }
  const std::int64_t inner_size = self.transposed ? self.extent.outputs : self.extent.inputs;
  std::int64_t written = 0;
  for_each_rectangle(
      static_cast<std::int64_t>(first), static_cast<std::int64_t>(out.size()), inner_size, [&](const Rectangle& r) {
        float* const corner = out.data() + written;
        const std::int64_t row0 = self.transposed ? r.inner : r.outer, rows = self.transposed ? r.inners : r.outers;
        const std::int64_t column0 = self.transposed ? r.outer : r.inner,
                           columns = self.transposed ? r.outers : r.inners;
        const std::int64_t row_stride = self.transposed ? 1 : r.inners, column_stride = self.transposed ? r.inners : 1;
        self.for_each_run(row0, row0 + rows,
                          [&](std::int64_t row, std::int64_t run, const SourceTensor& tensor, std::int64_t from) {
                            self.copy_block(tensor, from, run, column0, columns, corner + (row - row0) * row_stride,
                                            row_stride, column_stride);
                          });
        written += r.outers * r.inners;
      });
}

void TensorReader::release(std::size_t first, std::size_t count) const {
  const Impl& self = *impl_;
  if (!self.stored.empty()) {
    const auto element = static_cast<std::size_t>(self.sources[0].element_bytes);
    if (self.sources[0].owned.empty()) self.source->release(self.stored.subspan(first * element, count * element));
    return;
  }
  // Composed tensors are read here and there: their sources are given back when the end is reached, and whole runs
  // before that.
  if (first + count == numel(self.shape)) {
    for (const SourceTensor& tensor : self.sources) {
      if (!tensor.bytes.empty() && tensor.owned.empty()) self.source->release(tensor.bytes);
    }
    return;
  }
  if (self.transposed) return;
  const std::int64_t begin = (static_cast<std::int64_t>(first) + self.extent.inputs - 1) / self.extent.inputs;
  const std::int64_t end = static_cast<std::int64_t>(first + count) / self.extent.inputs;
  self.for_each_run(begin, end, [&](std::int64_t, std::int64_t run, const SourceTensor& tensor, std::int64_t from) {
    if (tensor.transposed || tensor.bytes.empty() || !tensor.owned.empty()) return;
    const std::int64_t row_bytes = tensor.extent.inputs * tensor.element_bytes;
    self.source->release(
        tensor.bytes.subspan(static_cast<std::size_t>(from * row_bytes), static_cast<std::size_t>(run * row_bytes)));
  });
}

}  // namespace cambium::family
