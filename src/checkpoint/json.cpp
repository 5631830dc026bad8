#include "checkpoint/json.h"

#include <utility>
#include <vector>

#include "checkpoint/json_scan.h"
#include "checkpoint/open_file.h"

namespace cambium::checkpoint {

namespace {

// Builds the tree. Children are appended to their parent's own container: ordered_json's insertion by key searches all
// keys before it, which takes minutes on a vocabulary of 150,000 tokens.
class TreeBuilder final : public JsonEvents {
 public:
  void scalar(JsonScalar value) override {
    Json& place = add();
    std::visit([&place](auto& held) { place = std::move(held); }, value);
  }
  void key(std::string name) override { key_ = std::move(name); }
  void begin_object() override { open_.push_back(&(add() = Json::object())); }
  void end_object() override { open_.pop_back(); }
  void begin_array() override { open_.push_back(&(add() = Json::array())); }
  void end_array() override { open_.pop_back(); }

  Json take() { return std::move(root_); }

 private:
  // The place of the value that comes now. Stays valid while the value is open: its parent gets no other child
  // meanwhile.
  Json& add() {
    if (open_.empty()) return root_;
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(nullptr);
      return parent.back();
    }
    auto& members = static_cast<Json::object_t::Container&>(parent.get_ref<Json::object_t&>());
    members.emplace_back(std::move(key_), nullptr);
    return members.back().second;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  TreeBuilder builder;
  scan_json(text, where, limits, builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& file, const JsonLimits& limits) {
  return parse_json(read_file(file), file.string(), limits);
}

}  // namespace cambium::checkpoint
