#include "text/aligned_text.h"

#include "text/utf8.h"

namespace cambium::text {

void AlignedText::reset(std::string_view text, std::uint32_t first) {
  original_ = text;
  first_ = first;
  is_original_ = true;
  text_.clear();
  alignments_.clear();
}

void AlignedText::materialize() {
  if (!is_original_) return;
  is_original_ = false;
  text_.assign(original_);
  alignments_.resize(text_.size());
  std::uint32_t next = first_;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (!utf8::is_continuation(text_[i])) ++next;
    alignments_[i] = {next - 1, next};
  }
}

AlignedText::Rewriter::Rewriter(AlignedText& text) : text_(text) {
  text_.materialize();
  text_.next_text_.clear();
  text_.next_alignments_.clear();
}

void AlignedText::Rewriter::keep_until(std::size_t end) {
  const auto first = text_.alignments_.begin();
  text_.next_text_.append(text_.text_, position_, end - position_);
  text_.next_alignments_.insert(text_.next_alignments_.end(), first + static_cast<std::ptrdiff_t>(position_),
                                first + static_cast<std::ptrdiff_t>(end));
  position_ = end;
}

void AlignedText::Rewriter::drop(std::size_t characters) {
  for (; characters > 0 && position_ < text_.text_.size(); --characters) {
    position_ += utf8::length_from_lead(text_.text_[position_]);
  }
}

void AlignedText::Rewriter::change(CharChange change) {
  const std::vector<Alignment>& old = text_.alignments_;
  Alignment alignment{text_.first_, text_.first_};
  if (change.change > 0) {
    if (position_ > 0) alignment = old[position_ - 1];
  } else {
    if (!old.empty()) alignment = position_ < old.size() ? old[position_] : old.back();
    drop(static_cast<std::size_t>(1 - change.change));
  }
  utf8::append(text_.next_text_, change.character);
  text_.next_alignments_.resize(text_.next_text_.size(), alignment);
}

void AlignedText::Rewriter::insert(std::string_view content, std::size_t end) {
  position_ = end;
  text_.next_text_.append(content);
  text_.next_alignments_.resize(text_.next_text_.size(),
                                end > 0 ? text_.alignments_[end - 1] : Alignment{text_.first_, text_.first_});
}

void AlignedText::Rewriter::insert_before(std::string_view content) {
  text_.next_text_.append(content);
  text_.next_alignments_.resize(text_.next_text_.size(), text_.alignments_[position_]);
}

void AlignedText::Rewriter::finish() {
  text_.text_.swap(text_.next_text_);
  text_.alignments_.swap(text_.next_alignments_);
}

void AlignedText::prepend(std::string_view prefix) {
  if (text().empty() || prefix.empty()) return;
  materialize();
  text_.insert(0, prefix);
  alignments_.insert(alignments_.begin(), prefix.size(), Alignment(alignments_.front()));
}

void AlignedText::replace(std::span<const Match> matches, std::string_view content) {
  if (matches.empty()) return;
  Rewriter rewriter(*this);
  for (const Match& match : matches) {
    rewriter.keep_until(match.begin);
    rewriter.insert(content, match.end);
  }
  rewriter.keep_until(text_.size());
  rewriter.finish();
}

}  // namespace cambium::text
