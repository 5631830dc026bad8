// How long a recipe as a model takes to load, to merge anew in place, and what memory that needs at most.
// usage: remerge_bench RECIPE PATH=VALUE...

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>
#include <string>

#include "model/engine/engine_setup.h"

namespace {

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << "usage: remerge_bench RECIPE PATH=VALUE...\n";
    return 2;
  }
  try {
    cambium::model::EngineSetup setup;
    setup.model = arguments[1];
    setup.cache_gib = 0.1;
    cambium::model::RunningModel model(setup);
    std::cout << fmt::format("load      {:6.3f} s, peak {:7.1f} MiB\n", model.load_seconds(), peak_mib());
    for (int i = 2; i < count; ++i) {
      const std::string setting = arguments[i];
      const std::size_t equals = setting.find('=');
      const auto begin = std::chrono::steady_clock::now();
      const std::size_t tensors = model.remerge({{setting.substr(0, equals), setting.substr(equals + 1)}});
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      std::cout << fmt::format("{:<24} {:6.3f} s, {} tensors, peak {:7.1f} MiB\n", setting, seconds, tensors,
                               peak_mib());
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
