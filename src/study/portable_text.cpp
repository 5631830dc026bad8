#include "study/portable_text.h"

#include <cstdlib>
#include <string_view>

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

bool in_path(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-+=,@%[]").find(c) != std::string_view::npos;
}

// Replaces a folder where a path starts with it.
void replace_folder(std::string& text, const std::string& folder, std::string_view by) {
  if (folder.size() < 2) return;
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
    const std::size_t end = at + folder.size();
    const bool whole = (at == 0 || !in_path(text[at - 1]) || text[at - 1] == '=') &&
                       (end == text.size() || text[end] == '/' || !in_path(text[end]));
    if (!whole) {
      at = end;
      continue;
    }
    text.replace(at, folder.size(), by);
    at += by.size();
  }
}

// "/data/models/x" becomes "PATH_TO/x".
std::string without_absolute(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool starts = text[i] == '/' &&
                        (i == 0 || !in_path(text[i - 1]) || text[i - 1] == '=' || text[i - 1] == ',') &&
                        i + 1 < text.size() && in_path(text[i + 1]) && text[i + 1] != '/';
    if (!starts) {
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && in_path(text[end]) && text[end] != ',' && text[end] != '=') ++end;
    const std::string path = text.substr(i, end - i);
    // "and/or", "1 / 2" and the like have no second slash.
    const std::size_t last = path.find_last_of('/', path.size() - 2);
    out += last == 0 ? path : "PATH_TO" + path.substr(last);
    i = end;
  }
  return out;
}

}  // namespace

PortableText::PortableText(const fs::path& study_folder, const fs::path& study_file)
    : folder_(fs::absolute(study_folder).lexically_normal().string()),
      here_(fs::absolute(study_file).lexically_normal().parent_path().string()) {
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  if (const char* home = std::getenv("HOME"); home != nullptr) home_ = home;
}

std::string PortableText::operator()(std::string text) const {
  replace_folder(text, folder_, ".");
  replace_folder(text, here_, "HERE");
  replace_folder(text, home_, "HOME");
  return without_absolute(text);
}

std::string typed_path(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path relative = absolute.lexically_relative(fs::current_path());
  if (!relative.empty() && *relative.begin() != "..") return relative.string();
  const fs::path last = absolute.has_filename() ? absolute.filename() : absolute.parent_path().filename();
  // A study file that is shipped lies in a folder of that name.
  return absolute.parent_path().filename() == "studies" ? ("studies" / last).string() : last.string();
}

}  // namespace cambium::study
