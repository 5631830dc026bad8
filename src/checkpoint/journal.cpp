#include "checkpoint/journal.h"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace cambium::checkpoint {

namespace {

// Both blocks are 32 bytes, little-endian as the machine: a journal is read on the machine, or cluster, that wrote it.
struct Header {
  std::array<char, 8> magic{'C', 'A', 'M', 'B', 'J', 'R', 'N', '1'};
  ContentHash plan;
  std::uint64_t checksum = 0;
};
struct Record {
  Journal::Entry entry;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(Header) == 32 && sizeof(Record) == 32);
static_assert(std::is_trivially_copyable_v<Header> && std::is_trivially_copyable_v<Record>);

Header header_of(const ContentHash& plan) {
  Header header;
  header.plan = plan;
  header.checksum = XXH3_64bits(&header, offsetof(Header, checksum));
  return header;
}

// The place and the plan are part of the checksum: a record copied elsewhere, or left from an older journal, is not
// one.
Record record_of(const Journal::Entry& entry, std::size_t index, const ContentHash& plan) {
  Record record{.entry = entry};
  record.checksum = XXH3_64bits_withSeed(&record, offsetof(Record, checksum), plan.low ^ plan.high ^ index);
  return record;
}

// The entries before the first torn record; nothing if there is no whole header.
std::optional<std::vector<Journal::Entry>> parse(const OpenFile& file, const std::filesystem::path& path,
                                                 const ContentHash& plan) {
  std::vector<std::byte> bytes(file.size());
  bytes.resize(file.read_at(0, bytes));
  if (bytes.size() < sizeof(Header)) return std::nullopt;
  const Header expected = header_of(plan);
  if (std::memcmp(bytes.data(), &expected, sizeof(Header)) != 0) {
    throw CheckpointError(
        fmt::format("{} records other work than this: the recipe, its inputs or its options changed since the output "
                    "was begun; remove the "
                    "folder {} and start without resuming, or restore what was changed",
                    path.string(), path.parent_path().string()));
  }
  std::vector<Journal::Entry> entries;
  for (std::size_t at = sizeof(Header); at + sizeof(Record) <= bytes.size(); at += sizeof(Record)) {
    Record found;
    std::memcpy(&found, bytes.data() + at, sizeof(found));
    if (found.checksum != record_of(found.entry, entries.size(), plan).checksum) break;
    entries.push_back(found.entry);
  }
  return entries;
}

}  // namespace

Journal::Journal(const std::filesystem::path& file, const ContentHash& plan)
    : path_(file), file_(file, OpenFile::Mode::kCreate) {
  if (std::optional<std::vector<Entry>> found = parse(file_, file, plan)) {
    entries_ = std::move(*found);
  } else {
    const Header header = header_of(plan);
    file_.write_at(0, std::as_bytes(std::span(&header, 1)));
    file_.sync();
    sync_folder(std::filesystem::absolute(file).parent_path());
  }
  plan_ = plan;
  end_ = sizeof(Header) + entries_.size() * sizeof(Record);
  // What a kill left half written must not lie behind later records.
  if (::ftruncate(file_.descriptor(), static_cast<off_t>(end_)) != 0) throw system_error("cut", path_, errno);
}

void Journal::append(std::span<const Entry> finished) {
  if (finished.empty()) return;
  const std::lock_guard lock(mutex_);
  std::vector<Record> records;
  records.reserve(finished.size());
  for (const Entry& entry : finished) records.push_back(record_of(entry, entries_.size() + records.size(), plan_));
  const auto bytes = std::as_bytes(std::span(records));
  file_.write_at(end_, bytes);
  file_.sync();
  end_ += bytes.size();
  entries_.insert(entries_.end(), finished.begin(), finished.end());
}

std::optional<std::vector<Journal::Entry>> Journal::read(const std::filesystem::path& file, const ContentHash& plan) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  std::optional<std::vector<Entry>> entries = parse(OpenFile(file, OpenFile::Mode::kRead), file, plan);
  return entries ? std::move(entries) : std::vector<Entry>{};
}

std::string Journal::file_name(std::size_t part, std::size_t parts) {
  return fmt::format("{}{:05}-of-{:05}", kFilePrefix, part, parts);
}

}  // namespace cambium::checkpoint
