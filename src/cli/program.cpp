#include "cli/program.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>
#include <string_view>

#include "cli/argument_checks.h"
#include "cli/commands.h"
#include "cli/terminal_message.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kInterrupted = 130;

int fail(std::string_view message, int code) {
  std::cout.flush();
  std::cerr << "cambium: " << terminal_message(message) << '\n';
  return code;
}

// libtorch ends its messages with the calls that led there, the JSON library begins them with a number of its own.
std::string_view first_words(std::string_view message) {
  if (message.starts_with("[json.exception")) message.remove_prefix(std::min(message.size(), message.find("] ") + 2));
  return message.substr(0, message.find("\nException raised from"));
}

// Help and version go to standard output, what is wrong with the arguments to standard error.
int answer(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream message;
  const int code = app.exit(error, std::cout, message);
  std::cerr << terminal_message(message.str());
  return code == EXIT_SUCCESS ? EXIT_SUCCESS : kBadUsage;
}

// A path that the system refuses to look at, such as a name that is too long.
int fail(const std::filesystem::filesystem_error& error) {
  return fail(error.path1().string() + ": " + error.code().message(), kFailed);
}

// A file larger than `ulimit -f` is an error to report, not a signal to die of; a checkpoint of hundreds of shards
// needs more open files than the usual soft limit.
void prepare_process() {
  signal(SIGXFSZ, SIG_IGN);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  prepare_process();
  CLI::App app{"Cambium measures what grafting a modality did to a language model, and brings the language back.",
               "cambium"};
  app.set_version_flag("--version", "cambium " CAMBIUM_VERSION);
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Print this help and exit");
  for (const AddCommand add : command_table()) add(app);
  check_arguments(app);
  try {
    app.parse(argc, argv);
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    return answer(app, error);
  } catch (const UsageError& error) {
    return fail(error.what(), kBadUsage);
  } catch (const Interrupted& error) {
    return fail(error.what(), kInterrupted);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", kFailed);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(error);
  } catch (const std::exception& error) {
    return fail(first_words(error.what()), kFailed);
  }
}

}  // namespace cambium::cli
