#include "model/graft_run.h"

#include "model/graft/graft_file.h"
#include "model/graft/graft_writer.h"

void cambium_graft(const cambium::model::GraftOptions& options, cambium::model::GraftReport& report) {
  using namespace cambium::model;
  report = write_graft(read_graft(options.file), options.out);
}
