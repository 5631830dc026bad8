#pragma once

#include "eval/store/database.h"

namespace cambium::eval {

/// Version of the tables that this program writes (SQLite's user_version; docs/store.md describes them).
inline constexpr int kSchemaVersion = 3;

/// Brings a file's tables up to kSchemaVersion, step by step, in one transaction; an empty file gets them all.
/// @throws SystemError  the tables are of a newer version, or the file holds something else
void migrate(Database& database);

/// For a file that is only read: its version, 1 to kSchemaVersion. @throws SystemError  a newer one, or something else
[[nodiscard]] int readable_version(Database& database);

}  // namespace cambium::eval
