#include "lab/world_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/json.h"
#include "checkpoint/json_reading.h"
#include "lab/base_model.h"
#include "lab/invented_world.h"
#include "lab/media_exercises.h"
#include "lab/skill.h"
#include "lab/spectrogram_figure.h"
#include "lab/task_files.h"
#include "lab/tokenizer_training.h"
#include "lab/training_rows.h"
#include "lab/world_tokens.h"
#include "tensor/error.h"

namespace cambium::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kWorldVersion = 1;

Json options_json(const WorldOptions& o) {
  return {{"version", kWorldVersion},   {"seed", o.seed},
          {"vocabulary", o.vocabulary}, {"train_rows", o.train_rows},
          {"test_rows", o.test_rows},   {"pictures", o.pictures},
          {"clips", o.clips},           {"sounds", o.sounds},
          {"test_media", o.test_media}, {"image_size", o.image_size},
          {"patch_size", o.patch_size}, {"frames", o.frames},
          {"models", o.models}};
}

void check(const WorldOptions& o) {
  if (o.patch_size < 1 || o.image_size < 16 || o.image_size % o.patch_size != 0) {
    throw UsageError(fmt::format("pictures of {} pixels cannot be cut into patches of {}", o.image_size, o.patch_size));
  }
  if (o.frames < 2) throw UsageError(fmt::format("a clip needs at least 2 frames, not {}", o.frames));
  for (const std::string& model : o.models) static_cast<void>(find_base_model(model));
}

// One pass over all parts of a world; `root` is the folder that is being filled.
class WorldMaker {
 public:
  WorldMaker(const WorldOptions& options, fs::path root, Progress& progress)
      : options_(options), root_(std::move(root)), progress_(progress), world_(InventedWorld::make(options.seed)) {}

  WorldReport make() {
    make_language();
    make_pictures();
    make_clips();
    make_sounds();
    make_tokenizer();
    make_models();
    Json manifest = options_json(options_);
    manifest["rows"] = {{"language", report_.language_rows}, {"pictures", report_.picture_rows},
                        {"clips", report_.clip_rows},        {"sounds", report_.sound_rows},
                        {"test", report_.test_rows},         {"tokens", report_.tokens}};
    write("world.json", manifest.dump(2) + "\n");
    report_.made = true;
    return report_;
  }

