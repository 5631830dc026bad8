#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

/// Scripts in PCRE2's short names. Characters of no script (unassigned) join whatever stands before, as the space does.
constexpr std::string_view kScripts[] = {
    "Zyyy", "Zinh", "Latn", "Grek", "Cyrl", "Armn", "Hebr", "Arab", "Syrc", "Thaa", "Nkoo", "Samr", "Mand", "Deva",
    "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Thai", "Laoo", "Tibt", "Mymr", "Geor",
    "Hang", "Ethi", "Cher", "Cans", "Ogam", "Runr", "Tglg", "Hano", "Buhd", "Tagb", "Khmr", "Mong", "Limb", "Tale",
    "Talu", "Bugi", "Lana", "Bali", "Sund", "Batk", "Lepc", "Olck", "Glag", "Copt", "Tfng", "Bopo", "Yiii", "Lisu",
    "Vaii", "Bamu", "Sylo", "Phag", "Saur", "Kali", "Rjng", "Java", "Cham", "Tavt", "Mtei", "Linb", "Lyci", "Cari",
    "Ital", "Goth", "Perm", "Ugar", "Xpeo", "Dsrt", "Shaw", "Osma", "Osge", "Elba", "Aghb", "Lina", "Cprt", "Armi",
    "Palm", "Nbat", "Hatr", "Phnx", "Lydi", "Mero", "Merc", "Khar", "Sarb", "Narb", "Mani", "Avst", "Prti", "Phli",
    "Phlp", "Orkh", "Hung", "Brah", "Kthi", "Sora", "Cakm", "Mahj", "Shrd", "Khoj", "Mult", "Sind", "Gran", "Newa",
    "Tirh", "Sidd", "Modi", "Takr", "Ahom", "Wara", "Pauc", "Bhks", "Marc", "Xsux", "Egyp", "Hluw", "Mroo", "Bass",
    "Hmng", "Plrd", "Tang", "Dupl", "Sgnw", "Mend", "Adlm", "Brai", "Gonm", "Nshu", "Soyo", "Zanb"};

/// Runs of characters of one script, found once with PCRE2's tables. Han, Hiragana and Katakana count as one.
class ScriptRuns {
 public:
  struct Run {
    char32_t first;
    char32_t last;
    int script;  // > 0
  };

  static const ScriptRuns& get() {
    static const ScriptRuns runs;
    return runs;
  }

  /// 0: any script.
  [[nodiscard]] int of(char32_t character) const {
    constexpr char32_t kProlongedSoundMark = 0x30FC;
    if (character == ' ') return 0;
    if (character == kProlongedSoundMark) return 1;
    const auto behind = std::upper_bound(runs_.begin(), runs_.end(), character,
                                         [](char32_t c, const Run& run) { return c < run.first; });
    if (behind == runs_.begin() || std::prev(behind)->last < character) return 0;
    return std::prev(behind)->script;
  }

 private:
  ScriptRuns() {
    std::string pattern = "[\\p{sc:Hani}\\p{sc:Hira}\\p{sc:Kana}]+(*:1)";
    int script = 1;
    for (const std::string_view name : kScripts) {
      std::string next = "|\\p{sc:" + std::string(name) + "}+(*:" + std::to_string(++script) + ")";
      if (is_known(name)) pattern += next;
    }
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_code* code = compile(pattern, error, place);
    if (code == nullptr) return;
    std::string all;
    for (char32_t c = 0; c < 0xE0200; c = c == 0x323AF ? 0xE0000 : c + 1) {
      if (c < 0xD800 || c > 0xDFFF) utf8::append(all, c);
    }
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(all.data());
    for (PCRE2_SIZE from = 0; pcre2_match(code, subject, all.size(), from, PCRE2_NO_UTF_CHECK, data, nullptr) >= 0;) {
      const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
      std::size_t first = ends[0];
      std::size_t last = ends[1];
      runs_.push_back({utf8::next(all, first), utf8::previous(all, last),
                       std::stoi(reinterpret_cast<const char*>(pcre2_get_mark(data)))});
      from = ends[1];
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
  }

  static pcre2_code* compile(const std::string& pattern, int& error, PCRE2_SIZE& place) {
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error,
                         &place, nullptr);
  }
  static bool is_known(std::string_view script) {
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_code* code = compile("\\p{sc:" + std::string(script) + "}", error, place);
    pcre2_code_free(code);
    return code != nullptr;
  }

  std::vector<Run> runs_;
};

/// Cuts where the script changes; text before the first character of a script is dropped, as the reference does.
class UnicodeScripts final : public PreTokenizer {
 public:
  void apply(PieceList& list) const override {
    const ScriptRuns& scripts = ScriptRuns::get();
    list.cut_each([&](std::string_view text, auto&& emit) {
      std::size_t begin = std::string_view::npos;
      int last = -1;
      for (std::size_t position = 0; position < text.size();) {
        const std::size_t place = position;
        const int script = scripts.of(utf8::next(text, position));
        if (script == 0 || script == last) continue;
        if (begin != std::string_view::npos) emit(begin, place);
        begin = place;
        last = script;
      }
      if (begin != std::string_view::npos) emit(begin, text.size());
    });
  }
};

}  // namespace

PreTokenizerPtr make_unicode_scripts() { return std::make_unique<UnicodeScripts>(); }

}  // namespace cambium::text
