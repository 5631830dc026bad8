#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include "tensor/error.h"
#include "text/json_part.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr std::string_view kPieceMark = "\xE2\x96\x81";  // U+2581

/// The vocabulary alone: sentencepiece does the cutting.
class PieceModel final : public TokenModel {
 public:
  explicit PieceModel(TokenTable vocabulary) : TokenModel(std::move(vocabulary)) {}
  void tokenize(std::string_view /*word*/, Scratch& /*scratch*/, std::vector<WordToken>& /*out*/) const override {}
};

class SentencepiecePipeline final : public Pipeline {
 public:
  SentencepiecePipeline(std::string_view serialized, std::string_view where) {
    const auto status = processor_.LoadFromSerializedProto({serialized.data(), serialized.size()});
    if (!status.ok() || processor_.GetPieceSize() == 0) {
      throw CheckpointError(fmt::format("{}: not a sentencepiece model ({})", where, status.ToString()));
    }
    TokenTable vocabulary;
    const int pieces = processor_.GetPieceSize();
    for (int id = 0; id < pieces; ++id) vocabulary.add_again(processor_.IdToPiece(id), id);
    model = std::make_unique<PieceModel>(std::move(vocabulary));
    for (int id = 0; id < pieces; ++id) {
      if (!processor_.IsControl(id) && !processor_.IsUnknown(id)) continue;
      AddedToken token;
      token.content = processor_.IdToPiece(id);
      token.normalized = false;
      token.special = true;
      (void)added.add(token, model->vocabulary());
    }
    added.prepare(nullptr);
    const auto id = [](int value) { return value >= 0 ? std::optional<TokenId>(value) : std::nullopt; };
    const auto bos = id(processor_.bos_id());
    post_processor = make_frame(bos, bos ? std::nullopt : id(processor_.eos_id()));
    make_decoder(where);
  }

 protected:
  void encode_stretch(std::string_view text, std::uint32_t first, bool with_offsets, Workspace& /*workspace*/,
                      RawEncoding& out) const override {
    const auto encoded = processor_.EncodeAsImmutableProto({text.data(), text.size()});
    const auto pieces = encoded.pieces();
    std::vector<std::uint32_t> characters;
    if (with_offsets) characters = character_starts(text, first);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      out.ids.push_back(static_cast<TokenId>(pieces[i].id()));
      if (!with_offsets) continue;
      // Of the bytes of one character only the last piece has a surface; all of them stand for the character.
      std::uint32_t end = pieces[i].end();
      for (std::size_t next = i + 1; end == pieces[i].begin() && next < pieces.size(); ++next) {
        if (!processor_.IsByte(static_cast<int>(pieces[next].id()))) break;
        end = pieces[next].end();
      }
      out.offsets.push_back({characters[pieces[i].begin()], characters[end]});
    }
  }

 private:
  /// For each byte and for the end: characters that begin before it.
  static std::vector<std::uint32_t> character_starts(std::string_view text, std::uint32_t first) {
    std::vector<std::uint32_t> starts(text.size() + 1);
    std::uint32_t count = first;
    for (std::size_t i = 0; i < text.size(); ++i) {
      starts[i] = count;
      count += utf8::is_continuation(text[i]) ? 0 : 1;
    }
    starts[text.size()] = count;
    return starts;
  }

  /// As the fast tokenizers that are made from such models decode: the space in front of the first word is taken away
  /// if the model puts it there.
  void make_decoder(std::string_view where) {
    const auto sample = processor_.EncodeAsPieces("a");
    const bool drops_first = !sample.empty() && std::string_view(sample.front()).starts_with(kPieceMark);
    Json steps = Json::array();
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", kPieceMark}}}, {"content", " "}});
    steps.push_back({{"type", "ByteFallback"}});
    steps.push_back({{"type", "Fuse"}});
    if (drops_first) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    const Json sequence{{"type", "Sequence"}, {"decoders", steps}};
    decoder = make_token_decoder(JsonPart(sequence, where, "decoder"));
  }

  sentencepiece::SentencePieceProcessor processor_;
};

}  // namespace

std::unique_ptr<Pipeline> pipeline_from_sentencepiece(std::string_view model, std::string_view where) {
  return std::make_unique<SentencepiecePipeline>(model, where);
}

}  // namespace cambium::text
