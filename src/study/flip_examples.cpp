#include "study/flip_examples.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "checkpoint/json.h"
#include "eval/store/store_reader.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOfEachContrast = 4;
constexpr std::size_t kMost = 40;
constexpr std::size_t kLargestPicture = 60'000;

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kLetters[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

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

std::string picture_of(const checkpoint::Json& document, const fs::path& world) {
  const auto found = document.find("images");
  if (found == document.end() || !found->is_array() || found->empty() || !(*found)[0].is_string()) return {};
  const fs::path file = world / (*found)[0].get<std::string>();
  if (file.extension() != ".png") return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  if (!in || !(bytes << in.rdbuf()) || bytes.str().size() > kLargestPicture) return {};
  return "data:image/png;base64," + base64(bytes.str());
}

class FlipFinder {
 public:
  FlipFinder(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
             const std::set<std::string>& done)
      : study_(study), graph_(graph), folder_(folder), done_(done), store_(folder.path() / "results.db") {}

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
        const std::vector<eval::StoredRun> runs = store_.runs();
        // The latest of several: inputs may have changed in between.
        const auto found =
            std::find_if(runs.rbegin(), runs.rend(), [&](const auto& each) { return each.name == run.run_name; });
        if (found != runs.rend()) return *found;
      }
    }
    return std::nullopt;
  }
  fs::path world() const {
    for (const Step& step : graph_.steps) {
      if (step.kind == "world") return folder_.path() / step.output;
    }
    return folder_.path();
  }
  void compare(const Contrast& contrast, const std::string& base) {
    const auto first = run_of(base, contrast.first, contrast.group);
    const auto second = run_of(base, contrast.second, contrast.group);
    if (!first || !second) return;
    std::vector<report::FlipExample> lost, gained;
    for (const eval::StoredTask& task : store_.tasks(second->id)) {
      const auto metrics = store_.metrics(second->id, task.name);
      if (metrics.empty()) continue;
      std::map<std::size_t, eval::StoredSample> before;
      for (eval::StoredSample& sample : store_.samples(first->id, task.name))
        before.emplace(sample.document, std::move(sample));
      for (const eval::StoredSample& after : store_.samples(second->id, task.name)) {
        const auto other = before.find(after.document);
        if (other == before.end()) continue;
        const auto now = after.score(metrics.front().metric, metrics.front().filter);
        const auto then = other->second.score(metrics.front().metric, metrics.front().filter);
        if (!now || !then || *now == *then) continue;
        std::vector<report::FlipExample>& kind = *now > *then ? gained : lost;
        if (kind.size() >= kOfEachContrast / 2) continue;
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
                                 .picture = picture_of(document, world())};
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
  std::vector<report::FlipExample> found_;
};

}  // namespace

std::vector<report::FlipExample> flip_examples(const StudyFile& study, const StepGraph& graph,
                                               const StudyFolder& folder, const std::set<std::string>& done) {
  if (!fs::exists(folder.path() / "results.db")) return {};
  return FlipFinder(study, graph, folder, done).find();
}

}  // namespace cambium::study
