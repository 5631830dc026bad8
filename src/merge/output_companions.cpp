#include "merge/output_companions.h"

#include <algorithm>

#include "merge/chat_template.h"

namespace cambium::merge {

std::vector<CompanionFile> output_companions(const Recipe& recipe, SourcePool& pool, const Source& layout,
                                             const MergedVocabulary* vocabulary) {
  std::vector<CompanionFile> files = layout.companions();
  if (vocabulary != nullptr) {
    std::erase_if(files, [&](const CompanionFile& file) {
      return std::ranges::find(vocabulary->replaced, file.name) != vocabulary->replaced.end() ||
             std::ranges::find(vocabulary->files, file.name, &CompanionFile::name) != vocabulary->files.end();
    });
    files.insert(files.end(), vocabulary->files.begin(), vocabulary->files.end());
  }
  if (!recipe.chat_template.empty()) {
    std::vector<const Source*> sources;
    for (const ModelReference& reference : recipe.models()) sources.push_back(&pool.open(reference, recipe));
    if (const auto text = choose_chat_template(recipe.chat_template, sources, recipe.file)) {
      replace_chat_template(files, *text);
    }
  }
  std::ranges::sort(files, {}, &CompanionFile::name);
  return files;
}

}  // namespace cambium::merge
