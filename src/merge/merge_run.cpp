#include "merge/merge_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/open_file.h"
#include "merge/execute.h"
#include "merge/model_card.h"
#include "merge/model_wide_numbers.h"
#include "merge/placed_output.h"
#include "merge/plan_identity.h"
#include "merge/provenance.h"
#include "merge/run_journal.h"
#include "merge/run_shares.h"
#include "merge/tensor_execution.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

namespace fs = std::filesystem;
using checkpoint::CheckpointWriter;
using checkpoint::ContentHash;

std::vector<checkpoint::TensorInfo> output_tensors(const MergePlan& plan) {
  std::vector<checkpoint::TensorInfo> tensors;
  for (const PlannedTensor& tensor : plan.tensors) tensors.push_back(tensor.output);
  return tensors;
}

bool exists_with_content(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder, error) && !(fs::is_directory(folder, error) && fs::is_empty(folder, error));
}

// Which tensors a share does: runs of about equal bytes, in the order of the output.
std::pair<std::size_t, std::size_t> range_of(const MergePlan& plan, const RunShare& share) {
  const std::uint64_t total = plan.output_bytes();
  const auto boundary = [&](std::size_t part) {
    std::uint64_t bytes = 0;
    std::size_t tensor = 0;
    while (tensor < plan.tensors.size() && bytes * share.parts < total * part)
      bytes += plan.tensors[tensor++].output.bytes();
    return part == share.parts ? plan.tensors.size() : tensor;
  };
  return {boundary(share.part - 1), boundary(share.part)};
}

class Run {
 public:
  Run(MergePlan& plan, const Recipe& recipe, const RunOptions& options)
      : plan_(plan),
        recipe_(recipe),
        options_(options),
        folder_(output_folder(plan, options.out)),
        identity_(identity_of(plan, recipe)) {
    summary_.folder = folder_;
    summary_.tensors = plan.tensors.size();
    summary_.carried = static_cast<std::size_t>(std::ranges::count_if(plan.tensors, &PlannedTensor::carried));
    summary_.input_bytes = plan.input_bytes();
    summary_.output_bytes = plan.output_bytes();
    summary_.notes = plan.notes;
  }

  RunSummary run() {
    if (exists_with_content(folder_)) {
      if (options_.resume && is_finished()) {
        summary_.complete = summary_.was_complete = true;
        summary_.resumed = summary_.tensors;
        return summary_;
      }
      throw SystemError(fmt::format("{} exists already{}; choose another output folder, or remove it", folder_.string(),
                                    options_.resume ? " and is not what this recipe gives" : ""));
    }
    const bool begun = fs::exists(CheckpointWriter::partial_folder(folder_));
    CheckpointWriter writer(folder_, checkpoint::plan_output(output_tensors(plan_), options_.shard_bytes), start());
    try {
      if (options_.finish_shares) {
        finish(writer, lines_of_all_shares(writer));
      } else {
        work(writer);
      }
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      if (!begun && !options_.share) writer.discard();
      throw;
    }
    return summary_;
  }

 private:
  CheckpointWriter::Start start() const {
    if (options_.share || options_.finish_shares) return CheckpointWriter::Start::kShare;
    return options_.resume ? CheckpointWriter::Start::kResume : CheckpointWriter::Start::kFresh;
  }

  // The folder holds the output of this very plan.
  bool is_finished() const {
    const fs::path file = folder_ / kProvenanceFile;
    if (!fs::exists(file)) return false;
    const checkpoint::Json json = checkpoint::read_json(file);
    return json.is_object() && json.contains("plan") && json["plan"] == to_string(identity_);
  }

