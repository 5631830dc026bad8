#include "checkpoint/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::ThrowsMessage;
using testing_support::file_content;
using testing_support::TempFolder;

const ContentHash kPlan = hash_text("plan");
const Journal::Entry kFirst{.piece = 7, .hash = hash_text("seven")};
const Journal::Entry kSecond{.piece = 3, .hash = hash_text("three")};

TEST(Journal, RemembersWhatWasAppended) {
  const TempFolder temp;
  {
    Journal journal(temp / "j", kPlan);
    EXPECT_THAT(journal.entries(), IsEmpty());
    journal.append(std::vector{kFirst});
    journal.append(std::vector{kSecond});
  }
  Journal again(temp / "j", kPlan);
  EXPECT_THAT(again.entries(), ElementsAre(kFirst, kSecond));
  EXPECT_THAT(Journal::read(temp / "j", kPlan), Optional(ElementsAre(kFirst, kSecond)));
  EXPECT_EQ(Journal::read(temp / "none", kPlan), std::nullopt);
}

TEST(Journal, SurvivesACutAtEveryByte) {
  const TempFolder temp;
  { Journal(temp / "j", kPlan).append(std::vector{kFirst, kSecond}); }
  const std::string whole = file_content(temp / "j");
  ASSERT_EQ(whole.size(), 96U);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    temp.write("cut", whole.substr(0, size));
    const std::size_t complete = size < 64 ? 0 : (size - 32) / 32;
    EXPECT_EQ(Journal::read(temp / "cut", kPlan)->size(), complete) << size;
    Journal journal(temp / "cut", kPlan);
    EXPECT_EQ(journal.entries().size(), complete);
    journal.append(std::vector{kSecond});
    EXPECT_EQ(Journal::read(temp / "cut", kPlan)->size(), complete + 1) << size;
  }
}

TEST(Journal, ADamagedRecordEndsIt) {
  const TempFolder temp;
  { Journal(temp / "j", kPlan).append(std::vector{kFirst, kSecond, kFirst}); }
  std::string content = file_content(temp / "j");
  content[70] = static_cast<char>(content[70] ^ 1);  // in the second record
  temp.write("j", content);
  EXPECT_THAT(Journal(temp / "j", kPlan).entries(), ElementsAre(kFirst));
}

TEST(Journal, ARecordCountsOnlyAtItsOwnPlace) {
  const TempFolder temp;
  { Journal(temp / "j", kPlan).append(std::vector{kFirst, kSecond}); }
  const std::string content = file_content(temp / "j");
  temp.write("j", content.substr(0, 32) + content.substr(64, 32));
  EXPECT_THAT(Journal(temp / "j", kPlan).entries(), IsEmpty());
}

TEST(Journal, RefusesThatOfAnotherPlan) {
  const TempFolder temp;
  { Journal(temp / "j", kPlan).append(std::vector{kFirst}); }
  EXPECT_THAT([&] { Journal(temp / "j", hash_text("other")); }, ThrowsMessage<CheckpointError>(HasSubstr("changed")));
  EXPECT_THROW(static_cast<void>(Journal::read(temp / "j", hash_text("other"))), CheckpointError);
}

}  // namespace
}  // namespace cambium::checkpoint