 private:
  void write(const fs::path& name, std::string_view text) {
    fs::create_directories((root_ / name).parent_path());
    write_bytes(root_ / name, text);
    if (progress_.stop_requested()) throw Interrupted("stopped; nothing of the world was kept");
  }
  // Thousands of small files: synced as a whole by the rename, not one by one.
  static void write_bytes(const fs::path& file, std::string_view bytes) {
    std::ofstream out(file, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw SystemError(fmt::format("cannot write {}", file.string()));
  }
  void write_task(const TaskFile& task, const std::vector<Exercise>& exercises) {
    write("tasks/" + task.name + ".yaml", task_yaml(task));
    write("tasks/data/" + task.name + ".jsonl", test_rows(exercises, task.medium_column, task.medium));
    report_.test_rows += exercises.size();
  }
  void count_text(const std::vector<Exercise>& exercises) {
    for (const Exercise& each : exercises) corpus_.push_back(each.question + "\n" + each.answer);
  }

  void make_language() {
    progress_.begin("language", skill_table().size(), "skills");
    const std::vector<std::string> documents = world_documents(world_, options_.seed);
    std::string lines;
    for (const std::string& document : documents) lines += Json{{"text", document}}.dump() + "\n";
    write("text/documents.jsonl", lines);
    corpus_.insert(corpus_.end(), documents.begin(), documents.end());
    Json all = Json::array();
    for (const Skill& skill : skill_table()) {
      const auto train = exercises_of(skill, world_, Side::kTrain, options_.train_rows, options_.seed);
      const auto test = exercises_of(skill, world_, Side::kTest, options_.test_rows, options_.seed);
      Json rows = Json::array();
      for (const Exercise& each : train)
        rows.push_back(conversation(each, std::string(skill.name), all.size() + rows.size()));
      write(fmt::format("text/{}.json", skill.name), rows.dump(1));
      all.insert(all.end(), rows.begin(), rows.end());
      count_text(train);
      report_.language_rows += train.size();
      write_task({.name = "lab_" + std::string(skill.name),
                  .what = std::string(skill.what),
                  .scoring = skill.scoring,
                  .tag = "lab_language",
                  .medium = {},
                  .medium_column = {}},
                 test);
      progress_.advance(1);
    }
    write("text/skills.json", all.dump(1));
    Random draw(options_.seed, "creature questions");
    write_task({.name = "lab_picture_knowledge",
                .what = "looks that only pictures tell, asked in words",
                .scoring = Scoring::kChoice,
                .tag = "lab_knowledge",
                .medium = {},
                .medium_column = {}},
               creature_questions(world_, draw));
  }

  // Rows of one medium for training: one for each question.
  void add_rows(const std::vector<Exercise>& questions, const std::string& kind, const std::string& column,
                const std::vector<std::string>& files, Json& rows) {
    for (const Exercise& each : questions) rows.push_back(conversation(each, kind, rows.size(), column, files));
  }
  // Test questions of one medium, sorted by topic.
  void add_tests(const std::vector<Exercise>& questions, const std::vector<std::string>& files,
                 std::map<std::string, std::vector<Exercise>>& tests) {
    for (Exercise each : questions) {
      each.medium = fmt::format("{}", fmt::join(files, "\n"));
      std::vector<Exercise>& topic = tests[each.topic];
      if (topic.size() < options_.test_media) topic.push_back(std::move(each));
    }
  }
  void write_tests(const std::map<std::string, std::vector<Exercise>>& tests, const std::string& tag,
                   const std::string& medium) {
    for (const auto& [topic, exercises] : tests) {
      write_task({.name = "lab_" + topic,
                  .what = fmt::format("{}: {}", tag, topic),
                  .scoring = Scoring::kChoice,
                  .tag = tag,
                  .medium = medium,
                  .medium_column = medium + "s"},
                 exercises);
    }
  }

  void make_pictures() {
    const auto& kinds = picture_kinds();
    const std::size_t test_pictures = kinds.size() * options_.test_media;
    progress_.begin("pictures", options_.pictures + test_pictures, "pictures");
    Json rows = Json::array();
    Random draw(options_.seed, "pictures train");
    for (std::size_t i = 0; i < options_.pictures; ++i) {
      // Every fourth shows a creature: there are sixteen of them to know.
      const PictureKind& kind = i % 4 == 3 ? kinds.back() : kinds[draw.below(kinds.size() - 1)];
      const Viewed<Figure> viewed = kind.make(world_, options_.image_size, draw);
      const std::string file = fmt::format("pictures/train/{:06}.png", i);
      write(file, png_bytes(viewed.medium));
      add_rows(viewed.questions, std::string(kind.name), "image", {file}, rows);
      progress_.advance(1);
    }
    report_.picture_rows = rows.size();
    write("pictures/train.json", rows.dump(1));
    Random test_draw(options_.seed, "pictures test");
    std::map<std::string, std::vector<Exercise>> tests;
    for (std::size_t i = 0; i < test_pictures; ++i) {
      const Viewed<Figure> viewed = kinds[i % kinds.size()].make(world_, options_.image_size, test_draw);
      const std::string file = fmt::format("pictures/test/{:06}.png", i);
      write(file, png_bytes(viewed.medium));
      add_tests(viewed.questions, {file}, tests);
      progress_.advance(1);
    }
    write_tests(tests, "lab_vision", "image");
    for (const auto& row : rows) corpus_.push_back(row["conversations"][1]["value"]);
    corpus_.push_back(rows.empty() ? "" : rows[0]["conversations"][0]["value"]);
  }

  std::vector<std::string> write_clip(const std::string& name, const std::vector<Figure>& frames) {
    write(name + ".gif", gif_bytes(frames, 25));
    std::vector<std::string> files;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      files.push_back(fmt::format("{}/{}.png", name, i));
      write(files.back(), png_bytes(frames[i]));
    }
    return files;
  }

  void make_clips() {
    progress_.begin("clips", options_.clips + options_.test_media, "clips");
    Json rows = Json::array(), frame_rows = Json::array();
    Random draw(options_.seed, "clips train");
    for (std::size_t i = 0; i < options_.clips; ++i) {
      const auto viewed = make_clip(options_.image_size, options_.frames, draw);
      const std::string name = fmt::format("clips/train/{:05}", i);
      add_rows(viewed.questions, "clip", "image", write_clip(name, viewed.medium), frame_rows);
      add_rows(viewed.questions, "clip", "video", {name + ".gif"}, rows);
      progress_.advance(1);
    }
    report_.clip_rows = rows.size();
    write("clips/train.json", rows.dump(1));
    write("clips/train_frames.json", frame_rows.dump(1));
    Random test_draw(options_.seed, "clips test");
    std::map<std::string, std::vector<Exercise>> tests;
    for (std::size_t i = 0; i < options_.test_media; ++i) {
      const auto viewed = make_clip(options_.image_size, options_.frames, test_draw);
      const std::string name = fmt::format("clips/test/{:05}", i);
      static_cast<void>(write_clip(name, viewed.medium));
      add_tests(viewed.questions, {name + ".gif"}, tests);
      progress_.advance(1);
    }
    write_tests(tests, "lab_video", "video");
  }

  std::string write_sound(const std::string& name, const Sound& sound) {
    write(name + ".wav", wav_bytes(sound));
    write(name + ".png", png_bytes(spectrogram_figure(sound, options_.image_size)));
    return name + ".png";
  }