  void work(CheckpointWriter& writer) {
    const RunShare share = options_.share.value_or(RunShare{});
    RunJournal journal(writer, identity_, share.part, share.parts);
    summary_.resumed = journal.finished().size();
    Workers workers(options_.threads == 0 ? default_threads() : options_.threads);
    const ExecuteOptions execute_options{.workers = &workers,
                                         .memory_bytes = options_.memory_bytes,
                                         .progress = options_.progress,
                                         .masks = nullptr,
                                         .hash_inputs = true};
    const SpillPlace spill{writer.working_folder()};
    const auto [first, end] = range_of(plan_, share);
    try {
      ModelWideNumbers().set(plan_, recipe_, execute_options, spill);
    } catch (const Interrupted&) {
      stop(journal);
    }
    TensorExecution execution(plan_, execute_options, spill);
    if (options_.progress != nullptr) {
      options_.progress->begin("merge", execution.bytes_of(first, end), "B");
      for (const auto& [tensor, line] : journal.finished())
        options_.progress->advance(execution.bytes_of(tensor, tensor + 1));
    }
    for (std::size_t i = first; i < end; ++i) {
      if (journal.finished().contains(i)) continue;
      if (options_.progress != nullptr && options_.progress->stop_requested()) stop(journal);
      try {
        PlacedOutput output(writer, i);
        TensorRecord record = execution.run(i, output);
        const ContentHash hash = output.finish(workers);
        const checkpoint::Json entry = provenance_of(plan_.tensors[i], hash, record.read, record.reports);
        journal.add(i, hash, entry.dump(), plan_.tensors[i].output.bytes());
      } catch (const Interrupted&) {
        stop(journal);
      }
    }
    journal.commit();
    if (options_.share && share.parts > 1) return;
    finish(writer, journal.finished());
  }

  [[noreturn]] void stop(RunJournal& journal) {
    journal.commit();
    throw Interrupted(fmt::format("stopped after {} of {} tensors; the same command with --resume goes on",
                                  journal.finished().size(), plan_.tensors.size()));
  }

  std::map<std::uint64_t, std::string> lines_of_all_shares(const CheckpointWriter& writer) const {
    std::map<std::uint64_t, std::string> lines;
    const std::vector<RunShare> shares = shares_in(writer.working_folder());
    std::string missing;
    for (const RunShare& share : shares) {
      const auto [first, end] = range_of(plan_, share);
      const auto own = RunJournal::read(writer.working_folder(), identity_, share.part, share.parts);
      std::size_t done = 0;
      for (std::size_t i = first; i < end; ++i) done += own.contains(i) ? 1 : 0;
      if (done != end - first) {
        missing += fmt::format("{}{}/{} ({} of {} tensors)", missing.empty() ? "" : ", ", share.part, share.parts, done,
                               end - first);
      }
      lines.insert(own.begin(), own.end());
    }
    if (shares.empty() || !missing.empty()) {
      throw CheckpointError(fmt::format("{}: {}; run the missing shares first (--shard I/N)",
                                        writer.working_folder().string(),
                                        shares.empty() ? "no share has begun" : "not done yet: " + missing));
    }
    return lines;
  }

  void finish(CheckpointWriter& writer, const std::map<std::uint64_t, std::string>& lines) {
    std::vector<std::pair<std::string, ContentHash>> files;
    const auto write = [&](const std::string& name, const std::string& text) {
      writer.write_file(name, text);
      files.emplace_back(name, checkpoint::hash_text(text));
    };
    write("config.json", plan_.config.dump(2) + "\n");
    for (const CompanionFile& file : plan_.companions) write(file.name, file.read());
    write("README.md", model_card(plan_, recipe_, folder_.filename().string(), options_.version));
    std::vector<std::string> tensors;
    for (const auto& [tensor, line] : lines) tensors.push_back(line);
    writer.write_file(kProvenanceFile, provenance_text(plan_, recipe_, options_.version, identity_, files, tensors));
    writer.finish();
    summary_.complete = true;
  }

  MergePlan& plan_;
  const Recipe& recipe_;
  const RunOptions& options_;
  fs::path folder_;
  ContentHash identity_;
  RunSummary summary_;
};

}  // namespace

fs::path output_folder(const MergePlan& plan, const fs::path& out) {
  fs::path folder = fs::absolute(out).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  return plan.name.empty() ? folder : folder / plan.name;
}

RunSummary run_merge(MergePlan& plan, const Recipe& recipe, const RunOptions& options) {
  return Run(plan, recipe, options).run();
}

}  // namespace cambium::merge
