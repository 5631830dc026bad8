#include "tasks/ifeval/language_detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tasks/ifeval/language_profiles.h"
#include "tasks/python_random.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;

constexpr std::size_t kLongestText = 10'000;
constexpr std::size_t kLongestSequence = 3;
constexpr int kTrials = 7;
constexpr int kMostDraws = 1000;
constexpr int kDrawsBetweenChecks = 5;
constexpr double kConverged = 0.99999;
constexpr double kLeastProbability = 0.1;
constexpr double kSmoothing = 0.5;
constexpr double kSmoothingDeviation = 0.05;
constexpr double kBaseFrequency = 10'000;

constexpr bool between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

// Web and mail addresses become blanks, letters with a Vietnamese mark one character, runs of blanks one blank.
std::u32string tidied(std::string_view text, const LanguageProfiles& profiles) {
  static const text::PythonRegex kWeb(R"(https?://[-_.?&~;+=/#0-9A-Za-z]{1,2076})");
  static const text::PythonRegex kMail(R"([-_.0-9A-Za-z]{1,64}@[-_0-9A-Za-z]{1,255}[-_.0-9A-Za-z]{1,255})");
  const std::u32string raw = jinja::to_code_points(kMail.substitute(kWeb.substitute(text, " "), " "));
  std::u32string out;
  char32_t before = 0;
  std::size_t read = 0;
  for (std::size_t i = 0; i < raw.size() && read < kLongestText; ++i, ++read) {
    char32_t c = raw[i];
    if (i + 1 < raw.size()) {
      if (const std::optional<char32_t> both = profiles.composed(c, raw[i + 1])) {
        c = *both;
        ++i;
      }
    }
    if (c != ' ' || before != ' ') out += c;
    before = c;
  }
  return out;
}

// A text mostly in another script loses its Latin letters (and what lies between them in ASCII).
void drop_latin_if_foreign(std::u32string& text) {
  const auto is_latin = [](char32_t c) { return between(c, 'A', 'z'); };
  const auto latin = std::ranges::count_if(text, is_latin);
  const auto other = std::ranges::count_if(text, [](char32_t c) { return c >= 0x300; });
  if (latin * 2 < other) std::erase_if(text, is_latin);
}

// What counts as the same character: marks are blanks, scripts of one language a single letter.
char32_t folded(char32_t c, const LanguageProfiles& profiles) {
  if (c < 0x80) return between(c, 'A', 'Z') || between(c, 'a', 'z') ? c : U' ';
  if (c == 0xA0 || c == 0xAB || c == 0xB0 || c == 0xBB) return ' ';
  if (c == 0x219) return 0x15F;  // Romanian: comma below as cedilla
  if (c == 0x21B) return 0x163;
  if (between(c, 0x2000, 0x206F)) return ' ';
  if (c == 0x6CC) return 0x64A;                                                 // Farsi yeh as Arabic yeh
  if (between(c, 0x1EA0, 0x1EFF)) return 0x1EC3;                                // Vietnamese
  if (between(c, 0x3040, 0x309F)) return 0x3042;                                // Hiragana
  if (between(c, 0x30A0, 0x30FF)) return 0x30A2;                                // Katakana
  if (between(c, 0x3100, 0x312F) || between(c, 0x31A0, 0x31BF)) return 0x3105;  // Bopomofo
  if (between(c, 0x4E00, 0x9FFF)) return profiles.representative(c);
  if (between(c, 0xAC00, 0xD7AF)) return 0xAC00;  // Hangul
  return c;
}

// The known sequences that end at each character, words in capitals left out from their second letter on.
std::vector<std::uint32_t> sequences_of(const std::u32string& text, const LanguageProfiles& profiles) {
  std::vector<std::uint32_t> found;
  std::u32string recent = U" ";
  bool in_capitals = false;
  for (const char32_t raw : text) {
    const char32_t c = folded(raw, profiles);
    const char32_t last = recent.back();
    bool stays = false;
    if (last == ' ') {
      recent = U" ";
      in_capitals = false;
      stays = c == ' ';
    } else if (recent.size() >= kLongestSequence) {
      recent.erase(0, 1);
    }
    if (!stays) {
      recent += c;
      if (!jinja::is_upper(c)) {
        in_capitals = false;
      } else if (jinja::is_upper(last)) {
        in_capitals = true;
      }
    }
    if (in_capitals) continue;
    for (std::size_t length = 1; length <= recent.size(); ++length) {
      const std::u32string_view sequence = std::u32string_view(recent).substr(recent.size() - length);
      if (sequence == U" ") continue;
      if (const std::optional<std::uint32_t> number = profiles.find(sequence)) found.push_back(*number);
    }
  }
  return found;
}

// Pairs of normal deviates by Box and Muller, as Python's random.gauss draws them.
class Gaussian {
 public:
  double next(PythonRandom& random) {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double angle = random.uniform() * (2.0 * std::numbers::pi);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    spare_ = std::sin(angle) * radius;
    has_spare_ = true;
    return std::cos(angle) * radius;
  }

 private:
  double spare_ = 0;
  bool has_spare_ = false;
};

// Scales to a sum of one. @return the largest
double normalise(std::vector<double>& probabilities) {
  double sum = 0;
  for (const double p : probabilities) sum += p;
  double largest = 0;
  for (double& p : probabilities) {
    p /= sum;
    largest = std::max(largest, p);
  }
  return largest;
}

}  // namespace

std::optional<std::string> detect_language(std::string_view text, std::uint64_t seed) {
  const LanguageProfiles& profiles = LanguageProfiles::get();
  std::u32string characters = tidied(text, profiles);
  drop_latin_if_foreign(characters);
  const std::vector<std::uint32_t> sequences = sequences_of(characters, profiles);
  if (sequences.empty()) return std::nullopt;

  const std::size_t count = profiles.languages().size();
  std::vector<double> average(count, 0.0);
  PythonRandom random(seed);
  Gaussian gaussian;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> probabilities(count, 1.0 / static_cast<double>(count));
    const double smoothing = (kSmoothing + gaussian.next(random) * kSmoothingDeviation) / kBaseFrequency;
    for (int draw = 0;; ++draw) {
      std::size_t language = 0;
      for (const LanguageProfiles::Share& share : profiles.shares(sequences[random.below(sequences.size())])) {
        for (; language < share.language; ++language) probabilities[language] *= smoothing;
        probabilities[language++] *= smoothing + share.share;
      }
      for (; language < count; ++language) probabilities[language] *= smoothing;
      if (draw % kDrawsBetweenChecks == 0 && (normalise(probabilities) > kConverged || draw >= kMostDraws)) break;
    }
    for (std::size_t i = 0; i < count; ++i) average[i] += probabilities[i] / kTrials;
  }
  const auto best = std::ranges::max_element(average);
  if (*best <= kLeastProbability) return "unknown";
  return profiles.languages()[static_cast<std::size_t>(best - average.begin())];
}

}  // namespace cambium::tasks::ifeval
