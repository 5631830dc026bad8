#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "study/scores.h"

namespace cambium::study {
namespace {

eval::StoredMetric metric(const std::string& name) {
  eval::StoredMetric made;
  made.metric = name;
  made.filter = "none";
  return made;
}

TEST(HeadlineMetric, IsTheFirstThatSamplesHaveAndTheStrictOneOfTwo) {
  eval::StoredSample sample;
  for (const char* name : {"prompt_loose_acc", "prompt_strict_acc"}) {
    eval::StoredScore score;
    score.metric = name;
    score.filter = "none";
    score.value = 1;
    sample.scores.push_back(score);
  }
  // A mean over several items of a sample has no value for the sample.
  const std::vector<eval::StoredMetric> metrics{metric("item_loose_acc"), metric("prompt_loose_acc"),
                                                metric("prompt_strict_acc")};
  EXPECT_EQ(headline_metric(metrics, {sample}), &metrics[2]);
  EXPECT_EQ(headline_metric({metric("item_loose_acc")}, {sample}), nullptr);
}

}  // namespace
}  // namespace cambium::study
