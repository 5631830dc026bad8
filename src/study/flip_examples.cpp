#include "study/flip_examples.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "checkpoint/json.h"
#include "eval/store/store_reader.h"
#include "study/scores.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOfEachContrast = 6;
constexpr std::size_t kMost = 40;
constexpr std::size_t kLargestPicture = 60'000;

// What the model said: the generated text, or the most probable option.
std::string answer_of(const eval::StoredSample& sample) {
  const eval::StoredRequest* best = nullptr;
  for (const eval::StoredRequest& request : sample.requests) {
    if (request.responses.empty()) continue;
    if (request.kind == "generate_until") return request.responses.front().text;
    if (best == nullptr || request.responses.front().log_likelihood > best->responses.front().log_likelihood)
      best = &request;
  }
  return best == nullptr ? "" : best->continuation;
}

std::string text_of(const checkpoint::Json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

struct Picture {
  std::string bytes, type;
};

// The question's first picture, where it is small; looked for in the folders that the evaluation was told.
Picture picture_of(const eval::StoredSample& sample, const std::vector<fs::path>& folders) {
  if (sample.requests.empty() || sample.requests.front().media.empty()) return {};
  const checkpoint::Json media = checkpoint::parse_json(sample.requests.front().media, "results.db");
  const checkpoint::Json images = media.value("images", checkpoint::Json::array());
  if (images.empty() || !images[0].is_string()) return {};
  const fs::path name = images[0].get<std::string>();
  static const std::map<std::string, std::string> kTypes{
      {".png", "png"}, {".jpg", "jpeg"}, {".jpeg", "jpeg"}, {".gif", "gif"}, {".webp", "webp"}};
  const auto type = kTypes.find(name.extension().string());
  if (type == kTypes.end()) return {};
  for (const fs::path& folder : folders) {
    std::error_code none;
    const std::uintmax_t size = fs::file_size(folder / name, none);
    if (none || size > kLargestPicture) continue;
    std::ifstream in(folder / name, std::ios::binary);
    std::ostringstream bytes;
    if (in && (bytes << in.rdbuf())) return {.bytes = bytes.str(), .type = type->second};
  }
  return {};
}

class FlipFinder {
 public:
  explicit FlipFinder(const StudyData& data)
      : study_(data.study),
        graph_(data.graph),
        folder_(data.folder),
        done_(data.done),
        store_(data.folder.path() / "results.db"),
        runs_(store_.runs()) {}

  std::vector<report::FlipExample> find() {
    for (const Contrast& contrast : study_.contrasts) {
      for (const auto& [base, fields] : study_.bases) {
        if (!contrast.bases.empty() && std::ranges::find(contrast.bases, base) == contrast.bases.end()) continue;
        compare(contrast, base);
      }
    }
    return std::move(found_);
  }

 private:
  std::optional<eval::StoredRun> run_of(const std::string& base, const std::string& arm,
                                        const std::string& group) const {
    for (const EvalRun& run : graph_.evaluations) {
      if (run.base == base && run.arm == arm && run.group == group && run.seed == study_.seeds.front() &&
          done_.contains(run.step)) {
        // The latest of several: inputs may have changed in between.
        const auto found =
            std::find_if(runs_.rbegin(), runs_.rend(), [&](const auto& each) { return each.name == run.run_name; });
        if (found != runs_.rend()) return *found;
      }
    }
    return std::nullopt;
  }
  // Where the evaluations of a group look for pictures.
  std::vector<fs::path> picture_folders(const std::string& group) const {
    std::vector<fs::path> folders{folder_.path()};
    for (const EvalRun& run : graph_.evaluations) {
      if (run.group != group || run.seed != study_.seeds.front()) continue;
      const std::vector<std::string>& words = graph_.step(run.step).command;
      for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "--data_root" || words[i] == "--data-root" || words[i] == "--include_path")
          folders.push_back(folder_.path() / words[i + 1]);
      }
      break;
    }
    return folders;
  }
  void compare(const Contrast& contrast, const std::string& base) {
    const auto first = run_of(base, contrast.first, contrast.group);
    const auto second = run_of(base, contrast.second, contrast.group);
    if (!first || !second) return;
    const std::vector<fs::path> folders = picture_folders(contrast.group);
    std::vector<report::FlipExample> lost, gained;
    for (const eval::StoredTask& task : store_.tasks(second->id)) {
      const auto metrics = store_.metrics(second->id, task.name);
      const std::vector<eval::StoredSample> answers = store_.samples(second->id, task.name);
      const eval::StoredMetric* metric = headline_metric(metrics, answers);
      if (metric == nullptr) continue;
      std::map<std::size_t, eval::StoredSample> before;
      for (eval::StoredSample& sample : store_.samples(first->id, task.name))
        before.emplace(sample.document, std::move(sample));
      for (const eval::StoredSample& after : answers) {
        const auto other = before.find(after.document);
        if (other == before.end()) continue;
        const auto now = after.score(metric->metric, metric->filter);
        const auto then = other->second.score(metric->metric, metric->filter);
        if (!now || !then || *now == *then) continue;
        std::vector<report::FlipExample>& kind = *now > *then ? gained : lost;
        // One of each task and direction shows more kinds of questions.
        if (kind.size() >= kOfEachContrast / 2 || (!kind.empty() && kind.back().task == task.name)) continue;
        const checkpoint::Json document = checkpoint::parse_json(after.content, "results.db");
        report::FlipExample flip{.base = base,
                                 .task = task.name,
                                 .question = text_of(document, "question"),
                                 .first_answer = answer_of(other->second),
                                 .second_answer = answer_of(after),
                                 .target = after.target,
                                 .first_arm = contrast.first,
                                 .second_arm = contrast.second,
                                 .gained = *now > *then,
                                 .picture = {},
                                 .picture_type = {}};
        Picture picture = picture_of(after, folders);
        flip.picture = std::move(picture.bytes);
        flip.picture_type = std::move(picture.type);
        if (flip.target.starts_with('"'))
          flip.target = checkpoint::parse_json(flip.target, "results.db").get<std::string>();
        if (flip.question.empty() && !after.requests.empty()) flip.question = after.requests.front().prompt;
        if (const auto choices = document.find("choices"); choices != document.end() && choices->is_array()) {
          const auto answer = document.find("answer");
          if (answer != document.end() && answer->is_number_unsigned() &&
              answer->get<std::size_t>() < choices->size()) {
            flip.target = (*choices)[answer->get<std::size_t>()].is_string()
                              ? (*choices)[answer->get<std::size_t>()].get<std::string>()
                              : flip.target;
          }
        }
        kind.push_back(std::move(flip));
      }
    }
    for (auto* kind : {&lost, &gained}) {
      for (report::FlipExample& flip : *kind) {
        if (found_.size() < kMost) found_.push_back(std::move(flip));
      }
    }
  }

  const StudyFile& study_;
  const StepGraph& graph_;
  const StudyFolder& folder_;
  const std::set<std::string>& done_;
  eval::StoreReader store_;
  std::vector<eval::StoredRun> runs_;
  std::vector<report::FlipExample> found_;
};

}  // namespace

std::vector<report::FlipExample> flip_examples(const StudyData& data) {
  if (!fs::exists(data.folder.path() / "results.db")) return {};
  return FlipFinder(data).find();
}

}  // namespace cambium::study
