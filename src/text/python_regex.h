#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cambium::text {

/// Python's `re` for str patterns, on PCRE2 with its JIT. Immutable and safe to share between threads.
///
/// Differences that can matter: a match that would take longer than Budget allows fails instead of running on; blanks
/// 0x1C-0x1F are no
/// `\s`; `\N{...}` and the flag L are refused.
class PythonRegex {
 public:
  struct Flags {
    bool ignore_case = false;
    bool multi_line = false;
    bool dot_all = false;
    bool ascii = false;
    bool verbose = false;
  };

  /// One match: the byte range of each group, group 0 being all of it; nothing for a group that took no part.
  struct Match {
    std::vector<std::optional<std::pair<std::size_t, std::size_t>>> groups;
    [[nodiscard]] std::size_t begin() const { return groups[0]->first; }
    [[nodiscard]] std::size_t end() const { return groups[0]->second; }
    /// The group's text, empty if it took no part (as in re.findall).
    [[nodiscard]] std::string_view group(std::string_view text, std::size_t number) const;
  };

  /// @throws ValueError  not a Python regular expression; the message shows where
  explicit PythonRegex(std::string_view pattern, Flags flags);
  explicit PythonRegex(std::string_view pattern) : PythonRegex(pattern, Flags{}) {}
  ~PythonRegex();
  PythonRegex(PythonRegex&&) noexcept;
  PythonRegex& operator=(PythonRegex&&) noexcept;

  // Each throws ValueError if the match takes too long.
  /// re.search from byte `from` on.
  [[nodiscard]] std::optional<Match> search(std::string_view text, std::size_t from = 0) const;
  /// re.match: at the start of the text.
  [[nodiscard]] std::optional<Match> match_start(std::string_view text) const;
  /// re.fullmatch
  [[nodiscard]] std::optional<Match> match_all(std::string_view text) const;
  /// re.finditer
  [[nodiscard]] std::vector<Match> find_all(std::string_view text) const;
  /// re.sub: \1, \g<name> and escapes in the replacement. @param count  0: all @throws ValueError  a malformed
  /// replacement
  [[nodiscard]] std::string substitute(std::string_view text, std::string_view replacement,
                                       std::size_t count = 0) const;
  /// re.split
  [[nodiscard]] std::vector<std::string> split(std::string_view text, std::size_t max_splits = 0) const;

  /// Number of groups, group 0 not counted.
  [[nodiscard]] std::size_t group_count() const;
  [[nodiscard]] const std::string& pattern() const;

 private:
  struct Impl;
  [[nodiscard]] std::optional<Match> run(std::string_view text, std::size_t from, unsigned options) const;
  [[nodiscard]] std::size_t group_number(std::string_view name) const;
  std::unique_ptr<Impl> impl_;
};

/// re.escape
[[nodiscard]] std::string escape_regex(std::string_view text);

}  // namespace cambium::text
