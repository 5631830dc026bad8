#include "tune/sample_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tensor/error.h"

namespace cambium::tune {

namespace {

constexpr std::size_t kSurveyRows = 20'000;

std::uint64_t mixed(std::uint64_t x) {  // splitmix64's finaliser
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

double amount_of(const LabelledTokens& tokens, MixtureUnit unit) {
  switch (unit) {
    case MixtureUnit::kTokens:
      return static_cast<double>(tokens.ids.size());
    case MixtureUnit::kSupervised:
      return static_cast<double>(tokens.supervised());
    case MixtureUnit::kSamples:
      return 1;
  }
  return 0;
}

const char* unit_word(MixtureUnit unit) {
  return unit == MixtureUnit::kTokens ? "tokens" : unit == MixtureUnit::kSupervised ? "supervised tokens" : "samples";
}

}  // namespace

std::uint64_t shuffled_index(std::uint64_t index, std::uint64_t n, std::uint64_t seed) {
  if (n < 2) return 0;
  const int half = std::max(1, (static_cast<int>(std::bit_width(n - 1)) + 1) / 2);
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  std::uint64_t value = index;
  do {
    std::uint64_t left = value >> half, right = value & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mixed(right ^ mixed(seed + round)) & mask);
      left = right;
      right = next;
    }
    value = left << half | right;
  } while (value >= n);
  return value;
}

double SourceSurvey::amount(MixtureUnit unit) const {
  return unit == MixtureUnit::kTokens ? tokens : unit == MixtureUnit::kSupervised ? supervised : samples;
}

struct SampleStream::Impl {
  struct Source {
    const SourceConfig* config;
    RowFiles rows;
    std::size_t usable;  // rows that may be drawn
    double share = 0;
    // State.
    std::uint64_t cursor = 0;  // rows drawn, through all repeats
    double wanted = 0, drawn = 0;
  };
  const TuneConfig& config;
  const RowTokenizer& tokenizer;
  std::vector<Source> sources;
  std::vector<SourceSurvey> surveys;
  std::vector<BadRow> bad;
  std::vector<StageConfig> stages;
  double total = 0;
  std::uint64_t seen = 0, refused = 0;

  Impl(const TuneConfig& given, const RowTokenizer& rows) : config(given), tokenizer(rows) {}

  // Nothing: the row is to be passed over; `why` says so for bad ones, and is empty for dropped long ones.
  std::optional<LabelledTokens> read(std::size_t index, std::size_t row, std::string& why) const {
    const Source& source = sources[index];
    const std::string where = source.rows.where(row);
    try {
      TrainingRow training;
      if (source.rows.plain_text(row)) {
        training.is_text = true;
        training.text = source.rows.row(row);
      } else {
        const std::filesystem::path media =
            source.config->media.empty() ? source.rows.folder(row) : std::filesystem::path(source.config->media);
        training = read_row(source.rows.row(row), where, source.config->format, media);
      }
      LabelledTokens tokens = tokenizer.tokens(training, where);
      const auto context = static_cast<std::size_t>(config.context);
      if (tokens.ids.size() > context) {
        if (config.too_long == TooLong::kError) {
          throw UsageError(
              fmt::format("{}: the row has {} tokens, more than the context of {}; set too_long to cut or "
                          "drop, or raise `context`",
                          where, tokens.ids.size(), context));
        }
        if (config.too_long == TooLong::kDrop) return std::nullopt;
        tokens.cut(context);
      }
      if (tokens.supervised() == 0) {
        throw RecipeError(fmt::format("{}: no token of the row is learned{}", where,
                                      tokens.ids.size() >= context ? " (the answer lies behind the context)" : ""));
      }
      return tokens;
    } catch (const RecipeError& error) {
      why = error.what();
    } catch (const ValueError& error) {
      why = fmt::format("{}: {}", where, error.what());
    }
    return std::nullopt;
  }

  void note_bad(std::size_t source, std::size_t row, const std::string& why) {
    bad.push_back({sources[source].config->name, sources[source].rows.where(row), why});
  }

  [[noreturn]] void refuse_rows(std::size_t source, std::size_t count, std::size_t of) const {
    std::string list;
    std::size_t listed = 0;
    for (const BadRow& row : bad) {
      if (row.source != sources[source].config->name || listed == 5) continue;
      list += "\n  " + row.why;
      ++listed;
    }
    throw RecipeError(fmt::format("source '{}': {} of {} rows cannot be used, more than bad_rows ({:.3g}) allows:{}",
                                  sources[source].config->name, count, of, config.bad_rows, list));
  }

