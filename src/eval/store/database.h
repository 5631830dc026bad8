#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace cambium::eval {

class Statement;

/// A SQLite file. Not thread-safe: one thread at a time.
///
/// Every failure is a SystemError that names the file, what was being done and SQLite's words; a full disk is said as
/// such.
class Database {
 public:
  enum class Mode : std::uint8_t { kReadOnly, kReadWrite };
  /// @param mode  kReadWrite creates the file if there is none and switches it to a write-ahead log
  /// @throws SystemError  it cannot be opened, or is no SQLite file
  Database(const std::filesystem::path& file, Mode mode);
  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) = delete;

  /// Runs statements without results. @param doing  for messages: "writing scores"
  void execute(const char* sql, std::string_view doing);
  [[nodiscard]] Statement prepare(const char* sql, std::string_view doing);
  [[nodiscard]] std::int64_t last_row() const;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// @throws SystemError  always: what SQLite says about its last failure
  [[noreturn]] void fail(int code, std::string_view doing) const;

 private:
  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
};

/// All or nothing: rolled back unless commit() was called.
class Transaction {
 public:
  Transaction(Database& database, std::string_view doing);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  std::string doing_;
  bool open_ = true;
};

/// A prepared statement; parameters and columns count from 0.
class Statement {
 public:
  Statement(const Database& database, sqlite3_stmt* handle, std::string doing);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  /// The text must live until the statement has run.
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_bytes(int parameter, std::span<const std::byte> bytes);
  Statement& bind_null(int parameter);
  /// To the next row; false: there is none (the statement is then ready to run again).
  [[nodiscard]] bool step();
  /// Runs a statement that gives no rows.
  void run();
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  void check(int code);
  const Database& database_;
  sqlite3_stmt* handle_;
  std::string doing_;
};

}  // namespace cambium::eval
