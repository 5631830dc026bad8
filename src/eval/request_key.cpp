#include "eval/request_key.h"

#include <fmt/format.h>

#include "checkpoint/content_hash.h"
#include "eval/json_text.h"
#include "text/jinja_operators.h"

namespace cambium::eval {

using text::jinja::Value;

std::string_view kind_name(tasks::Request::Kind kind) {
  switch (kind) {
    case tasks::Request::Kind::kLogLikelihood:
      return "loglikelihood";
    case tasks::Request::Kind::kRolling:
      return "loglikelihood_rolling";
    case tasks::Request::Kind::kGenerate:
      return "generate_until";
  }
  return "";
}

bool is_sampled(const tasks::Request& request) {
  if (request.kind != tasks::Request::Kind::kGenerate || !request.generation.is_dict()) return false;
  const auto& arguments = request.generation.as_dict();
  if (const Value* flag = arguments.find("do_sample"); flag != nullptr && !flag->is_none()) {
    return text::jinja::truthy(*flag);
  }
  const Value* temperature = arguments.find("temperature");
  return temperature != nullptr && temperature->is_number() && text::jinja::to_double(*temperature) > 0;
}

std::string media_json(const tasks::Request& request) {
  if (request.media == nullptr || request.media->empty()) return {};
  return json_text(Value::dict({{"images", Value::list(request.media->images)},
                                {"sounds", Value::list(request.media->sounds)},
                                {"clips", Value::list(request.media->clips)}}));
}

std::string request_key(const tasks::Request& request, std::string_view settings, std::uint64_t seed,
                        std::string_view media) {
  std::string all = fmt::format("{}\n{}\n{}\n", settings, kind_name(request.kind), is_sampled(request) ? seed : 0);
  const auto add = [&](std::string_view part) { all.append(fmt::format("{}:", part.size())).append(part); };
  add(*request.context);
  add(request.continuation);
  add(request.generation.is_none() ? std::string() : json_text(request.generation));
  add(media);
  return checkpoint::to_string(checkpoint::hash_text(all));
}

}  // namespace cambium::eval