  void make_sounds() {
    progress_.begin("sounds", options_.sounds + options_.test_media, "sounds");
    Json rows = Json::array(), picture_rows = Json::array();
    Random draw(options_.seed, "sounds train");
    for (std::size_t i = 0; i < options_.sounds; ++i) {
      const auto viewed = make_sound(draw);
      const std::string name = fmt::format("sounds/train/{:05}", i);
      add_rows(viewed.questions, "sound", "image", {write_sound(name, viewed.medium)}, picture_rows);
      add_rows(viewed.questions, "sound", "audio", {name + ".wav"}, rows);
      progress_.advance(1);
    }
    report_.sound_rows = rows.size();
    write("sounds/train.json", rows.dump(1));
    write("sounds/train_spectrograms.json", picture_rows.dump(1));
    Random test_draw(options_.seed, "sounds test");
    std::map<std::string, std::vector<Exercise>> tests;
    for (std::size_t i = 0; i < options_.test_media; ++i) {
      const auto viewed = make_sound(test_draw);
      const std::string name = fmt::format("sounds/test/{:05}", i);
      static_cast<void>(write_sound(name, viewed.medium));
      add_tests(viewed.questions, {name + ".wav"}, tests);
      progress_.advance(1);
    }
    write_tests(tests, "lab_audio", "audio");
  }

  void make_tokenizer() {
    progress_.begin("tokenizer", 1, "vocabularies");
    const std::vector<std::string> special(kSpecialTokens.begin(), kSpecialTokens.end());
    const LearnedVocabulary learned = learn_vocabulary(corpus_, special, options_.vocabulary);
    report_.tokens = learned.special.size() + learned.tokens.size();
    write("tokenizer/tokenizer.json", tokenizer_json(learned));
    const Json config{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"model_max_length", 1024},
                      {"pad_token", kSpecialTokens[kPadToken]},       {"eos_token", kSpecialTokens[kEndToken]},
                      {"clean_up_tokenization_spaces", false},        {"chat_template", kChatTemplate}};
    write("tokenizer/tokenizer_config.json", config.dump(2));
    const Json roles{{"pad_token", kSpecialTokens[kPadToken]}, {"eos_token", kSpecialTokens[kEndToken]}};
    write("tokenizer/special_tokens_map.json", roles.dump(2));
    write("tokenizer/chat_template.jinja", kChatTemplate);
    progress_.advance(1);
  }

  void make_models() {
    progress_.begin("initial models", base_models().size(), "models");
    for (const BaseModel& model : base_models()) {
      if (!options_.models.empty() && std::ranges::find(options_.models, model.name) == options_.models.end()) continue;
      fs::create_directories(root_ / "initial");
      write_initial_model(model, root_ / "tokenizer", padded_vocabulary(), options_.seed,
                          root_ / "initial" / model.name);
      progress_.advance(1);
    }
    write_initial_tower(128, 3, options_.image_size, options_.patch_size, options_.seed,
                        root_ / "initial/vision-tower");
  }
  // Rows of the embedding: a multiple of 64.
  [[nodiscard]] std::size_t padded_vocabulary() const { return (report_.tokens + 63) / 64 * 64; }

  const WorldOptions& options_;
  fs::path root_;
  Progress& progress_;
  InventedWorld world_;
  WorldReport report_;
  std::vector<std::string> corpus_;
};

}  // namespace

WorldReport make_world(const WorldOptions& options, const fs::path& folder, Progress& progress) {
  check(options);
  const fs::path manifest = folder / "world.json";
  if (fs::exists(manifest)) {
    Json found = checkpoint::read_json(manifest);
    return checkpoint::reading_json(manifest.string(), [&]() -> WorldReport {
      const Json rows = found.value("rows", Json::object());
      found.erase("rows");
      if (found != options_json(options)) {
        throw UsageError(fmt::format("{} holds a world of other options ({}); give another folder, or remove it",
                                     folder.string(), found.dump()));
      }
      return {.language_rows = rows.value("language", std::size_t{0}),
              .picture_rows = rows.value("pictures", std::size_t{0}),
              .clip_rows = rows.value("clips", std::size_t{0}),
              .sound_rows = rows.value("sounds", std::size_t{0}),
              .test_rows = rows.value("test", std::size_t{0}),
              .tokens = rows.value("tokens", std::size_t{0}),
              .made = false};
    });
  }
  if (fs::exists(folder) && !fs::is_empty(folder)) {
    throw UsageError(
        fmt::format("{} is not empty and holds no world (no world.json); give another folder", folder.string()));
  }
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  const fs::path parent = absolute.parent_path();
  fs::create_directories(parent);
  const fs::path partial = parent / fmt::format(".{}.{}.partial", absolute.filename().string(), ::getpid());
  fs::remove_all(partial);
  WorldReport report;
  try {
    report = WorldMaker(options, partial, progress).make();
    if (fs::exists(absolute)) fs::remove(absolute);
    fs::rename(partial, absolute);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
  return report;
}

}  // namespace cambium::lab
