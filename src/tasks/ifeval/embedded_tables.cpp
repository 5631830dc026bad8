#include "tasks/ifeval/embedded_tables.h"

#include <zlib.h>

#include <cassert>
#include <cstddef>
#include <span>

// The assembler puts the files into the library as they are: a C++ array of them would take the compiler seconds.
__asm__(
    ".pushsection .rodata\n"
    ".hidden cambium_language_table, cambium_language_table_end, cambium_sentence_table, cambium_sentence_table_end\n"
    ".global cambium_language_table, cambium_language_table_end, cambium_sentence_table, cambium_sentence_table_end\n"
    "cambium_language_table: .incbin \"languages.table\"\n"
    "cambium_language_table_end:\n"
    "cambium_sentence_table: .incbin \"punkt_english.table\"\n"
    "cambium_sentence_table_end:\n"
    ".popsection\n");

extern "C" const unsigned char cambium_language_table[];
extern "C" const unsigned char cambium_language_table_end[];
extern "C" const unsigned char cambium_sentence_table[];
extern "C" const unsigned char cambium_sentence_table_end[];

namespace cambium::tasks::ifeval {
namespace {

// Length of the contents in four bytes, then the contents deflated.
std::string inflated(std::span<const unsigned char> file) {
  constexpr std::size_t kHeader = 4;
  uLongf size = 0;
  for (std::size_t i = 0; i < kHeader; ++i) size |= static_cast<uLongf>(file[i]) << (8 * i);
  std::string contents(size, '\0');
  [[maybe_unused]] const int code = uncompress(reinterpret_cast<Bytef*>(contents.data()), &size, file.data() + kHeader,
                                               static_cast<uLong>(file.size() - kHeader));
  assert(code == Z_OK && size == contents.size());
  return contents;
}

}  // namespace

std::string language_table() { return inflated({cambium_language_table, cambium_language_table_end}); }
std::string sentence_table() { return inflated({cambium_sentence_table, cambium_sentence_table_end}); }

std::uint64_t TableReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(table_[position_++]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
}

std::string_view TableReader::text() {
  const std::size_t size = number();
  const std::string_view found = table_.substr(position_, size);
  position_ += size;
  return found;
}

}  // namespace cambium::tasks::ifeval
