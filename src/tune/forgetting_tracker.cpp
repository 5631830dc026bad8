#include "tune/forgetting_tracker.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "checkpoint/open_file.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "tune/sample_stream.h"
#include "tune/step_batch.h"
#include "tune/tracked_tasks.h"

namespace cambium::tune {

struct ForgettingTracker::Impl {
  struct Text {
    std::string name;
    std::vector<MicroBatch> parts;  // one piece of context length each
    std::int64_t targets = 0;
  };
  struct Rows {
    std::string name;
    std::vector<Sample> samples;
  };
  TrackConfig config;
  std::vector<Text> texts;
  std::vector<Rows> rows;
  const model::MediaReader* reader = nullptr;
  std::unique_ptr<TrackedTasks> tasks;
  std::vector<CurveReport> curves;

  // Evenly spread over the file.
  static Rows read_rows(const TrackConfig& config, const RowTokenizer& tokenizer, std::int64_t context,
                        const std::string& file) {
    Rows chosen{.name = "answers " + std::filesystem::path(file).stem().string(), .samples = {}};
    const RowFiles all({file}, "track.rows");
    const std::size_t count = std::min(all.size(), static_cast<std::size_t>(config.row_limit));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = i * all.size() / count;
      LabelledTokens tokens =
          tokenizer.tokens(read_row(all.row(row), all.where(row), "auto", all.folder(row)), all.where(row));
      if (static_cast<std::int64_t>(tokens.ids.size()) > context || tokens.supervised() == 0) {
        throw RecipeError(
            fmt::format("track.rows: {} has {} tokens, {} of them learned; they must fit the context of {}",
                        all.where(row), tokens.ids.size(), tokens.supervised(), context));
      }
      chosen.samples.push_back({0, std::move(tokens), 1});
    }
    return chosen;
  }

  // A row is right if each of its learned tokens is the most probable one behind those before it: then greedy decoding
  // writes the same.
  [[nodiscard]] double right_share(const TunedModel& model, const Rows& asked) const {
    double right = 0;
    constexpr std::size_t kAtOnce = 32;
    for (std::size_t first = 0; first < asked.samples.size(); first += kAtOnce) {
      const std::size_t end = std::min(asked.samples.size(), first + kAtOnce);
      const StepBatch batch = pack({asked.samples.begin() + static_cast<std::ptrdiff_t>(first),
                                    asked.samples.begin() + static_cast<std::ptrdiff_t>(end)},
                                   INT64_MAX, reader);
      const MicroBatch& part = batch.parts.front();
      const std::vector<bool> tokens = model.predicted(part);
      const auto* places = part.labelled.const_data_ptr<std::int64_t>();
      std::size_t token = 0;
      std::int64_t row_end = 0;
      for (const std::int64_t length : part.rows.lengths) {
        row_end += length;
        bool whole = true;
        for (; token < tokens.size() && places[token] < row_end; ++token) whole = whole && tokens[token];
        right += whole ? 1 : 0;
      }
    }
    return right / static_cast<double>(asked.samples.size());
  }

  void add(const std::string& name, bool higher_is_better, std::int64_t tokens, double value) {
    auto found = std::ranges::find(curves, name, &CurveReport::name);
    if (found == curves.end()) {
      curves.push_back({name, higher_is_better, {}});
      found = curves.end() - 1;
    }
    found->points.emplace_back(tokens, value);
  }
};

