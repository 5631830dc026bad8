// All filters: the rows of each file, and the nearest names for one that is not there.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "text/jinja_filters.h"
#include "text/jinja_nearest.h"

namespace cambium::text::jinja {
namespace {

const std::vector<Filter>& all_filters() {
  static const std::vector<Filter> filters = [] {
    std::vector<Filter> all;
    for (const auto part :
         {text_filters(), markup_filters(), number_filters(), sequence_filters(), selection_filters()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    std::ranges::sort(all, {}, &Filter::name);
    return all;
  }();
  return filters;
}

}  // namespace

const Filter* find_filter(const Options& options, std::string_view name) {
  const auto& filters = all_filters();
  const auto found = std::ranges::lower_bound(filters, name, {}, &Filter::name);
  if (found != filters.end() && found->name == name) return &*found;
  if (!options.regex_filters) return nullptr;
  const auto special = std::ranges::find(regex_filters(), name, &Filter::name);
  return special != regex_filters().end() ? &*special : nullptr;
}

std::string unknown_filter(const Options& options, std::string_view name) {
  std::vector<std::string_view> known;
  for (const Filter& filter : all_filters()) known.push_back(filter.name);
  if (options.regex_filters) {
    for (const Filter& filter : regex_filters()) known.push_back(filter.name);
  }
  return fmt::format("No filter named '{}'.{}", name, nearest_names(name, known));
}

}  // namespace cambium::text::jinja
