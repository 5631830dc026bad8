#include "text/pipeline.h"

#include <fmt/format.h>

#include <limits>

#include "tensor/error.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

/// Counts characters while it moves over a text, to turn byte positions into character indices; cheap for steps to
/// nearby places.
class CharacterCounter {
 public:
  CharacterCounter(std::string_view text, std::uint32_t first) : text_(text), characters_(first) {}

  /// Index of the character that the byte at `position` is part of.
  std::uint32_t containing(std::size_t position) {
    move_to(position);
    return utf8::is_continuation(text_[position]) ? characters_ - 1 : characters_;
  }
  /// Index behind the character that the byte before `position` is part of.
  std::uint32_t behind(std::size_t position) {
    move_to(position);
    return characters_;
  }

 private:
  void move_to(std::size_t position) {
    for (; position_ < position; ++position_) characters_ += utf8::is_continuation(text_[position_]) ? 0 : 1;
    while (position_ > position) characters_ -= utf8::is_continuation(text_[--position_]) ? 0 : 1;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::uint32_t characters_;  // first + characters that begin before position_
};

}  // namespace

struct Pipeline::Workspace {
  PieceList list;
  WordCache cache;
  std::unique_ptr<TokenModel::Scratch> scratch;
  std::vector<WordToken> tokens;
  std::vector<AddedTokens::Part> parts;
};

