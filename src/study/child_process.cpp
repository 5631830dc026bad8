#include "study/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "tensor/error.h"

namespace cambium::study {
namespace {

constexpr std::streamoff kLastWords = 1500;

// The last lines of a text file; a progress line that was rewritten counts from its last carriage return.
std::string end_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kLastWords));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (const auto rewritten = text.rfind('\r'); rewritten != std::string::npos) text.erase(0, rewritten + 1);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& words,
                           const std::filesystem::path& folder, const std::filesystem::path& standard_output,
                           const std::filesystem::path& standard_error)
    : standard_error_(standard_error) {
  // Everything that allocates happens before fork.
  std::vector<std::string> all{program.string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int out = ::open(standard_output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int error = ::open(standard_error.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0 || error < 0) {
    const int reason = errno;
    if (out >= 0) ::close(out);
    if (error >= 0) ::close(error);
    throw SystemError(fmt::format("cannot write {}: {}", standard_output.string(), std::strerror(reason)));
  }
  // Threads that spin while they wait for each other stand still when several commands share the cores (measured: 20
  // times slower); a user's own setting stays.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  const int parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    // A group of its own: Ctrl-C reaches the study, which then asks the command to stop.
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (::chdir(folder.c_str()) != 0 || nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(out, 1) < 0 ||
        ::dup2(error, 2) < 0) {
      ::_exit(127);
    }
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  const int reason = errno;
  ::close(out);
  ::close(error);
  if (process_ < 0) throw SystemError(fmt::format("cannot start {}: {}", program.string(), std::strerror(reason)));
}

ChildProcess::~ChildProcess() {
  if (finished()) return;
  ::kill(process_, SIGTERM);
  for (int i = 0; i < 50 && !finished(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!finished_) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, &status_, 0);
  }
}

bool ChildProcess::finished() {
  if (!finished_ && ::waitpid(process_, &status_, WNOHANG) == process_) finished_ = true;
  return finished_;
}

void ChildProcess::interrupt() const {
  if (!finished_) ::kill(process_, SIGINT);
}

ChildResult ChildProcess::result() const {
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {.exit_code = code, .last_words = code == 0 ? std::string() : end_of(standard_error_)};
}

}  // namespace cambium::study
