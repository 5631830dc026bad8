#include "checkpoint/processor_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_file.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing_support::TempFolder;

void write(const std::filesystem::path& file, std::string_view text) { std::ofstream(file) << text; }

TEST(ProcessorFiles, TakesTheObjectsOfTheProcessorConfigBeforeThePreprocessorConfig) {
  const TempFolder folder;
  write(folder / "processor_config.json",
        R"({"image_processor": {"size": 1}, "feature_extractor": {"feature_size": 80}, "image_token": "<picture>"})");
  write(folder / "preprocessor_config.json", R"({"size": 2})");
  const ProcessorFiles files = read_processor_files(folder.path());
  ASSERT_TRUE(files.image && files.sound);
  EXPECT_EQ(files.image->settings["size"], 1);
  EXPECT_EQ(files.image_token, "<picture>");
  EXPECT_FALSE(files.video);
}

TEST(ProcessorFiles, TellsAnOldFileOfSoundsFromOneOfPictures) {
  const TempFolder folder;
  write(folder / "preprocessor_config.json", R"({"feature_extractor_type": "CLIPFeatureExtractor", "size": 224})");
  EXPECT_TRUE(read_processor_files(folder.path()).image);
  write(folder / "preprocessor_config.json", R"({"feature_extractor_type": "WhisperFeatureExtractor"})");
  EXPECT_TRUE(read_processor_files(folder.path()).sound);
  EXPECT_FALSE(read_processor_files(folder.path()).image);
}

// A checkpoint of the LLaVA repository names its tower instead of having a processor.
TEST(ProcessorFiles, GoesToTheNamedTowerAndTakesTheAspectRatioAlong) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "tower");
  write(folder / "tower" / "preprocessor_config.json", R"({"image_processor_type": "CLIPImageProcessor", "size": 7})");
  write(folder / "config.json",
        R"({"mm_vision_tower": ")" + (folder / "tower").string() + R"(", "image_aspect_ratio": "pad"})");
  const ProcessorFiles files = read_processor_files(folder.path());
  ASSERT_TRUE(files.image);
  EXPECT_EQ(files.image->settings["size"], 7);
  EXPECT_EQ(files.image->settings["image_aspect_ratio"], "pad");
}

TEST(ProcessorFiles, NamesTheFileThatIsNoObject) {
  const TempFolder folder;
  write(folder / "processor_config.json", "[1]");
  EXPECT_THROW((void)read_processor_files(folder.path()), CheckpointError);
}

TEST(TensorFile, PutsEachTensorsBytesWhereTheHeaderSays) {
  const TempFolder folder;
  const std::vector<float> small{1.5F, -2};
  const std::vector<std::int64_t> wide{7};
  write_tensor_file(folder / "t.safetensors",
                    std::vector<TensorBytes>{{{"a", DType::kF32, {2}}, std::as_bytes(std::span(small))},
                                             {{"b", DType::kI64, {1}}, std::as_bytes(std::span(wide))}});
  const SafetensorsFile file(folder / "t.safetensors");
  for (const StoredTensor& tensor : file.tensors()) {
    const std::span<const std::byte> bytes = file.bytes(tensor);
    const auto want = tensor.name == "a" ? std::as_bytes(std::span(small)) : std::as_bytes(std::span(wide));
    EXPECT_TRUE(std::ranges::equal(bytes, want)) << tensor.name;
  }
  EXPECT_EQ(file.tensors().size(), 2U);
  EXPECT_THROW(write_tensor_file(folder / "u.safetensors",
                                 std::vector<TensorBytes>{{{"a", DType::kF32, {3}}, std::as_bytes(std::span(small))}}),
               ShapeError);
  EXPECT_FALSE(std::filesystem::exists(folder / "u.safetensors"));
}

}  // namespace
}  // namespace cambium::checkpoint
