#include "cli/heads_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tensor/error.h"

namespace cambium::cli {
namespace {

std::vector<std::size_t> order_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  const std::vector<std::size_t> order = order_of(values);
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return ranks;
}

std::set<std::size_t> largest(const std::vector<double>& values, std::size_t count) {
  const std::vector<std::size_t> order = order_of(values);
  return {order.end() - static_cast<std::ptrdiff_t>(count), order.end()};
}

}  // namespace

std::string head_name(const eval::HeadsRow& row) {
  if (row.heads.size() == 1) return fmt::format("{}.{}", row.layer, row.heads.front());
  return fmt::format("{}.{}-{}", row.layer, row.heads.front(), row.heads.back());
}

double rank_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<double> a = ranks_of(x), b = ranks_of(y);
  const double middle = (static_cast<double>(a.size()) - 1) / 2;
  double both = 0, first = 0, second = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - middle) * (b[i] - middle);
    first += (a[i] - middle) * (a[i] - middle);
    second += (b[i] - middle) * (b[i] - middle);
  }
  return both / std::sqrt(first * second);
}

HeadsComparison compare_heads(const std::string& first_name, const eval::HeadsTask& first,
                              const std::string& second_name, const eval::HeadsTask& second) {
  HeadsComparison made;
  made.first = first_name;
  made.second = second_name;
  if (first.rows.size() != second.rows.size()) {
    throw ShapeError(fmt::format("{}: {} sets of heads were switched off, but {}: {}; compare models of one shape",
                                 first_name, first.rows.size(), second_name, second.rows.size()));
  }
  for (std::size_t i = 0; i < first.rows.size(); ++i) {
    if (first.rows[i].layer != second.rows[i].layer || first.rows[i].heads != second.rows[i].heads)
      throw ShapeError(fmt::format("{} and {}: other heads were switched off", first_name, second_name));
    made.names.push_back(head_name(first.rows[i]));
    made.x.push_back(first.rows[i].kl);
    made.y.push_back(second.rows[i].kl);
  }
  made.spearman = rank_correlation(made.x, made.y);
  made.top = std::max<std::size_t>(1, made.x.size() / 10);
  const std::set<std::size_t> a = largest(made.x, made.top), b = largest(made.y, made.top);
  for (std::size_t i = 0; i < made.x.size(); ++i) {
    const std::pair head{first.rows[i].layer, first.rows[i].heads.front()};
    if (a.contains(i) && b.contains(i)) made.both.push_back(head);
    if (a.contains(i) && !b.contains(i)) made.only_first.push_back(head);
    if (!a.contains(i) && b.contains(i)) made.only_second.push_back(head);
  }
  return made;
}

}  // namespace cambium::cli