  double share(std::size_t index, double progress) const {
    const std::string& name = sources[index].config->name;
    const auto of = [&](const StageConfig& stage) {
      const auto found = stage.shares.find(name);
      return found == stage.shares.end() ? 0.0 : found->second;
    };
    double result = sources[index].share;
    double begin = 0;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const StageConfig& stage = stages[i];
      if (progress < stage.until || i + 1 == stages.size()) {
        result = of(stage);
        if (stage.ramp && i > 0) {
          const double place = std::clamp((progress - begin) / (stage.until - begin), 0.0, 1.0);
          result = (1 - place) * of(stages[i - 1]) + place * result;
        }
        break;
      }
      begin = stage.until;
    }
    if (config.replay_share > 0) {
      const double others = 1 - (name == config.replay_source ? 0.0 : 1.0) * config.replay_share;
      result =
          name == config.replay_source ? result * (1 - config.replay_share) + config.replay_share : result * others;
    }
    return result;
  }

  // Share of a source in the whole run: the mean over progress.
  double mean_share(std::size_t index) const {
    constexpr int kSteps = 1000;
    double sum = 0;
    for (int i = 0; i < kSteps; ++i) sum += share(index, (i + 0.5) / kSteps);
    return sum / kSteps;
  }

  // How much of a source may be used at all.
  double available(std::size_t index) const {
    const double once = surveys[index].amount(config.unit), repeated = once * sources[index].config->repeat;
    const auto cap = static_cast<double>(sources[index].config->max_amount);
    return cap > 0 ? std::min(cap, repeated) : repeated;
  }

  void fix_shares() {
    bool open = false;
    double sum = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      open = open || sources[i].config->share < 0;
      sum += std::isfinite(available(i)) ? available(i) : surveys[i].amount(config.unit);
    }
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const double own = std::isfinite(available(i)) ? available(i) : surveys[i].amount(config.unit);
      sources[i].share = open ? own / sum : sources[i].config->share;
    }
    stages = config.stages;
    if (config.schedule != "sequential") return;
    double until = 0;
    for (const Source& source : sources) {
      until += source.share;
      if (source.share > 0) stages.push_back({.until = until, .ramp = false, .shares = {{source.config->name, 1.0}}});
    }
    if (!stages.empty()) stages.back().until = 1;
  }

  void fix_total() {
    if (config.budget > 0) {
      total = static_cast<double>(config.budget);
    } else if (config.steps > 0) {
      // Steps of so many tokens or samples; the data decides how much of another unit that is.
      double tokens = 0, amount = 0;
      for (std::size_t i = 0; i < sources.size(); ++i) {
        const double part = mean_share(i) / std::max(1.0, surveys[i].amount(config.unit));
        tokens += part * (config.batch_samples > 0 ? surveys[i].samples : surveys[i].tokens);
        amount += part * surveys[i].amount(config.unit);
      }
      const auto per_step = static_cast<double>(config.batch_samples > 0 ? config.batch_samples : config.batch_tokens);
      total = static_cast<double>(config.steps) * per_step * amount / std::max(tokens, 1e-9);
    } else {
      // The source that runs out first ends the run; with one epoch and shares by size that is all of them.
      total = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < sources.size(); ++i) {
        const double mean = mean_share(i);
        if (mean > 0) total = std::min(total, surveys[i].amount(config.unit) * config.epochs / mean);
      }
    }
  }

  void check_budget() const {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const double need = total * mean_share(i);
      // An epoch is the smaller allowance only where a budget asks for more than the data.
      const double have = config.budget > 0 || config.steps > 0
                              ? available(i)
                              : std::max(available(i), surveys[i].amount(config.unit) * config.epochs);
      const double tolerance = surveys[i].looked_at < surveys[i].rows ? 0.05 : 1e-9;
      if (need <= have * (1 + tolerance) + (config.unit == MixtureUnit::kSamples ? 1 : 4096)) continue;
      throw RecipeError(
          fmt::format("source '{}': the run asks for {:.0f} {}, but with repeat {:g} there are {:.0f}; lower "
                      "the budget or its share, or raise `repeat`",
                      sources[i].config->name, need, unit_word(config.unit), sources[i].config->repeat, have));
    }
  }
};

SampleStream::SampleStream(const TuneConfig& config, const RowTokenizer& tokenizer)
    : impl_(std::make_unique<Impl>(config, tokenizer)) {
  for (const SourceConfig& source : config.sources) {
    RowFiles rows(source.paths, source.name);
    std::size_t usable = rows.size();
    if (source.max_rows > 0) usable = std::min(usable, static_cast<std::size_t>(source.max_rows));
    impl_->sources.push_back({&source, std::move(rows), usable});
  }
}

SampleStream::~SampleStream() = default;

