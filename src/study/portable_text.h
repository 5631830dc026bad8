#pragma once

#include <filesystem>
#include <string>

namespace cambium::study {

/// Texts of a report without the paths of the machine it was made on: the study's folder becomes ".", the folder of the
/// study file HERE, the user's home HOME, and what is left of absolute paths keeps its last part behind PATH_TO.
class PortableText {
 public:
  PortableText(const std::filesystem::path& study_folder, const std::filesystem::path& study_file);
  [[nodiscard]] std::string operator()(std::string text) const;

 private:
  std::string folder_, here_, home_;
};

/// A path as a user in the working directory would type it: relative if it is below, else its last part.
[[nodiscard]] std::string typed_path(const std::filesystem::path& path);

}  // namespace cambium::study
