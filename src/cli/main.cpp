#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include "cli/commands.h"
#include "tensor/error.h"

namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kInterrupted = 130;

int fail(const std::exception& error, int code) {
  std::cout.flush();
  std::cerr << "cambium: " << error.what() << '\n';
  return code;
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

int main(int argc, char** argv) {
  prepare_process();
  CLI::App app{"Cambium measures what grafting a modality did to a language model, and brings the language back.",
               "cambium"};
  app.set_version_flag("--version", "cambium " CAMBIUM_VERSION);
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Print this help and exit");
  for (const cambium::cli::AddCommand add : cambium::cli::command_table()) add(app);
  try {
    app.parse(argc, argv);
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == EXIT_SUCCESS ? EXIT_SUCCESS : kBadUsage;
  } catch (const cambium::UsageError& error) {
    return fail(error, kBadUsage);
  } catch (const cambium::Interrupted& error) {
    return fail(error, kInterrupted);
  } catch (const std::bad_alloc&) {
    std::cerr << "cambium: out of memory\n";
    return kFailed;
  } catch (const std::exception& error) {
    return fail(error, kFailed);
  }
}