void SampleStream::survey() {
  Impl& impl = *impl_;
  for (std::size_t i = 0; i < impl.sources.size(); ++i) {
    Impl::Source& source = impl.sources[i];
    SourceSurvey survey;
    survey.rows = source.usable;
    survey.looked_at = std::min(source.usable, kSurveyRows);
    for (std::size_t j = 0; j < survey.looked_at; ++j) {
      const std::size_t row = j * source.usable / survey.looked_at;
      std::string why;
      const std::optional<LabelledTokens> tokens = impl.read(i, row, why);
      if (!tokens.has_value()) {
        ++(why.empty() ? survey.too_long : survey.bad);
        if (!why.empty()) impl.note_bad(i, row, why);
        continue;
      }
      survey.samples += 1;
      survey.tokens += static_cast<double>(tokens->ids.size());
      survey.supervised += static_cast<double>(tokens->supervised());
    }
    if (static_cast<double>(survey.bad) > impl.config.bad_rows * static_cast<double>(survey.looked_at)) {
      impl.refuse_rows(i, survey.bad, survey.looked_at);
    }
    const double scale = static_cast<double>(survey.rows) / static_cast<double>(survey.looked_at);
    survey.samples *= scale;
    survey.tokens *= scale;
    survey.supervised *= scale;
    if (survey.samples == 0) {
      throw RecipeError(fmt::format("source '{}': none of its {} rows fits the context of {} tokens",
                                    source.config->name, survey.rows, impl.config.context));
    }
    impl.surveys.push_back(survey);
  }
  impl.fix_shares();
  impl.fix_total();
  impl.check_budget();
}

const std::vector<SourceSurvey>& SampleStream::surveys() const { return impl_->surveys; }
double SampleStream::total() const { return impl_->total; }
double SampleStream::share(std::size_t source, double progress) const { return impl_->share(source, progress); }
const std::vector<BadRow>& SampleStream::bad_rows() const { return impl_->bad; }

double SampleStream::drawn() const {
  double sum = 0;
  for (const Impl::Source& source : impl_->sources) sum += source.drawn;
  return sum;
}

double SampleStream::drawn(std::size_t source) const { return impl_->sources[source].drawn; }

std::optional<Sample> SampleStream::next() {
  Impl& impl = *impl_;
  const double done = drawn();
  if (done >= impl.total) return std::nullopt;
  const double progress = done / impl.total;
  std::size_t best = 0;
  double behind = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < impl.sources.size(); ++i) {
    const double own = impl.share(i, progress);
    // What is owed, plus the share itself so that the first draw goes to the largest.
    const double lag = impl.sources[i].wanted - impl.sources[i].drawn + own;
    if (own > 0 && lag > behind) {
      behind = lag;
      best = i;
    }
  }
  Impl::Source& source = impl.sources[best];
  const std::size_t passes_without = source.usable;
  for (std::size_t tried = 0; tried <= passes_without; ++tried) {
    const std::uint64_t pass = source.cursor / source.usable, place = source.cursor % source.usable;
    const std::uint64_t seed = mixed(impl.config.seed ^ mixed(best + 1)) + pass;
    const auto row = static_cast<std::size_t>(shuffled_index(place, source.usable, seed));
    ++source.cursor;
    ++impl.seen;
    std::string why;
    std::optional<LabelledTokens> tokens = impl.read(best, row, why);
    if (!tokens.has_value()) {
      if (!why.empty() && impl.surveys[best].looked_at < impl.surveys[best].rows) {
        impl.note_bad(best, row, why);
        ++impl.refused;
        const double allowed = std::max(10.0, impl.config.bad_rows * static_cast<double>(impl.seen));
        if (static_cast<double>(impl.refused) > allowed) impl.refuse_rows(best, impl.refused, impl.seen);
      }
      continue;
    }
    Sample sample{best, std::move(*tokens), 0};
    sample.amount = amount_of(sample.tokens, impl.config.unit);
    source.drawn += sample.amount;
    for (std::size_t i = 0; i < impl.sources.size(); ++i) {
      impl.sources[i].wanted += impl.share(i, progress) * sample.amount;
    }
    return sample;
  }
  throw RecipeError(fmt::format("source '{}': no row of it can be used any more", source.config->name));
}

nlohmann::ordered_json SampleStream::state() const {
  nlohmann::ordered_json state = nlohmann::ordered_json::array();
  for (const Impl::Source& source : impl_->sources) {
    state.push_back({{"cursor", source.cursor}, {"wanted", source.wanted}, {"drawn", source.drawn}});
  }
  return {{"sources", state}, {"seen", impl_->seen}, {"refused", impl_->refused}};
}

void SampleStream::restore(const nlohmann::ordered_json& state) {
  const nlohmann::ordered_json& list = state.at("sources");
  for (std::size_t i = 0; i < impl_->sources.size(); ++i) {
    impl_->sources[i].cursor = list.at(i).at("cursor").get<std::uint64_t>();
    impl_->sources[i].wanted = list.at(i).at("wanted").get<double>();
    impl_->sources[i].drawn = list.at(i).at("drawn").get<double>();
  }
  impl_->seen = state.at("seen").get<std::uint64_t>();
  impl_->refused = state.at("refused").get<std::uint64_t>();
}

}  // namespace cambium::tune
