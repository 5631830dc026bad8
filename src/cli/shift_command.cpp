#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <sstream>

#include "checkpoint/checkpoint_writer.h"
#include "cli/commands.h"
#include "cli/model_argument.h"
#include "cli/shift_page.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "shift/measure_shift.h"
#include "shift/shift_records.h"
#include "shift/shift_rows.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::cli {
namespace {

using shift::Level;
using shift::ModelShift;
using shift::ShiftRow;

struct ShiftCommandOptions {
  std::string base;
  std::vector<std::string> models;
  std::string by = "layer";
  std::string csv, html;
  family::AlignmentOptions alignment;
  shift::ShiftOptions shift;
  unsigned threads = 1;
  bool json = false;
};

std::vector<Level> levels_of(const std::string& by) {
  std::vector<Level> levels;
  std::istringstream names(by);
  for (std::string name; std::getline(names, name, ',');) levels.push_back(shift::level_from_name(name));
  if (levels.empty()) levels.push_back(shift::level_from_name(by));
  return levels;
}

std::string cell(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "-";
}
std::string percent(double share) { return std::isfinite(share) ? fmt::format("{:.1f}", 100 * share) : "-"; }

// What a row is about: a tensor, "layer 3", "layer 3 query head 5", ...
std::string subject(const ShiftRow& row) {
  switch (row.level) {
    case Level::kModel:
      return "all";
    case Level::kLayer:
      return fmt::format("layer {}", row.layer);
    case Level::kModule:
      return row.role;
    case Level::kTensor:
      return row.tensor;
    case Level::kHead:
      return fmt::format("layer {} {} head {}", row.layer, row.role, row.head);
  }
  return {};
}

void print_table(const ModelShift& shift, const std::vector<Level>& levels) {
  fmt::print("{} against {}: d = model - base\n", shift.model, shift.base);
  for (const std::string& note : shift.notes) fmt::print("note: {}\n", note);
  std::fflush(stdout);
  using enum TextTable::Align;
  TextTable table({{""},
                   {"mean |d|", kRight},
                   {"rms", kRight},
                   {"largest", kRight},
                   {"|d|/|base|", kRight},
                   {"cosine", kRight},
                   {"signs %", kRight},
                   {"equal %", kRight},
                   {"top 1 %", kRight},
                   {"top 10 %", kRight}});
  const auto add = [&table](const ShiftRow& row) {
    const shift::Moments& m = row.moments;
    table.add_row({subject(row), cell(m.mean_abs(), 4), cell(m.rms(), 4), cell(m.max_abs, 4), cell(m.relative(), 4),
                   cell(m.cosine(), 6), percent(m.sign_change_share()), percent(m.equal_share()),
                   row.curve ? percent((*row.curve)[0]) : "-", row.curve ? percent((*row.curve)[2]) : "-"});
  };
  for (const Level level : levels) {
    for (const ShiftRow& row : shift_rows(shift, level)) add(row);
  }
  if (std::ranges::find(levels, Level::kModel) == levels.end()) add(shift_rows(shift, Level::kModel).at(0));
  table.print(std::cout);
  std::cout.flush();
}

std::vector<ModelShift> measure(const ShiftCommandOptions& options) {
  merge::SourcePool pool;
  const merge::Source& base = open_model(pool, options.base);
  Workers workers(options.threads);
  TerminalProgress progress;
  std::vector<ModelShift> shifts;
  for (const std::string& name : options.models) {
    const merge::Source& model = open_model(pool, name);
    const family::Alignment alignment = family::align(base.side(), model.side(), options.alignment);
    shifts.push_back(shift::measure_shift({&base.weights(), &base.description()},
                                          {&model.weights(), &model.description()}, alignment, options.shift, workers,
                                          progress));
  }
  return shifts;
}

void run(const ShiftCommandOptions& options) {
  const std::vector<Level> levels = levels_of(options.by);
  const std::vector<ModelShift> shifts = measure(options);
  if (!options.csv.empty()) checkpoint::write_file_atomically(options.csv, shift_csv(shifts, levels));
  if (!options.html.empty()) checkpoint::write_file_atomically(options.html, shift_page(shifts));
  if (options.json) {
    std::cout << shift_json(shifts, levels).dump(1) << std::endl;
    return;
  }
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    if (i > 0) std::cout << '\n';
    print_table(shifts[i], levels);
  }
}

}  // namespace

void add_shift_command(CLI::App& app) {
  auto options = std::make_shared<ShiftCommandOptions>();
  options->threads = default_threads();
  CLI::App* command =
      app.add_subcommand("shift", "Measure how far models moved from the language model they were grafted on");
  command
      ->add_option("models", options->models,
                   "models to compare with the base: folders, org/name in the Hugging Face cache, or recipes")
      ->required();
  command->add_option("--base", options->base, "the language model")->required();
  command
      ->add_option("--by", options->by, "what a row sums over: model, layer, module, tensor, head; several with commas")
      ->capture_default_str();
  command->add_flag("--json", options->json, "print the rows as JSON");
  command->add_option("--csv", options->csv, "write the rows to this file");
  command->add_option("--html", options->html, "write a page with heat maps to this file");
  command->add_option("--threads", options->threads, "threads to measure with")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command->add_flag("--by-index", options->alignment.vocabulary_by_index,
                    "pair vocabulary rows by their numbers, not by the tokenizers' strings");
  command->add_flag("--skip-unmatched", options->alignment.skip_unmatched,
                    "leave out language tensors without counterpart or of other shapes instead of failing");
  command->add_flag("--allow-nonfinite", options->shift.allow_nonfinite,
                    "leave NaN and infinite values out instead of failing");
  command->callback([options] { run(*options); });
}

}  // namespace cambium::cli