ForgettingTracker::ForgettingTracker(const TrackConfig& config, const RowTokenizer& tokenizer, std::int64_t context,
                                     const model::MediaReader* reader)
    : impl_(std::make_unique<Impl>()) {
  impl_->config = config;
  for (const std::string& file : config.texts) {
    Impl::Text text{.name = "perplexity " + std::filesystem::path(file).stem().string(), .parts = {}};
    std::vector<std::int64_t> ids;
    for (const text::TokenId id : tokenizer.tokenizer().ids(checkpoint::read_file(file))) {
      if (static_cast<std::int64_t>(ids.size()) == config.text_tokens) break;
      ids.push_back(static_cast<std::int64_t>(id));
    }
    if (ids.size() < 2) throw RecipeError(fmt::format("track.texts: {} has fewer than two tokens", file));
    for (std::size_t begin = 0; begin + 1 < ids.size(); begin += static_cast<std::size_t>(context)) {
      const std::size_t size = std::min(ids.size() - begin, static_cast<std::size_t>(context));
      if (size < 2) break;
      MicroBatch part;
      const at::ArrayRef<std::int64_t> piece(ids.data() + begin, size);
      part.rows.ids = at::tensor(piece);
      part.rows.lengths = {static_cast<std::int64_t>(size)};
      part.labelled = at::arange(static_cast<std::int64_t>(size) - 1, at::kLong);
      part.targets = at::tensor(piece.slice(1));
      text.targets += part.targets.numel();
      text.parts.push_back(std::move(part));
    }
    impl_->texts.push_back(std::move(text));
  }
  for (const std::string& file : config.rows) impl_->rows.push_back(Impl::read_rows(config, tokenizer, context, file));
  impl_->reader = reader;
  if (!config.tasks.empty()) impl_->tasks = std::make_unique<TrackedTasks>(config);
}

ForgettingTracker::~ForgettingTracker() = default;

bool ForgettingTracker::empty() const { return impl_->texts.empty() && impl_->rows.empty() && impl_->tasks == nullptr; }

void ForgettingTracker::measure(const TunedModel& model, std::int64_t tokens, Progress& progress) {
  for (const Impl::Text& text : impl_->texts) {
    double sum = 0;
    for (const MicroBatch& part : text.parts) sum += model.evaluate(part) * static_cast<double>(part.targets.numel());
    impl_->add(text.name, false, tokens, std::exp(sum / static_cast<double>(text.targets)));
  }
  for (const Impl::Rows& asked : impl_->rows) {
    impl_->add(asked.name, true, tokens, impl_->right_share(model, asked));
  }
  if (impl_->tasks == nullptr) return;
  for (const TrackedTasks::Value& value : impl_->tasks->measure(model, progress)) {
    impl_->add(value.name, value.higher_is_better, tokens, value.value);
  }
}

const std::vector<CurveReport>& ForgettingTracker::curves() const { return impl_->curves; }

bool ForgettingTracker::over_limit() const {
  if (!impl_->config.forgetting_limit.has_value()) return false;
  return std::ranges::any_of(
      impl_->curves, [&](const CurveReport& curve) { return curve.forgetting() > *impl_->config.forgetting_limit; });
}

bool ForgettingTracker::best_is_last() const {
  const auto found = std::ranges::find(impl_->curves, impl_->config.best, &CurveReport::name);
  if (found == impl_->curves.end()) {
    std::vector<std::string_view> names;
    for (const CurveReport& curve : impl_->curves) names.push_back(curve.name);
    throw UsageError(fmt::format("track.best: no curve '{}'.{} There are: {}", impl_->config.best,
                                 text::jinja::nearest_names(impl_->config.best, names), fmt::join(names, ", ")));
  }
  const double last = found->points.back().second;
  return std::ranges::all_of(found->points, [&](const auto& point) {
    return found->higher_is_better ? point.second <= last : point.second >= last;
  });
}

nlohmann::ordered_json ForgettingTracker::state() const {
  nlohmann::ordered_json state = nlohmann::ordered_json::array();
  for (const CurveReport& curve : impl_->curves) {
    state.push_back({{"name", curve.name}, {"higher_is_better", curve.higher_is_better}, {"points", curve.points}});
  }
  return state;
}

void ForgettingTracker::restore(const nlohmann::ordered_json& state) {
  impl_->curves.clear();
  for (const auto& entry : state) {
    CurveReport curve;
    curve.name = entry.at("name").get<std::string>();
    curve.higher_is_better = entry.at("higher_is_better").get<bool>();
    curve.points = entry.at("points").get<std::vector<std::pair<std::int64_t, double>>>();
    impl_->curves.push_back(std::move(curve));
  }
}

}  // namespace cambium::tune
