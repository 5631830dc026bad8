#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "cli/commands.h"
#include "cli/compare_page.h"
#include "cli/recorded_run_source.h"
#include "cli/text_table.h"
#include "tasks/comparison/run_comparison.h"

namespace cambium::cli {
namespace {

using nlohmann::ordered_json;
using tasks::ComparedMetric;

struct CompareFlags {
  std::string first, second, store, html;
  tasks::RunComparisonOptions comparison;
  bool json = false;
};

template <typename T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json as_json(const ComparedMetric& row) {
  return {{"task", row.task},
          {"metric", row.metric},
          {"filter", row.filter},
          {"group", row.is_group},
          {"primary", row.primary},
          {"higher_is_better", row.higher_is_better},
          {"a", row.a},
          {"b", row.b},
          {"difference", row.difference},
          {"ci_low", row.interval.low},
          {"ci_high", row.interval.high},
          {"p_value", row.p_value},
          {"p_holm", or_null(row.p_holm)},
          {"test", row.test},
          {"n", row.n},
          {"clusters", row.clusters},
          {"cluster_field", row.cluster_field},
          {"lost", or_null(row.lost)},
          {"won", or_null(row.won)},
          {"effect_size", or_null(row.effect_size)},
          {"detectable_difference", or_null(row.detectable_difference)},
          {"samples_needed", or_null(row.samples_needed)}};
}

std::string value_text(double value, bool sign = false) {
  if (std::abs(value) >= 1000) return sign ? fmt::format("{:+.5g}", value) : fmt::format("{:.5g}", value);
  return sign ? fmt::format("{:+.4f}", value) : fmt::format("{:.4f}", value);
}

std::string short_p(double p) { return p < 1e-4 ? "<1e-4" : fmt::format("{:.4f}", p); }

void print_table(const tasks::RunComparison& comparison, double confidence) {
  using enum TextTable::Align;
  TextTable table({{"task"},
                   {"metric"},
                   {"a", kRight},
                   {"b", kRight},
                   {"b - a", kRight},
                   {fmt::format("{:g} % interval", 100 * confidence), kRight},
                   {"p", kRight},
                   {"p Holm", kRight},
                   {"n", kRight},
                   {"lost/won", kRight},
                   {"effect", kRight},
                   {"detectable", kRight},
                   {"n needed", kRight}});
  for (const ComparedMetric& row : comparison.metrics) {
    const std::string metric = row.filter.empty() || row.filter == "none" ? row.metric : row.metric + "," + row.filter;
    table.add_row({row.is_group ? row.task + " (group)" : row.task, metric, value_text(row.a), value_text(row.b),
                   value_text(row.difference, true),
                   value_text(row.interval.low, true) + " " + value_text(row.interval.high, true), short_p(row.p_value),
                   row.p_holm ? short_p(*row.p_holm) : "",
                   row.clusters == row.n ? fmt::format("{}", row.n) : fmt::format("{} in {}", row.n, row.clusters),
                   row.lost ? fmt::format("{}/{}", *row.lost, *row.won) : "",
                   row.effect_size ? fmt::format("{:+.2f}", *row.effect_size) : "",
                   row.detectable_difference ? fmt::format("{:.4f}", *row.detectable_difference) : "",
                   row.samples_needed ? fmt::format("{:.0f}", *row.samples_needed) : ""});
  }
  fmt::print("a: {}\nb: {}\n", comparison.first, comparison.second);
  std::fflush(stdout);
  table.print(std::cout);
  for (const std::string& note : comparison.notes) std::cout << "note: " << note << '\n';
  std::cout.flush();
}

void run_compare(const CompareFlags& options) {
  const auto [first, second] = open_recorded_runs(options.first, options.second, options.store);
  const tasks::RunComparison comparison = compare_runs(first, second, options.comparison);
  if (!options.html.empty()) checkpoint::write_file_atomically(options.html, compare_page(comparison));
  if (!options.json) {
    print_table(comparison, options.comparison.statistics.confidence);
    return;
  }
  ordered_json rows = ordered_json::array();
  for (const ComparedMetric& row : comparison.metrics) rows.push_back(as_json(row));
  std::cout << rows.dump(1) << std::endl;
  for (const std::string& note : comparison.notes) std::cerr << "note: " << note << '\n';
}

}  // namespace

void add_compare_command(CLI::App& app) {
  auto options = std::make_shared<CompareFlags>();
  tasks::RunComparisonOptions& comparison = options->comparison;
  CLI::App* command = app.add_subcommand("compare", "Compare two runs on the same samples, with tests and intervals");
  command->add_option("first", options->first, kRunHelp)->required();
  command->add_option("second", options->second, "another run; differences are second - first")->required();
  command->add_option("--store", options->store, "the store that holds runs given by name");
  command->add_option("--tasks", comparison.tasks, "only these tasks, with commas")->delimiter(',');
  command->add_option("--metrics", comparison.metrics, "only these metrics, with commas")->delimiter(',');
  command->add_flag("--common", comparison.pairing.common_only,
                    "compare what both runs have, where one has tasks or samples that the other lacks");
  command->add_flag("--by-number", comparison.pairing.by_number,
                    "pair samples by their numbers, not by their documents' content");
  command
      ->add_option("--cluster", comparison.cluster,
                   "field of the documents that tells which samples belong together; auto: what the task names, or an "
                   "image's; none")
      ->capture_default_str();
  command->add_option("--confidence", comparison.statistics.confidence, "of the intervals")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str();
  command->add_option("--power", comparison.statistics.power, "for the detectable difference and the samples needed")
      ->check(CLI::Range(0.05, 0.9999))
      ->capture_default_str();
  command->add_option("--resamples", comparison.statistics.resamples, "of bootstrap and permutation test")
      ->check(CLI::Range(std::uint64_t{100}, std::uint64_t{10'000'000}))
      ->capture_default_str();
  command->add_option("--seed", comparison.statistics.seed, "of the resamples")->capture_default_str();
  command->add_flag("--json", options->json, "print the rows as JSON");
  command->add_option("--html", options->html, "write a page with forest plot and table to this file");
  command->callback([options] { run_compare(*options); });
}

}  // namespace cambium::cli
