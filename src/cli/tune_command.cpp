#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/engine_library.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "tensor/error.h"
#include "tune/tune_run.h"

namespace cambium::cli {

namespace {

struct TuneFlags {
  tune::TuneOptions run;
  std::vector<std::string> set;
  bool json = false;
};

// Eight heights, from the smallest to the largest value of the curve.
std::string sparkline(const tune::CurveReport& curve) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = curve.points.front().second, high = low;
  for (const auto& [tokens, value] : curve.points) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string line;
  const std::size_t first = curve.points.size() > 40 ? curve.points.size() - 40 : 0;
  for (std::size_t i = first; i < curve.points.size(); ++i) {
    const double place = high > low ? (curve.points[i].second - low) / (high - low) : 0.5;
    line += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(place * 8))];
  }
  return line;
}

std::string curve_line(const tune::CurveReport& curve) {
  return fmt::format("{:24} {}  {:.4g} -> {:.4g}{}", curve.name, sparkline(curve), curve.points.front().second,
                     curve.points.back().second,
                     curve.forgetting() > 0 ? fmt::format("  (lost {:.1f} %)", 100 * curve.forgetting()) : "");
}

nlohmann::ordered_json as_json(const tune::TuneReport& report) {
  nlohmann::ordered_json sources = nlohmann::ordered_json::array(), curves = sources;
  for (const tune::SourceReport& source : report.sources) {
    sources.push_back({{"name", source.name},
                       {"rows", source.rows},
                       {"bad_rows", source.bad},
                       {"available", source.available},
                       {"asked", source.asked},
                       {"realised", source.realised},
                       {"amount", source.amount}});
  }
  for (const tune::CurveReport& curve : report.curves) {
    curves.push_back({{"name", curve.name},
                      {"higher_is_better", curve.higher_is_better},
                      {"points", curve.points},
                      {"forgetting", curve.forgetting()}});
  }
  return {{"output", report.output},
          {"end", report.end},
          {"steps", report.steps},
          {"tokens", report.tokens},
          {"supervised", report.supervised},
          {"parameters", report.parameters},
          {"trained_parameters", report.trained_parameters},
          {"unit", report.unit},
          {"total", report.total},
          {"expected_steps", report.expected_steps},
          {"memory_bytes", report.memory_bytes},
          {"expected_seconds", report.expected_seconds},
          {"seconds", report.seconds},
          {"first_loss", report.first_loss},
          {"last_loss", report.last_loss},
          {"sources", sources},
          {"curves", curves},
          {"notes", report.notes},
          {"bad_rows_file", report.bad_rows_file}};
}

void print_report(const tune::TuneReport& report, bool dry) {
  if (report.end == "done before") {
    std::cout << fmt::format("{} was complete already\n", report.output);
    return;
  }
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"source", TextTable::Align::kLeft},
                   {"rows", kRight},
                   {"bad", kRight},
                   {report.unit + " there", kRight},
                   {"asked", kRight},
                   {dry ? "to draw" : "realised", kRight}});
  for (const tune::SourceReport& source : report.sources) {
    table.add_row(
        {source.name, std::to_string(source.rows), std::to_string(source.bad), fmt::format("{:.0f}", source.available),
         fmt::format("{:.2f} %", 100 * source.asked),
         dry ? fmt::format("{:.0f}", source.asked * report.total) : fmt::format("{:.2f} %", 100 * source.realised)});
  }
  table.print(std::cout);
  std::cout << fmt::format("{} of {} parameters are trained; about {:.2f} GiB of memory\n", report.trained_parameters,
                           report.parameters, report.memory_bytes / (1024.0 * 1024 * 1024));
  for (const std::string& note : report.notes) std::cout << "note: " << note << '\n';
  if (dry) {
    std::cout << fmt::format("{} steps, {:.0f} {}; about {:.0f} s\n", report.expected_steps, report.total, report.unit,
                             report.expected_seconds);
    return;
  }
  for (const tune::CurveReport& curve : report.curves) std::cout << curve_line(curve) << '\n';
  std::cout << fmt::format("{} steps, {} tokens ({} learned) in {:.1f} s, {:.0f} a second; loss {:.4f} -> {:.4f}\n",
                           report.steps, report.tokens, report.supervised, report.seconds,
                           static_cast<double>(report.tokens) / std::max(report.seconds, 1e-9), report.first_loss,
                           report.last_loss);
  if (report.end == "forgetting") std::cout << "ended early: the limit of forgetting was reached\n";
  if (!report.bad_rows_file.empty()) std::cout << "rows that were passed over: " << report.bad_rows_file << '\n';
  std::cout << report.output << '\n';
}

void tune_model(TuneFlags& flags) {
  for (const std::string& each : flags.set) {
    const std::size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format("--set {}: expected path=value, as train.learning_rate=1e-4", each));
    }
    flags.run.set.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  flags.run.version = CAMBIUM_VERSION;
  tune::TuneReport report;
  {
    TerminalProgress progress;
    flags.run.progress = &progress;
    if (!flags.json) {
      flags.run.curve_grew = [](const tune::CurveReport& curve) {
        std::cerr << "\r\033[K" << curve_line(curve) << '\n';
      };
    }
    // Threads that wait for each other give way after some ten microseconds, not milliseconds: read when the engine
    // loads.
    setenv("GOMP_SPINCOUNT", "20000", 0);
    engine_function<decltype(cambium_tune)>("cambium_tune")(flags.run, report);
  }
  if (flags.json) {
    std::cout << as_json(report).dump() << '\n';
  } else {
    print_report(report, flags.run.dry_run);
  }
}

}  // namespace

void add_tune_command(CLI::App& app) {
  auto flags = std::make_shared<TuneFlags>();
  CLI::App* command = app.add_subcommand("tune", "Tune a model on a mixture of texts, pictures, clips and sounds");
  command->add_option("config", flags->run.config, "configuration (YAML)")->required();
  command->add_flag("--resume", flags->run.resume, "go on from the last checkpoint of this configuration");
  command->add_flag("--dry-run", flags->run.dry_run,
                    "mixture, steps, memory and time, from three steps; writes nothing");
  command->add_option("--set", flags->set,
                      "path=value: replaces a value of the configuration; may be given several times");
  command->add_option("--store", flags->run.store, "SQLite file that gets the run's numbers too (docs/store.md)");
  command->add_flag("--json", flags->json, "print one JSON object");
  command->callback([flags] { tune_model(*flags); });
}

}  // namespace cambium::cli