/// Borrows a workspace for one call; they are kept for the next one.
class Pipeline::Lease {
 public:
  explicit Lease(const Pipeline& pipeline) : pipeline_(pipeline) {
    {
      const std::lock_guard lock(pipeline.mutex_);
      if (!pipeline.idle_.empty()) {
        workspace_ = std::move(pipeline.idle_.back());
        pipeline.idle_.pop_back();
        return;
      }
    }
    workspace_ = std::make_unique<Workspace>();
    if (pipeline.model != nullptr) workspace_->scratch = pipeline.model->make_scratch();
  }
  ~Lease() {
    const std::lock_guard lock(pipeline_.mutex_);
    pipeline_.idle_.push_back(std::move(workspace_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  [[nodiscard]] Workspace& operator*() const { return *workspace_; }

 private:
  const Pipeline& pipeline_;
  std::unique_ptr<Workspace> workspace_;
};

Pipeline::Pipeline() = default;
Pipeline::~Pipeline() = default;

void Pipeline::encode(std::string_view text, bool with_offsets, RawEncoding& out) const {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() / 4)
    throw ValueError("a text of more than 1 GiB; encode it in parts");
  if (const std::size_t bad = utf8::find_invalid(text); bad != std::string_view::npos) {
    throw ValueError(
        fmt::format("the text is not UTF-8: byte {} is {:#04x}", bad, static_cast<unsigned char>(text[bad])));
  }
  const Lease lease(*this);
  Workspace& workspace = *lease;
  if (!added.any(false)) {
    encode_stretch(text, 0, with_offsets, workspace, out);
    return;
  }
  workspace.parts.clear();
  added.cut(text, false, workspace.parts);
  CharacterCounter counter(text, 0);
  for (const AddedTokens::Part& part : workspace.parts) {
    const std::string_view stretch = text.substr(part.begin, part.end - part.begin);
    const std::uint32_t first = counter.behind(part.begin);
    if (part.id < 0) {
      encode_stretch(stretch, first, with_offsets, workspace, out);
      continue;
    }
    if (with_offsets) {
      const std::uint32_t leading = leading_white_space(stretch);
      const std::uint32_t trailing = trailing_white_space(stretch);
      if (leading + trailing > 0) out.swallowed.push_back({out.ids.size(), leading, trailing});
      out.offsets.push_back({first, counter.behind(part.end)});
    }
    out.ids.push_back(part.id);
  }
}

void Pipeline::encode_stretch(std::string_view text, std::uint32_t first, bool with_offsets, Workspace& workspace,
                              RawEncoding& out) const {
  PieceList& list = workspace.list;
  list.text.reset(text, first);
  if (normalizer) normalizer->apply(list.text);
  list.reset_pieces();
  added.cut_normalized(list);
  if (pre_tokenizer) pre_tokenizer->apply(list);
  if (with_offsets) {
    encode_pieces<true>(workspace, out);
  } else {
    encode_pieces<false>(workspace, out);
  }
}

template <bool kOffsets>
void Pipeline::encode_pieces(Workspace& workspace, RawEncoding& out) const {
  const PieceList& list = workspace.list;
  const std::string_view text = list.text.text();
  const std::span<const Alignment> alignments = list.text.alignments();
  CharacterCounter counter(text, list.text.first());
  const bool aligned = !list.text.is_original();
  const std::string_view boundary = model->boundary();
  const bool cached = model->wants_cache();

  const auto emit = [&](std::uint32_t begin, auto tokens) {
    for (const auto& token : tokens) {
      out.ids.push_back(token.id);
      if constexpr (kOffsets) {
        if (aligned) {
          out.offsets.push_back({alignments[begin + token.begin].begin, alignments[begin + token.end - 1].end});
        } else {
          const std::uint32_t from = counter.containing(begin + token.begin);
          out.offsets.push_back({from, counter.behind(begin + token.end)});
        }
      }
    }
  };
  const auto encode_word = [&](std::uint32_t begin, std::uint32_t end) {
    const std::string_view word = text.substr(begin, end - begin);
    const std::uint64_t hash = cached ? short_hash(word) : 0;
    if (cached) {
      const std::span<const CachedToken> known = workspace.cache.find(word, hash);
      if (!known.empty()) {
        emit(begin, known);
        return;
      }
    }
    workspace.tokens.clear();
    model->tokenize(word, *workspace.scratch, workspace.tokens);
    if (cached) workspace.cache.insert(word, hash, workspace.tokens);
    emit(begin, std::span<const WordToken>(workspace.tokens));
  };

  for (const Piece& piece : list.pieces) {
    if (piece.is_found) {
      const FoundToken& found = list.found[piece.begin];
      if constexpr (kOffsets) {
        if (found.leading + found.trailing > 0)
          out.swallowed.push_back({out.ids.size(), found.leading, found.trailing});
        out.offsets.push_back({found.place.begin, found.place.end});
      }
      out.ids.push_back(found.id);
      continue;
    }
    std::uint32_t begin = piece.begin;
    if (!boundary.empty()) {
      // A word begins at the first mark of each run of marks.
      std::size_t place = begin;
      const std::string_view until = text.substr(0, piece.end);
      while ((place = until.find(boundary, place + 1)) != std::string_view::npos) {
        if (until.substr(0, place).ends_with(boundary) && place >= begin + boundary.size()) continue;
        encode_word(begin, static_cast<std::uint32_t>(place));
        begin = static_cast<std::uint32_t>(place);
      }
    }
    encode_word(begin, piece.end);
  }
}

std::string Pipeline::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId one : ids) {
    const auto string = token(one);
    if (string && !(skip_special && added.is_special(*string))) tokens.emplace_back(*string);
  }
  return decode_tokens(tokens);
}

std::string Pipeline::decode_tokens(std::vector<std::string>& tokens) const {
  if (decoder) decoder->apply(tokens);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && !decoder) text += ' ';
    text += tokens[i];
  }
  return text;
}

std::optional<std::string_view> Pipeline::token(TokenId id) const {
  if (const std::string* string = added.token(id)) return *string;
  return model->vocabulary().token(id);
}

std::optional<TokenId> Pipeline::id(std::string_view token) const {
  const auto known = added.id(token);
  return known ? known : model->vocabulary().find(token);
}

std::size_t Pipeline::vocabulary_size() const { return std::max(model->vocabulary().id_bound(), added.id_bound()); }

}  // namespace cambium::text
