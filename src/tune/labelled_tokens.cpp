#include "tune/labelled_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::tune {

namespace {

// For models without a template of their own.
constexpr const char* kPlainTemplate =
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}\n"
    "{% elif m['role'] == 'user' %}USER: {{ m['content'] }}\n"
    "{% else %}ASSISTANT: {{ m['content'] }}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT: {% endif %}";

std::size_t common_start(std::string_view a, std::string_view b) {
  const auto ends =
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
  return static_cast<std::size_t>(ends.first - a.begin());
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::size_t without_white_end(std::string_view text, std::size_t end) {
  while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\r')) {
    --end;
  }
  return end;
}

}  // namespace

std::int64_t LabelledTokens::supervised() const {
  // The first token has nothing in front of it that could predict it.
  return learned.empty() ? 0 : std::count(learned.begin() + 1, learned.end(), std::uint8_t{1});
}

void LabelledTokens::cut(std::size_t length) {
  if (ids.size() <= length) return;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].position + places[i].count <= length) continue;
    length = std::min(length, places[i].position);
    places.resize(i);
    media.resize(i);
    break;
  }
  ids.resize(length);
  learned.resize(length);
}

RowTokenizer::RowTokenizer(const std::filesystem::path& model_folder, const model::MediaTowers& towers,
                           const std::string& chat_template)
    : towers_(towers), tokenizer_(text::Tokenizer::from_folder(model_folder)), placeholders_(towers, tokenizer_) {
  std::vector<std::pair<std::string, std::string>> special;
  const text::SpecialTokens& roles = tokenizer_.special_tokens();
  for (const auto& [name, id] : {std::pair("bos_token", roles.bos), std::pair("eos_token", roles.eos)}) {
    special.emplace_back(name, id.has_value() ? tokenizer_.token(*id).value_or("") : "");
  }
  if (!chat_template.empty()) {
    template_ = std::make_unique<text::ChatTemplate>(
        text::ChatTemplate::from_text(checkpoint::read_file(chat_template), chat_template, special));
  } else if (text::ChatTemplate::exists_in(model_folder)) {
    template_ = std::make_unique<text::ChatTemplate>(text::ChatTemplate::from_folder(model_folder));
  } else {
    plain_ = true;
    template_ =
        std::make_unique<text::ChatTemplate>(text::ChatTemplate::from_text(kPlainTemplate, "plain template", special));
  }
}

RowTokenizer::Rendering RowTokenizer::render(const std::vector<model::ChatMessage>& messages) const {
  Rendering result;
  result.text = placeholders_.own_words(model::render_chat(*template_, messages, placeholders_, false));
  const std::string& all = result.text;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role != "assistant") continue;
    const std::span<const model::ChatMessage> before(messages.data(), i), with(messages.data(), i + 1);
    std::size_t begin = 0;
    if (i > 0)
      begin = common_start(placeholders_.own_words(model::render_chat(*template_, before, placeholders_, true)), all);
    const std::string turn = i + 1 == messages.size()
                                 ? all
                                 : placeholders_.own_words(model::render_chat(*template_, with, placeholders_, false));
    std::size_t end = common_start(turn, all);
    if (end <= begin) continue;  // the template leaves the turn out
    // What a generation prompt adds may be the beginning of the turn itself ("<think>"): the rest is learned.
    const std::size_t trimmed = without_white_end(all, end);
    const std::string_view written = std::string_view(all).substr(begin, trimmed > begin ? trimmed - begin : 0);
    const std::string_view content = messages[i].text;
    const std::size_t content_end = without_white_end(content, content.size());
    // White space at the end belongs to the turn unless a mark stands in front of it.
    if (!written.empty() && !written.ends_with(content.substr(0, content_end))) end = trimmed;
    result.spans.emplace_back(code_points(std::string_view(all).substr(0, begin)),
                              code_points(std::string_view(all).substr(0, end)));
  }
  return result;
}

