#include "tasks/comparison/sample_pairing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>

#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tasks {
namespace {

using text::jinja::Value;

constexpr std::array<std::string_view, 9> kClusterFields{"image_id", "image",    "image_path", "img_id",    "video_id",
                                                         "video",    "audio_id", "audio",      "passage_id"};
constexpr const char* kCommonOnly = "to compare only what both runs have, pass --common";

std::string key_of(const RecordedSample& sample, bool by_number) {
  return by_number ? std::to_string(sample.number) : document_key(sample.document);
}

// Numbers of the values of a field; nothing if a document lacks it.
std::optional<std::vector<std::int64_t>> numbered(const SamplePairs& pairs, std::string_view field, bool& shared) {
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::int64_t> result;
  for (const auto& [first, second] : pairs.pairs) {
    const Value* value = first->document.is_dict() ? first->document.as_dict().find(field) : nullptr;
    if (value == nullptr || value->is_none()) return std::nullopt;
    const auto next = static_cast<std::int64_t>(numbers.size());
    result.push_back(numbers.try_emplace(document_key(*value), next).first->second);
  }
  shared = numbers.size() < result.size();
  return result;
}

}  // namespace

SamplePairs pair_samples(const RecordedTask& first, const RecordedTask& second, const PairingOptions& options) {
  std::map<std::string, std::deque<const RecordedSample*>> waiting;
  for (const RecordedSample& sample : second.samples) waiting[key_of(sample, options.by_number)].push_back(&sample);
  SamplePairs result;
  const RecordedSample* alone = nullptr;
  for (const RecordedSample& sample : first.samples) {
    const auto found = waiting.find(key_of(sample, options.by_number));
    if (found == waiting.end() || found->second.empty()) {
      if (alone == nullptr) alone = &sample;
      ++result.only_first;
      continue;
    }
    result.pairs.emplace_back(&sample, found->second.front());
    found->second.pop_front();
  }
  result.only_second = second.samples.size() - result.pairs.size();
  if (result.pairs.empty()) {
    throw ValueError(
        fmt::format("task '{}': the runs have no sample in common ({} and {} samples); were they made on other data?",
                    first.name, first.samples.size(), second.samples.size()));
  }
  if (!options.common_only && result.only_first + result.only_second > 0) {
    throw ValueError(fmt::format("task '{}': {} samples are in the first run only and {} in the second only{}; {}",
                                 first.name, result.only_first, result.only_second,
                                 alone == nullptr ? "" : fmt::format(" (first: document {})", alone->number),
                                 kCommonOnly));
  }
  return result;
}

std::vector<std::pair<const RecordedTask*, const RecordedTask*>> pair_tasks(const RecordedRun& first,
                                                                            const RecordedRun& second,
                                                                            const std::vector<std::string>& names,
                                                                            const PairingOptions& options) {
  const auto named = [&](const std::string& task) {
    return names.empty() || std::ranges::find(names, task) != names.end();
  };
  for (const std::string& name : names) {
    if (first.find(name) != nullptr || second.find(name) != nullptr) continue;
    std::vector<std::string_view> known;
    for (const RecordedTask& task : first.tasks) known.push_back(task.name);
    throw UsageError(fmt::format("neither run has a task '{}'.{}", name, text::jinja::nearest_names(name, known)));
  }
  std::vector<std::pair<const RecordedTask*, const RecordedTask*>> pairs;
  std::vector<std::string> only_first, only_second;
  for (const RecordedTask& task : first.tasks) {
    if (!named(task.name)) continue;
    if (const RecordedTask* other = second.find(task.name)) {
      pairs.emplace_back(&task, other);
    } else {
      only_first.push_back(task.name);
    }
  }
  for (const RecordedTask& task : second.tasks) {
    if (named(task.name) && first.find(task.name) == nullptr) only_second.push_back(task.name);
  }
  if (pairs.empty()) throw ValueError(fmt::format("'{}' and '{}' have no task in common", first.label, second.label));
  if (!options.common_only && (!only_first.empty() || !only_second.empty())) {
    throw ValueError(fmt::format("tasks of one run only: {}{}{}; {}, or name tasks with --tasks",
                                 only_first.empty() ? "" : fmt::format("first: {}", fmt::join(only_first, ", ")),
                                 only_first.empty() || only_second.empty() ? "" : "; ",
                                 only_second.empty() ? "" : fmt::format("second: {}", fmt::join(only_second, ", ")),
                                 kCommonOnly));
  }
  return pairs;
}

SampleClusters sample_clusters(const RecordedTask& task, const SamplePairs& pairs, const std::string& field) {
  if (field == "none") return {};
  bool shared = false;
  if (field != "auto") {
    auto numbers = numbered(pairs, field, shared);
    if (!numbers) {
      throw UsageError(
          fmt::format("task '{}': --cluster {}: a document has no such field (or nothing in it)", task.name, field));
    }
    return {field, std::move(*numbers)};
  }
  if (!task.cluster_field.empty()) {
    if (auto numbers = numbered(pairs, task.cluster_field, shared); numbers && shared)
      return {task.cluster_field, std::move(*numbers)};
    return {};
  }
  for (const std::string_view name : kClusterFields) {
    if (auto numbers = numbered(pairs, name, shared); numbers && shared)
      return {std::string(name), std::move(*numbers)};
  }
  return {};
}

}  // namespace cambium::tasks
