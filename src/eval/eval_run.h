#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cambium {
class Progress;
}

namespace cambium::eval {

/// `cambium eval`: lm-evaluation-harness's options, and some more.
struct EvalOptions {
  std::string model;                       ///< folder, org/name in the Hugging Face cache, or recipe
  std::vector<std::string> tasks;          ///< names of tasks, groups, tags; patterns; files
  std::vector<std::string> include_paths;  ///< folders of more task files
  std::vector<std::string> data_roots;     ///< folders where data files are looked for, besides the working directory
  std::optional<int> num_fewshot;
  std::optional<double> limit;  ///< documents a task: a number, or a share below 1
  std::string samples;          ///< JSON object (or a file with it): task -> numbers of documents
  bool apply_chat_template = false;
  std::string chat_template;  ///< which of several; empty: the default
  bool fewshot_as_multiturn = false;
  std::string system_instruction;
  std::vector<std::string> gen_kwargs;  ///< "key=value,key=value" or a JSON object
  std::size_t max_length = 0;           ///< 0: the model's
  std::string seed;                     ///< as lm-evaluation-harness's: one number, or python,numpy,torch,fewshot
  std::string batch_size;               ///< recorded; batches are made by memory
  bool predict_only = false;
  bool log_samples = false;
  bool write_out = false;  ///< the report shows the prompts of each task's first document
  std::string output_path;  ///< empty: no files
  std::string store;        ///< SQLite file; empty: none
  std::string run_name;
  std::string dtype = "auto";
  std::string device = "cpu";
  unsigned threads = 0;
  double cache_gib = 0;
  std::string version;           ///< of the program
  Progress* progress = nullptr;  ///< must be given
};

struct EvalReport {
  std::string prompts;              ///< empty without write_out
  std::string table;                ///< as lm-evaluation-harness prints it
  std::string json;                 ///< the content of results_*.json
  std::vector<std::string> files;   ///< that were written
  std::vector<std::string> errors;  ///< one a task that failed, and what could not be written
  std::size_t questions = 0;        ///< all requests
  std::size_t computed = 0;         ///< of these answered by the model now
  double load_seconds = 0, seconds = 0;
};

}  // namespace cambium::eval

/// @throws what opening the model and the store throws; UsageError; RecipeError if no task can be run. A task that
/// fails is in the report's errors, the others' results are there.
extern "C" void cambium_eval(const cambium::eval::EvalOptions& options, cambium::eval::EvalReport& report);