LabelledTokens RowTokenizer::expand(const std::string& text,
                                    const std::vector<std::pair<std::size_t, std::size_t>>& spans) const {
  LabelledTokens out;
  std::vector<std::size_t> items(model::kModalities.size(), 0);
  std::size_t span = 0;
  const auto learned_at = [&](std::size_t begin, std::size_t end) {
    while (span < spans.size() && spans[span].second <= begin) ++span;
    return span < spans.size() && end > spans[span].first && begin < spans[span].second;
  };
  const auto place = [&](const model::MediaTower& tower, bool own_token) {
    const auto count = static_cast<std::size_t>(tower.tokens());
    out.places.push_back(
        {tower.modality(), items[static_cast<std::size_t>(tower.modality())]++, out.ids.size(), count});
    out.ids.insert(out.ids.end(), count, own_token ? tower.token() : 0);
    out.learned.insert(out.learned.end(), count, 0);
  };
  const auto append = [&](std::string_view piece, std::size_t base) {
    const text::Encoding encoding = tokenizer_.encode(piece, {.add_special = false, .with_offsets = true});
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      const auto id = static_cast<std::int64_t>(encoding.ids[i]);
      const auto tower =
          std::ranges::find_if(towers_.all(), [&](const model::MediaTower& one) { return one.token() == id; });
      if (tower != towers_.all().end()) {
        place(*tower, true);
        continue;
      }
      out.ids.push_back(id);
      out.learned.push_back(learned_at(base + encoding.offsets[i].begin, base + encoding.offsets[i].end) ? 1 : 0);
    }
  };
  // A word for media that the tokenizer lacks cuts the text.
  std::size_t begin = 0, base = 0;
  while (begin < text.size()) {
    std::size_t end = text.size();
    const model::MediaTower* which = nullptr;
    for (const model::MediaTower& tower : towers_.all()) {
      const std::string& word = placeholders_.word(tower.modality());
      const bool known = tower.token() >= 0 && tokenizer_.token(static_cast<text::TokenId>(tower.token())).has_value();
      if (word.empty() || known) continue;
      if (const std::size_t at = text.find(word, begin); at < end) {
        end = at;
        which = &tower;
      }
    }
    const std::string_view piece = std::string_view(text).substr(begin, end - begin);
    append(piece, base);
    base += code_points(piece);
    if (which == nullptr) break;
    place(*which, false);
    const std::string& word = placeholders_.word(which->modality());
    base += code_points(word);
    begin = end + word.size();
  }
  return out;
}

LabelledTokens RowTokenizer::tokens(const TrainingRow& row, const std::string& where) const {
  if (row.is_text) {
    LabelledTokens out;
    for (const text::TokenId id : tokenizer_.ids(row.text)) out.ids.push_back(static_cast<std::int64_t>(id));
    const auto eos = tokenizer_.special_tokens().eos;
    if (eos.has_value() && (out.ids.empty() || out.ids.back() != static_cast<std::int64_t>(*eos))) {
      out.ids.push_back(static_cast<std::int64_t>(*eos));
    }
    out.learned.assign(out.ids.size(), 1);
    return out;
  }
  Rendering rendering;
  try {
    rendering = render(row.messages);
  } catch (const Error& error) {
    throw RecipeError(fmt::format("{}: the chat template cannot render the row: {}", where, error.what()));
  }
  LabelledTokens out = expand(rendering.text, rendering.spans);
  std::vector<std::vector<const model::MediaItem*>> by_modality(model::kModalities.size());
  for (const model::MediaItem& item : row.media) by_modality[static_cast<std::size_t>(item.modality)].push_back(&item);
  for (const model::MediaPlace& place : out.places) {
    const auto& items = by_modality[static_cast<std::size_t>(place.modality)];
    if (place.item >= items.size()) {
      throw RecipeError(fmt::format("{}: the messages mention more {}s than the row names", where,
                                    model::names_of(place.modality).item));
    }
    out.media.push_back(*items[place.item]);
  }
  if (out.media.size() != row.media.size()) {
    throw RecipeError(
        fmt::format("{}: the row has {} pictures, clips and sounds, but the model takes {} of them in its "
                    "prompt; is it grafted for them?",
                    where, row.media.size(), out.media.size()));
  }
  return out;
}

}  // namespace cambium::tune
