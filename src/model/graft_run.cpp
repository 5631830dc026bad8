#include "model/graft_run.h"

#include "checkpoint/json_reading.h"
#include "model/graft/graft_file.h"
#include "model/graft/graft_writer.h"

void cambium_graft(const cambium::model::GraftOptions& options, cambium::model::GraftReport& report) {
  using namespace cambium::model;
  // The towers' and the language model's configs are other people's.
  cambium::checkpoint::reading_json(options.file + ": a model that it names",
                                    [&] { report = write_graft(read_graft(options.file), options.out); });
}
