#include "checkpoint/json_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <vector>

#include "checkpoint/foreign_text.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace {

// Walks over the text for the parser and tells the handler how far it is.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor() = default;
  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    ++at_;
    if (seen_ != nullptr) *seen_ = at_;
    return *this;
  }
  Cursor operator++(int) {
    const Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_ = nullptr;
  const char** seen_ = nullptr;
};

// "line 3, column 14" of a place in a text; columns count bytes, from 1.
std::string line_and_column(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 == 0
  return fmt::format("line {}, column {}", line, before.size() - start + 1);
}

// The parser's handler: nlohmann's names, our checks.
class Checker : public nlohmann::json_sax<nlohmann::json> {
 public:
  Checker(std::string_view text, std::string_view where, const JsonLimits& limits, JsonEvents& events,
          const char*& seen)
      : text_(text), where_(where), limits_(limits), events_(events), seen_(seen) {}

  bool null() override { return pass(nullptr); }
  bool boolean(bool value) override { return pass(value); }
  bool number_integer(std::int64_t value) override { return pass(value); }
  bool number_unsigned(std::uint64_t value) override { return pass(value); }
  bool number_float(double value, const std::string&) override { return pass(value); }
  bool string(std::string& value) override { return pass(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    open();
    keys_.emplace_back();
    events_.begin_object();
    return true;
  }
  bool end_object() override {
    --depth_;
    keys_.pop_back();
    events_.end_object();
    return true;
  }
  bool start_array(std::size_t) override {
    open();
    events_.begin_array();
    return true;
  }
  bool end_array() override {
    --depth_;
    events_.end_array();
    return true;
  }
  bool key(std::string& name) override {
    if (!limits_.allow_duplicate_keys && !keys_.back().insert(name).second) {
      refuse(fmt::format("the key {} stands twice in one object", quote_foreign(name)));
    }
    events_.key(std::move(name));
    return true;
  }
  bool parse_error(std::size_t position, const std::string& last, const nlohmann::json::exception& error) override {
    if (error.id == 406)
      refuse(fmt::format("not valid JSON: number {} is out of range", quote_foreign(last, 60)), position);
    const std::string_view what = error.what();
    if (what.find("ill-formed UTF-8") != std::string_view::npos ||
        what.find("invalid UTF-8") != std::string_view::npos) {
      refuse(fmt::format("not valid JSON: text that is not UTF-8, near {}", quote_foreign(last, 60)), position);
    }
    // The parser's words go "...: syntax error while parsing value - unexpected end of input; last read: '...'".
    std::string_view reason = what.substr(std::min(what.find("error while parsing"), what.size()));
    reason = reason.substr(0, reason.find("; last read"));
    refuse(fmt::format("not valid JSON: {}, near {}", reason, quote_foreign(last, 60)), position);
  }

 private:
  bool pass(JsonScalar value) {
    events_.scalar(std::move(value));
    return true;
  }

  void open() {
    if (++depth_ > limits_.max_depth) {
      refuse(fmt::format("nested deeper than the {} levels that are allowed", limits_.max_depth));
    }
  }

  [[noreturn]] void refuse(const std::string& what) { refuse(what, static_cast<std::size_t>(seen_ - text_.data())); }
  // The position counts the characters read, the offending one included.
  [[noreturn]] void refuse(const std::string& what, std::size_t position) {
    throw CheckpointError(
        fmt::format("{}: {}: {}", where_, line_and_column(text_, position == 0 ? 0 : position - 1), what));
  }

  std::string_view text_;
  std::string_view where_;
  const JsonLimits& limits_;
  JsonEvents& events_;
  const char*& seen_;
  int depth_ = 0;
  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

std::optional<std::int64_t> as_int64(const JsonScalar& scalar) {
  if (const auto* value = std::get_if<std::int64_t>(&scalar)) return *value;
  const auto* value = std::get_if<std::uint64_t>(&scalar);
  if (value == nullptr || *value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<std::uint64_t> as_uint64(const JsonScalar& scalar) {
  if (const auto* value = std::get_if<std::uint64_t>(&scalar)) return *value;
  const auto* value = std::get_if<std::int64_t>(&scalar);
  if (value == nullptr || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::string_view kind_of(const JsonScalar& scalar) {
  static constexpr std::string_view kKinds[] = {"null",       "a boolean", "an integer",
                                                "an integer", "a number",  "a string"};
  return kKinds[scalar.index()];
}

void scan_json(std::string_view text, std::string_view where, const JsonLimits& limits, JsonEvents& events) {
  if (text.empty()) throw CheckpointError(fmt::format("{}: empty, expected JSON", where));
  if (const std::size_t zero = text.find('\0');
      zero != std::string_view::npos) {  // the parser would take it for the end
    throw CheckpointError(fmt::format("{}: {}: not valid JSON: a zero byte", where, line_and_column(text, zero)));
  }
  const char* seen = text.data();
  Checker checker(text, where, limits, events, seen);
  const Cursor begin(text.data(), &seen);
  const Cursor end(text.data() + text.size(), nullptr);
  nlohmann::json::sax_parse(begin, end, &checker);
}

}  // namespace cambium::checkpoint
