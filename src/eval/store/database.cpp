#include "eval/store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "tensor/error.h"

namespace cambium::eval {

namespace {

constexpr int kBusyMilliseconds = 10'000;

}  // namespace

Database::Database(const std::filesystem::path& file, Mode mode) : file_(file) {
  const int flags = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(file.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) fail(code, "opening it");
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, kBusyMilliseconds);
    if (mode == Mode::kReadWrite) {
      // A killed process loses nothing that was committed: the log is the operating system's by then.
      execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;", "opening it");
    }
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

Database::Database(Database&& other) noexcept
    : file_(std::move(other.file_)), handle_(std::exchange(other.handle_, nullptr)) {}

void Database::fail(int code, std::string_view doing) const {
  const char* words = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  const int extended = handle_ == nullptr ? code : sqlite3_extended_errcode(handle_);
  const int primary = extended & 0xff;
  if (primary == SQLITE_FULL || extended == SQLITE_IOERR_WRITE || extended == SQLITE_IOERR_SHMSIZE) {
    throw SystemError(
        fmt::format("{}: {}: the disk is full ({}). What was stored before is kept; free some space and run the same "
                    "command again, it goes on where it stopped",
                    file_.string(), doing, words));
  }
  if (primary == SQLITE_NOTADB) {
    throw SystemError(fmt::format("{}: {}: this is no SQLite file ({})", file_.string(), doing, words));
  }
  throw SystemError(fmt::format("{}: {}: {}", file_.string(), doing, words));
}

void Database::execute(const char* sql, std::string_view doing) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, doing);
}

Statement Database::prepare(const char* sql, std::string_view doing) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) fail(code, doing);
  return {*this, statement, std::string(doing)};
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_); }

Transaction::Transaction(Database& database, std::string_view doing) : database_(database), doing_(doing) {
  database_.execute("BEGIN IMMEDIATE", doing_);
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK", doing_);
  } catch (const Error&) {  // SQLite has rolled back by itself already
  }
}

void Transaction::commit() {
  database_.execute("COMMIT", doing_);
  open_ = false;
}

Statement::Statement(const Database& database, sqlite3_stmt* handle, std::string doing)
    : database_(database), handle_(handle), doing_(std::move(doing)) {}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)), doing_(std::move(other.doing_)) {}

void Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail(code, doing_);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(handle_, parameter + 1, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(handle_, parameter + 1, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(handle_, parameter + 1, text.data() == nullptr ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_bytes(int parameter, std::span<const std::byte> bytes) {
  check(sqlite3_bind_blob64(handle_, parameter + 1, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(handle_, parameter + 1));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const int primary = code & 0xff;
    // The connection's message is still that of this failure.
    try {
      database_.fail(primary, doing_);
    } catch (...) {
      sqlite3_reset(handle_);
      throw;
    }
  }
  sqlite3_reset(handle_);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(handle_); }

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string Statement::text(int column) const {
  const auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (begin == nullptr) return {};
  return {begin, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace cambium::eval
