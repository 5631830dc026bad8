#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// Pictures, sounds and clips that belong to a request: file names as the documents have them, or what else a task
/// gives.
struct Media {
  std::vector<text::jinja::Value> images;
  std::vector<text::jinja::Value> sounds;
  std::vector<text::jinja::Value> clips;
  [[nodiscard]] bool empty() const { return images.empty() && sounds.empty() && clips.empty(); }
};

/// One question to a model.
struct Request {
  enum class Kind {
    kLogLikelihood,  ///< of `continuation` behind `context`, and whether it is what greedy decoding writes
    kRolling,        ///< log-likelihood of the whole `continuation`, the context being empty
    kGenerate,       ///< text behind `context`, until a stop string of `generation`
  };
  Kind kind = Kind::kLogLikelihood;
  std::size_t document = 0;                    ///< number of the document in the task
  std::size_t index = 0;                       ///< number of the request among the document's
  std::shared_ptr<const std::string> context;  ///< shared by the requests of one document
  std::string continuation;
  text::jinja::Value
      generation;  ///< generation_kwargs: until, max_gen_toks, do_sample, temperature ...; None unless kGenerate
  std::shared_ptr<const Media> media;  ///< null: none
  int repeats = 1;                     ///< how many answers are wanted
};

/// What a model answered.
struct Response {
  double log_likelihood = 0;
  bool greedy = false;
  std::string text;  ///< of kGenerate
};

}  // namespace cambium::tasks
