#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>

#include "tensor/error.h"

namespace cambium::text {

Json read_tree(JsonCursor& cursor) {
  switch (cursor.peek()) {
    case JsonCursor::Kind::kObject: {
      Json object = Json::object();
      std::string_view key;
      cursor.begin_object();
      while (cursor.next_key(key)) {
        const std::string name(key);
        if (object.contains(name)) cursor.fail(fmt::format("the key '{}' comes twice in one object", name));
        object[name] = read_tree(cursor);
      }
      return object;
    }
    case JsonCursor::Kind::kArray: {
      Json list = Json::array();
      cursor.begin_array();
      while (cursor.next_item()) list.push_back(read_tree(cursor));
      return list;
    }
    case JsonCursor::Kind::kString:
      return std::string(cursor.string());
    case JsonCursor::Kind::kNumber: {
      const double number = cursor.number();
      const auto whole = static_cast<std::int64_t>(std::abs(number) < 9e15 ? number : 0);
      if (static_cast<double>(whole) == number) return whole;
      return number;
    }
    case JsonCursor::Kind::kBoolean:
      return cursor.boolean();
    default:
      cursor.null();
      return nullptr;
  }
}

AddedToken added_token_from_json(const JsonPart& part) {
  AddedToken token;
  token.content = part.string("content");
  token.special = part.boolean("special", false);
  token.single_word = part.boolean("single_word", false);
  token.lstrip = part.boolean("lstrip", false);
  token.rstrip = part.boolean("rstrip", false);
  token.normalized = part.boolean("normalized", !token.special);
  return token;
}

namespace {

void add_tokens(const JsonPart& list, Pipeline& pipeline) {
  for (const JsonPart& part : list.items()) {
    const AddedToken token = added_token_from_json(part);
    const TokenId id = pipeline.added.add(token, pipeline.model->vocabulary());
    const std::int64_t wanted = part.integer("id", id);
    if (wanted != id && id >= 0) {
      pipeline.notes.push_back(
          fmt::format("{}: {}: the token '{}' says it has id {}, but by its place among the tokens it has {}",
                      part.file(), part.path(), token.content, wanted, id));
    }
  }
}

}  // namespace

std::unique_ptr<Pipeline> pipeline_from_json(JsonCursor cursor) {
  const std::string where(cursor.where());
  auto pipeline = std::make_unique<Pipeline>();
  std::map<std::string, Json, std::less<>> parts;
  std::string_view key;
  cursor.begin_object();
  while (cursor.next_key(key)) {
    const std::string name(key);
    if (name == "model") {
      if (pipeline->model) cursor.fail("the key 'model' comes twice");
      pipeline->model = model_from_json(cursor, pipeline->notes);
    } else if (!parts.emplace(name, read_tree(cursor)).second) {
      cursor.fail(fmt::format("the key '{}' comes twice", name));
    }
  }
  cursor.end();
  if (!pipeline->model) throw CheckpointError(fmt::format("{}: 'model' is missing; is this a tokenizer.json?", where));

  const auto part = [&](std::string_view name) -> std::optional<JsonPart> {
    const auto found = parts.find(name);
    if (found == parts.end() || found->second.is_null()) return std::nullopt;
    return JsonPart(found->second, where, std::string(name));
  };
  if (const auto version = part("version"); version && version->string() != "1.0") {
    version->fail(fmt::format("is '{}'; only 1.0 is known", version->string()));
  }
  if (const auto normalizer = part("normalizer")) pipeline->normalizer = make_normalizer(*normalizer);
  if (const auto steps = part("pre_tokenizer")) {
    PreTokenization made = make_pre_tokenizer(*steps, pipeline->model->can_map_bytes());
    pipeline->pre_tokenizer = std::move(made.steps);
    if (made.model_maps_bytes) pipeline->model->map_bytes();
  }
  if (const auto post = part("post_processor")) {
    pipeline->post_processor = make_post_processor(*post, pipeline->model->vocabulary());
  }
  if (const auto decoder = part("decoder")) pipeline->decoder = make_token_decoder(*decoder);
  if (const auto added = part("added_tokens")) add_tokens(*added, *pipeline);
  for (const std::string_view ignored : {"truncation", "padding"}) {
    if (part(ignored))
      pipeline->notes.push_back(fmt::format("{}: {} is ignored; texts are encoded whole", where, ignored));
  }
  pipeline->added.prepare(pipeline->normalizer.get());
  return pipeline;
}

}  // namespace cambium::text
