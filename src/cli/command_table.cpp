#include "cli/commands.h"

namespace cambium::cli {

// A new command: its declaration here, its row below, its file NAME_command.cpp.
void add_align_command(CLI::App& app);
void add_compare_command(CLI::App& app);
void add_convert_command(CLI::App& app);
void add_errors_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_forward_command(CLI::App& app);
void add_generate_command(CLI::App& app);
void add_heads_command(CLI::App& app);
void add_graft_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_study_command(CLI::App& app);
void add_sweep_command(CLI::App& app);
void add_shift_command(CLI::App& app);
void add_template_command(CLI::App& app);
void add_lab_command(CLI::App& app);
void add_merge_command(CLI::App& app);
void add_preprocess_command(CLI::App& app);
void add_recover_command(CLI::App& app);
void add_score_command(CLI::App& app);
void add_tokenize_command(CLI::App& app);
void add_verify_command(CLI::App& app);
void add_tune_command(CLI::App& app);
void add_version_command(CLI::App& app);

std::span<const AddCommand> command_table() {
  // One row a line, so that additions do not collide.
  // clang-format off
  static constexpr AddCommand kCommands[] = {
      add_align_command,
      add_compare_command,
      add_convert_command,
      add_errors_command,
      add_eval_command,
      add_forward_command,
      add_generate_command,
      add_heads_command,
      add_graft_command,
      add_inspect_command,
      add_shift_command,
      add_template_command,
      add_lab_command,
      add_merge_command,
      add_preprocess_command,
      add_recover_command,
      add_report_command,
      add_score_command,
      add_study_command,
      add_sweep_command,
      add_tokenize_command,
      add_verify_command,
      add_tune_command,
      add_version_command,
  };
  // clang-format on
  return kCommands;
}

}  // namespace cambium::cli
