#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "cli/commands.h"
#include "cli/errors_page.h"
#include "cli/recorded_run_source.h"
#include "cli/text_table.h"
#include "tasks/comparison/flipped_answers.h"

namespace cambium::cli {
namespace {

using nlohmann::ordered_json;
using tasks::FlippedAnswer;
using tasks::TaskFlips;

struct ErrorsFlags {
  std::string first, second, store, html;
  tasks::FlippedAnswersOptions flips;
  std::size_t most = 10;
  bool json = false;
};

ordered_json as_json(const FlippedAnswer& flip) {
  return {{"document", flip.document},           {"change", flip.won ? "wrong->right" : "right->wrong"},
          {"question", flip.question},           {"target", flip.target},
          {"answer_a", flip.first_answer},       {"answer_b", flip.second_answer},
          {"extracted_a", flip.first_extracted}, {"extracted_b", flip.second_extracted},
          {"kind", name_of(flip.finding.kind)},  {"reason", flip.finding.reason}};
}

ordered_json as_json(const TaskFlips& task) {
  ordered_json kinds = ordered_json::array(), flips = ordered_json::array();
  for (const tasks::KindCount& kind : task.kinds) {
    kinds.push_back({{"kind", name_of(kind.kind)},
                     {"a", kind.first},
                     {"b", kind.second},
                     {"p_value", kind.p_value},
                     {"p_holm", kind.p_holm}});
  }
  for (const FlippedAnswer& flip : task.flips) flips.push_back(as_json(flip));
  return {{"task", task.task},
          {"metric", task.metric},
          {"filter", task.filter},
          {"n", task.n},
          {"both_right", task.both_right},
          {"both_wrong", task.both_wrong},
          {"right_to_wrong", task.lost},
          {"wrong_to_right", task.won},
          {"p_value", task.p_value},
          {"kinds", kinds},
          {"flips", flips}};
}

// One line of an answer for the terminal.
std::string shortened(const std::string& text) {
  constexpr std::size_t kMost = 300;
  std::string line;
  for (const char c : text) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  if (line.size() <= kMost) return line;
  std::size_t from = line.size() - kMost;  // the end holds the answer
  while (from < line.size() && (static_cast<unsigned char>(line[from]) & 0xC0U) == 0x80U) ++from;
  return "..." + line.substr(from);
}

void print_flip(const FlippedAnswer& flip) {
  std::cout << fmt::format("\ndocument {}: {}, {}: {}\n  question: {}\n  expected: {}\n  a: {}{}\n  b: {}{}\n",
                           flip.document, flip.won ? "wrong -> right" : "right -> wrong", name_of(flip.finding.kind),
                           flip.finding.reason, shortened(flip.question), shortened(flip.target),
                           shortened(flip.first_answer),
                           flip.first_extracted.empty() ? "" : fmt::format(" [{}]", shortened(flip.first_extracted)),
                           shortened(flip.second_answer),
                           flip.second_extracted.empty() ? "" : fmt::format(" [{}]", shortened(flip.second_extracted)));
}

void print(const tasks::FlippedAnswers& flipped, std::size_t most) {
  using enum TextTable::Align;
  std::cout << fmt::format("a: {}\nb: {}\n", flipped.first, flipped.second);
  for (const TaskFlips& task : flipped.tasks) {
    std::cout << fmt::format(
        "\n{} ({}): {} samples, {} right and {} wrong under both, {} right -> wrong, {} wrong -> right, p = {:.4g}\n",
        task.task, task.filter == "none" ? task.metric : task.metric + "," + task.filter, task.n, task.both_right,
        task.both_wrong, task.lost, task.won, task.p_value);
    if (!task.kinds.empty()) {
      TextTable table({{"wrong answers"}, {"a", kRight}, {"b", kRight}, {"p", kRight}, {"p Holm", kRight}});
      for (const tasks::KindCount& kind : task.kinds) {
        table.add_row({std::string(name_of(kind.kind)), fmt::format("{}", kind.first), fmt::format("{}", kind.second),
                       fmt::format("{:.4f}", kind.p_value), fmt::format("{:.4f}", kind.p_holm)});
      }
      table.print(std::cout);
    }
    std::size_t shown[2] = {0, 0};
    for (const FlippedAnswer& flip : task.flips) {
      if (shown[flip.won ? 1 : 0]++ < most) print_flip(flip);
    }
    const std::size_t hidden = (std::max(shown[0], most) - most) + (std::max(shown[1], most) - most);
    if (hidden > 0) std::cout << fmt::format("\n({} more; --most shows them)\n", hidden);
  }
  for (const std::string& note : flipped.notes) std::cout << "note: " << note << '\n';
  std::cout.flush();
}

void run_errors(const ErrorsFlags& options) {
  const auto [first, second] = open_recorded_runs(options.first, options.second, options.store);
  const tasks::FlippedAnswers flipped = flipped_answers(first, second, options.flips);
  if (!options.html.empty()) checkpoint::write_file_atomically(options.html, errors_page(flipped, options.most));
  if (!options.json) {
    print(flipped, options.most);
    return;
  }
  ordered_json rows = ordered_json::array();
  for (const TaskFlips& task : flipped.tasks) rows.push_back(as_json(task));
  const ordered_json all{{"a", flipped.first}, {"b", flipped.second}, {"tasks", rows}, {"notes", flipped.notes}};
  std::cout << all.dump(1, ' ', false, ordered_json::error_handler_t::replace) << std::endl;
}

}  // namespace

void add_errors_command(CLI::App& app) {
  auto options = std::make_shared<ErrorsFlags>();
  tasks::FlippedAnswersOptions& flips = options->flips;
  CLI::App* command =
      app.add_subcommand("errors", "List the answers that changed between two runs, and sort wrong ones into kinds");
  command->add_option("first", options->first, kRunHelp)->required();
  command->add_option("second", options->second, "another run on the same samples")->required();
  command->add_option("--store", options->store, "the store that holds runs given by name");
  command->add_option("--tasks", flips.tasks, "only these tasks, with commas")->delimiter(',');
  command->add_option("--metric", flips.metric, "that says right or wrong; by default each task's first");
  command->add_option("--filter", flips.filter, "behind which the metric counts");
  command->add_flag("--common", flips.pairing.common_only,
                    "compare what both runs have, where one has tasks or samples that the other lacks");
  command->add_flag("--by-number", flips.pairing.by_number,
                    "pair samples by their numbers, not by their documents' content");
  command->add_option("--most", options->most, "flipped samples shown of each task and direction (not with --json)")
      ->capture_default_str();
  command->add_flag("--json", options->json, "print counts, kinds and all flipped samples as JSON");
  command->add_option("--html", options->html, "write a page with the answers side by side to this file");
  command->callback([options] { run_errors(*options); });
}

}  // namespace cambium::cli
