#include "model/engine/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "model/engine/prompt_tree.h"
#include "model/native/row_kernels.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

constexpr std::size_t kNone = PromptTree::kNone;
constexpr std::size_t kBlock = BlockPool::kBlockTokens;

std::size_t blocks_for(std::size_t tokens) { return (tokens + kBlock - 1) / kBlock; }

// A stretch of prompt tokens, or what is generated behind one.
struct Branch {
  std::size_t parent = kNone;
  std::vector<std::size_t> children;
  std::size_t job = 0;              // whose tokens these are
  std::size_t first = 0, last = 0;  // of a prompt stretch; a generation begins at `first`
  bool generates = false;
  std::int64_t rope_length = 0;          // 0: that of the sequence at the time
  std::vector<std::size_t> ending_jobs;  // whose last token is this stretch's

  // What is wanted of the logits at a position; exactly one of the three.
  struct Use {
    std::size_t position;
    const Job::Target* target;
    const Job::Tap* tap;
    std::size_t generation;
  };
  std::vector<Use> uses;

  std::vector<BlockId> blocks;
  std::size_t computed = 0;           // tokens of the sequence whose keys and values are there
  std::vector<std::int32_t> context;  // generation: prompt and new tokens
  SampledToken sampled;

  std::size_t need = 0;        // blocks that this branch and the deepest path below it take
  std::size_t unstarted = 0;   // children
  std::size_t unfinished = 0;  // children's subtrees, and itself
  bool borrowed = false;       // its reservation is a part of the parent's
  bool spare = false;          // computed, and the part of its reservation for a child is free
};

class Run {
 public:
  Run(DecoderBackend& backend, const EngineOptions& options, RetainedPrefixes& retained, std::span<Job> jobs,
      EngineStatistics& statistics, const std::function<void(std::size_t)>& finished)
      : backend_(backend),
        cache_(backend.cache()),
        options_(options),
        retained_(retained),
        jobs_(jobs),
        statistics_(statistics),
        finished_(finished) {
    plant();
  }

  ~Run() {
    for (Branch& branch : branches_) release(branch);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void run() {
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    while (compose()) {
      const bool prompts = prompt_rows_ > 0;
      backend_.step(step_, wanted_, [this](std::size_t index, std::span<float> logits) { use(index, logits); });
      ++statistics_.steps;
      settle();
      statistics_.seconds = seconds();
      if (prompts) statistics_.prompt_seconds = statistics_.seconds;
    }
  }

 private:
  // ---- the tree ----

  [[nodiscard]] std::int64_t own_rope_length(const Job& job) const {
    const auto length = static_cast<std::int64_t>(job.ids.size());
    for (const RopeConfig& rope : backend_.config().ropes) {
      if (length > rope.fixed_up_to()) return length;
    }
    return 0;
  }

  // What the model reads at each position, as numbers: ids, or negative ones for rows that stand in.
  static std::vector<std::int64_t> keys(const Job& job) {
    std::vector<std::int64_t> keys(job.ids.begin(), job.ids.end());
    for (const EmbeddingRows& rows : job.prompt->embeddings) {
      for (std::size_t i = 0; i < rows.count; ++i) {
        const std::uint64_t mixed = (rows.identity ^ (i + 1) * 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
        keys[rows.position + i] = -1 - static_cast<std::int64_t>(mixed >> 2U);
      }
    }
    return keys;
  }

  void plant() {
    // Sequences that see different heads, or other rope frequencies, share nothing.
    std::map<std::pair<const HeadMask*, std::int64_t>, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      groups[{jobs_[i].prompt->heads_off.get(), own_rope_length(jobs_[i])}].push_back(i);
      statistics_.prompt_tokens += jobs_[i].ids.size();
    }
    std::vector<std::size_t> roots;
    for (const auto& [group, members] : groups) plant_group(group.second, members, roots);
    for (const std::size_t root : roots) (void)measure(root);
    ready_.assign(roots.rbegin(), roots.rend());
    starts_.resize(branches_.size(), 0);
  }

  void plant_group(std::int64_t rope_length, const std::vector<std::size_t>& members, std::vector<std::size_t>& roots) {
    std::vector<std::vector<std::int64_t>> sequences;
    for (const std::size_t job : members) sequences.push_back(keys(jobs_[job]));
    const PromptTree tree(sequences);
    const std::size_t base = branches_.size();
    for (const PromptTree::Node& node : tree.nodes()) {
      Branch branch;
      branch.parent = node.parent == kNone ? kNone : base + node.parent;
      for (const std::size_t child : node.children) branch.children.push_back(base + child);
      branch.job = members[node.sequence];
      branch.first = branch.computed = node.first;
      branch.last = node.last;
      branch.rope_length = rope_length;
      branches_.push_back(std::move(branch));
    }
    for (const std::size_t root : tree.roots()) roots.push_back(base + root);
    for (std::size_t i = 0; i < members.size(); ++i) {
      Job& job = jobs_[members[i]];
      const std::size_t end = base + tree.end_of(i);
      branches_[end].ending_jobs.push_back(members[i]);
      for (const Job::Target& target : job.targets) {
        branches_[base + tree.node_at(i, target.position)].uses.push_back({target.position, &target, nullptr, kNone});
      }
      for (const Job::Tap& tap : job.taps) {
        branches_[base + tree.node_at(i, tap.position)].uses.push_back({tap.position, nullptr, &tap, kNone});
      }
      if (job.request != nullptr) {
        Branch branch;
        branch.parent = end;
        branch.job = members[i];
        branch.generates = true;
        branch.first = branch.computed = job.ids.size();
        branches_[end].children.push_back(branches_.size());
        branches_[end].uses.push_back({job.ids.size() - 1, nullptr, nullptr, branches_.size()});
        branches_.push_back(std::move(branch));
      }
    }
    for (std::size_t i = base; i < branches_.size(); ++i) {
      std::stable_sort(branches_[i].uses.begin(), branches_[i].uses.end(),
                       [](const Branch::Use& a, const Branch::Use& b) { return a.position < b.position; });
      branches_[i].unstarted = branches_[i].children.size();
      branches_[i].unfinished = branches_[i].children.size() + 1;
    }
  }

  // Blocks from the first one that a branch does not simply share with its parent, down the deepest path.
  std::size_t measure(std::size_t index) {
    Branch& branch = branches_[index];
    std::size_t begin = branch.first, end = branch.last;
    if (branch.generates) {
      end = std::min(branch.first + jobs_[branch.job].request->max_new_tokens, context_length(backend_.config()));
      if (reads_again_before(end)) begin = 0;
    }
    std::size_t below = 0;
    for (const std::size_t child : branch.children) below = std::max(below, measure(child));
    branch.need = blocks_for(end) - begin / kBlock + below;
    return branch.need;
  }

  // ---- memory ----

  void release(Branch& branch) {
    for (const BlockId block : branch.blocks) cache_.remove_holder(block);
    branch.blocks.clear();
  }

  // Makes the blocks ready for tokens up to `end`: the last one its own, new ones behind it.
  void extend(Branch& branch, std::size_t end) {
    if (branch.computed % kBlock != 0) {
      BlockId& last = branch.blocks[branch.computed / kBlock];
      if (cache_.holders(last) > 1) {
        const BlockId own = cache_.copy(last);
        cache_.remove_holder(last);
        last = own;
      }
    }
    while (branch.blocks.size() < blocks_for(end)) branch.blocks.push_back(cache_.allocate());
  }

  // Sets blocks aside for the branch, the parent's share for a child if that is free; false if there are not enough.
  bool reserve(Branch& branch) {
    if (branch.parent != kNone && branches_[branch.parent].spare) {
      branches_[branch.parent].spare = false;
      branch.borrowed = true;
      return true;
    }
    while (reserved_ + retained_.blocks() + branch.need > cache_.max_blocks()) {
      if (reserved_ + branch.need > cache_.max_blocks() || !retained_.drop_oldest()) return false;
    }
    reserved_ += branch.need;
    return true;
  }

  bool start(std::size_t index) {
    Branch& branch = branches_[index];
    if (!reserve(branch)) return false;
    if (branch.parent == kNone) {
      begin_with_retained(branch);
      return true;
    }
    Branch& parent = branches_[branch.parent];
    if (--parent.unstarted == 0) {
      branch.blocks = std::exchange(parent.blocks, {});
    } else {
      branch.blocks = parent.blocks;
      for (const BlockId block : branch.blocks) cache_.add_holder(block);
    }
    return true;
  }

  void begin_with_retained(Branch& branch) {
    if (branch.rope_length != 0) return;
    const Job& job = jobs_[branch.job];
    std::vector<std::int64_t> tokens = keys(job);
    // The last token is computed anew, and so is every one whose logits are wanted.
    std::size_t most = branch.last - 1;
    if (!branch.uses.empty()) most = std::min(most, branch.uses.front().position);
    tokens.resize(most);
    RetainedPrefixes::Match match = retained_.find(tokens, job.prompt->heads_off.get());
    branch.blocks = std::move(match.blocks);
    branch.computed = match.tokens;
  }

  // The whole subtree below and with a branch is done.
  void finish(std::size_t index) {
    Branch& branch = branches_[index];
    if (--branch.unfinished > 0) return;
    release(branch);
    if (branch.parent == kNone) {
      reserved_ -= branch.need;
      return;
    }
    if (branch.borrowed) {
      branches_[branch.parent].spare = true;
    } else if (starts_[index] != 0) {
      reserved_ -= branch.need;
    }
    finish(branch.parent);
  }

  // ---- one step ----

  // A row of the step whose logits are wanted, and the uses [begin, end) of its branch.
  struct WantedRow {
    std::size_t branch, begin, end;
  };

  // The next `count` tokens of a branch join the step.
  void include(std::size_t index, std::size_t count) {
    Branch& branch = branches_[index];
    const Job& job = jobs_[branch.job];
    extend(branch, branch.computed + count);
    const std::int32_t* ids = branch.generates ? branch.context.data() : job.ids.data();
    StepSequence sequence;
    sequence.blocks = branch.blocks;
    sequence.first_position = static_cast<std::int64_t>(branch.computed);
    sequence.ids = {ids + branch.computed, count};
    sequence.rope_length = branch.generates ? static_cast<std::int64_t>(branch.context.size()) : branch.rope_length;
    sequence.heads_off = job.prompt->heads_off.get();
    rows_of_embeddings_.push_back(embedding_rows(*job.prompt, branch.computed, count));
    sequence.embeddings = rows_of_embeddings_.back();
    const std::size_t end = branch.computed + count;
    if (branch.generates) {
      if (end == branch.context.size()) {
        wanted_.push_back(rows_ + count - 1);
        wanted_rows_.push_back({index, 0, 0});
      }
    } else {
      statistics_.computed_tokens += count;
      prompt_rows_ += count;
      include_uses(index, end);
    }
    included_.push_back({index, count});
    step_.push_back(sequence);
    rows_ += count;
  }

  void include_uses(std::size_t index, std::size_t end) {
    const Branch& branch = branches_[index];
    const auto by_position = [](const Branch::Use& use, std::size_t position) { return use.position < position; };
    auto use = std::lower_bound(branch.uses.begin(), branch.uses.end(), branch.computed, by_position);
    while (use != branch.uses.end() && use->position < end) {
      const auto next = std::lower_bound(use, branch.uses.end(), use->position + 1, by_position);
      wanted_.push_back(rows_ + use->position - branch.computed);
      wanted_rows_.push_back({index, static_cast<std::size_t>(use - branch.uses.begin()),
                              static_cast<std::size_t>(next - branch.uses.begin())});
      use = next;
    }
  }

  // Rows that stand in for tokens first .. first + count - 1; empty if there are none.
  [[nodiscard]] std::vector<const float*> embedding_rows(const Prompt& prompt, std::size_t first,
                                                         std::size_t count) const {
    std::vector<const float*> rows;
    const auto hidden = static_cast<std::size_t>(backend_.config().hidden_size);
    for (const EmbeddingRows& given : prompt.embeddings) {
      for (std::size_t i = 0; i < given.count; ++i) {
        const std::size_t position = given.position + i;
        if (position < first || position >= first + count) continue;
        rows.resize(count, nullptr);
        rows[position - first] = given.values->data() + i * hidden;
      }
    }
    return rows;
  }

  // Fills step_; false when nothing is left to do.
  bool compose() {
    step_.clear();
    wanted_.clear();
    wanted_rows_.clear();
    included_.clear();
    rows_of_embeddings_.clear();
    rows_ = prompt_rows_ = 0;
    for (const std::size_t index : generating_) {
      const Branch& branch = branches_[index];
      if (rows_ >= options_.step_tokens + options_.max_sequences) break;
      include(index, std::min(branch.context.size() - branch.computed, options_.step_tokens));
    }
    std::size_t budget = options_.step_tokens;
    for (const std::size_t index : reading_) {
      if (budget == 0) break;
      const Branch& branch = branches_[index];
      const std::size_t count = std::min(budget, branch.last - branch.computed);
      budget -= count;
      include(index, count);
    }
    start_ready(budget);
    if (!step_.empty()) return true;
    if (ready_.empty()) return false;
    const Branch& stuck = branches_[ready_.back()];
    throw SystemError(
        fmt::format("a sequence needs {} blocks of 32 tokens in the key-value cache, which has {}; give it more memory",
                    stuck.need, cache_.max_blocks()));
  }

  void start_ready(std::size_t budget) {
    bool full = false;  // no place for a generation: reading on would only fill the cache
    for (std::size_t i = ready_.size(); i > 0 && !full; --i) {
      const std::size_t index = ready_[i - 1];
      const bool generates = branches_[index].generates;
      if (generates && generating_.size() >= options_.max_sequences) {
        full = true;
        continue;
      }
      if (!generates && budget == 0) break;
      if (!start(index)) {
        // What borrows from its parent can always go on; anything else waits for memory.
        if (branches_[index].parent == kNone) break;
        continue;
      }
      starts_[index] = 1;
      ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(i) - 1);
      const Branch& branch = branches_[index];
      if (generates) {
        generating_.push_back(index);
        include(index, std::min(branch.context.size() - branch.computed, options_.step_tokens));
      } else {
        reading_.push_back(index);
        const std::size_t count = std::min(budget, branch.last - branch.computed);
        budget -= count;
        include(index, count);
      }
    }
  }

  // On the backend's threads: everything that is wanted of one row.
  void use(std::size_t index, std::span<float> logits) {
    const WantedRow& row = wanted_rows_[index];
    Branch& branch = branches_[row.branch];
    if (branch.generates) {
      branch.sampled = draw(branch.job, branch.context, logits);
      return;
    }
    LogitSummary summary;
    bool summarized = false;
    for (std::size_t i = row.begin; i < row.end; ++i) {
      const Branch::Use& use = branch.uses[i];
      if (use.target != nullptr) {
        if (!summarized) summary = summarize_logits(logits.data(), logits.size());
        summarized = true;
        const auto id = static_cast<std::size_t>(use.target->id);
        *use.target->log_probability = static_cast<double>(logits[id]) - summary.log_sum_exp;
        *use.target->greedy = summary.best == id ? 1 : 0;
      } else if (use.tap != nullptr) {
        use.tap->request->receive(use.tap->index, logits);
      } else {
        Branch& generation = branches_[use.generation];
        generation.sampled = draw(generation.job, jobs_[generation.job].ids, logits);
      }
    }
  }

  [[nodiscard]] SampledToken draw(std::size_t job, std::span<const std::int32_t> context,
                                  std::span<const float> logits) const {
    const GenerateRequest& request = *jobs_[job].request;
    return sample(logits, context, request.sampling, jobs_[job].generation->ids.size());
  }

  // ---- after a step ----

  void settle() {
    for (const auto& [index, count] : included_) {
      Branch& branch = branches_[index];
      branch.computed += count;
      if (branch.generates && branch.computed == branch.context.size()) {
        if (!accept(index)) end_generation(index);
      } else if (!branch.generates && branch.computed == branch.last) {
        end_prompt(index);
      }
    }
    std::erase_if(generating_, [&](std::size_t index) { return branches_[index].unfinished == 0; });
    std::erase_if(reading_, [&](std::size_t index) { return branches_[index].computed == branches_[index].last; });
  }

  // Takes the sampled token into the generation; false if it was the last.
  bool accept(std::size_t index) {
    Branch& branch = branches_[index];
    Job& job = jobs_[branch.job];
    const GenerateRequest& request = *job.request;
    Generation& generation = *job.generation;
    const SampledToken token = branch.sampled;
    generation.ids.push_back(token.id);
    generation.log_probabilities.push_back(token.log_probability);
    ++statistics_.generated_tokens;
    const bool wanted = !request.on_token || request.on_token(token);
    const std::size_t length = job.ids.size() + generation.ids.size();
    if (std::find(request.stop_ids.begin(), request.stop_ids.end(), token.id) != request.stop_ids.end()) {
      generation.reason = StopReason::kStopToken;
    } else if (!wanted) {
      generation.reason = StopReason::kCaller;
    } else if (generation.ids.size() >= request.max_new_tokens) {
      generation.reason = StopReason::kLength;
    } else if (length >= context_length(backend_.config())) {
      generation.reason = StopReason::kContext;
    } else {
      if (branch.context.empty()) branch.context = job.ids;
      branch.context.push_back(token.id);
      if (must_read_again(branch)) {
        release(branch);
        branch.computed = 0;
      }
      return true;
    }
    return false;
  }

  // Longrope's frequencies change for good at one length: what was computed with the short ones is computed anew.
  [[nodiscard]] bool must_read_again(const Branch& branch) const {
    return reads_again_before(branch.context.size()) && !reads_again_before(branch.context.size() - 1);
  }

  [[nodiscard]] bool reads_again_before(std::size_t length) const {
    for (const RopeConfig& rope : backend_.config().ropes) {
      if (rope.type == RopeConfig::Type::kLongRope && static_cast<std::int64_t>(length) > rope.fixed_up_to())
        return true;
    }
    return false;
  }

  void end_generation(std::size_t index) {
    Branch& branch = branches_[index];
    const std::size_t job = branch.job;
    if (branch.computed > branch.first) retain(branch, branch.context);
    finish(index);
    finished_(job);
  }

  void end_prompt(std::size_t index) {
    branches_[index].spare = true;
    const std::vector<std::size_t> ending = branches_[index].ending_jobs, children = branches_[index].children;
    bool goes_on = false;
    // The first child is to be on top.
    for (std::size_t i = children.size(); i > 0; --i) {
      if (branches_[children[i - 1]].generates) continue;
      ready_.push_back(children[i - 1]);
      goes_on = true;
    }
    for (const std::size_t child : children) {
      if (!branches_[child].generates) continue;
      if (jobs_[branches_[child].job].request->max_new_tokens > 0 && accept(child)) {
        ready_.push_back(child);
        goes_on = true;
      } else {
        --branches_[index].unstarted;
        end_generation(child);
      }
    }
    if (!goes_on) retain(branches_[index], jobs_[branches_[index].job].ids);
    finish(index);
    for (const std::size_t job : ending) {
      if (jobs_[job].request == nullptr) finished_(job);
    }
  }

  // Hands a finished sequence's blocks to the retained prefixes.
  void retain(Branch& branch, std::span<const std::int32_t> ids) {
    if (options_.retained_blocks == 0 || branch.rope_length != 0 || branch.blocks.empty()) return;
    const Job& job = jobs_[branch.job];
    std::vector<std::int64_t> tokens = keys(job);
    for (std::size_t i = tokens.size(); i < ids.size(); ++i) tokens.push_back(ids[i]);
    tokens.resize(std::min(branch.computed, tokens.size()));
    for (const RopeConfig& rope : backend_.config().ropes) {
      if (static_cast<std::int64_t>(tokens.size()) > rope.fixed_up_to()) return;
    }
    retained_.keep(std::move(tokens), job.prompt->heads_off, std::exchange(branch.blocks, {}));
  }

  DecoderBackend& backend_;
  BlockPool& cache_;
  const EngineOptions& options_;
  RetainedPrefixes& retained_;
  std::span<Job> jobs_;
  EngineStatistics& statistics_;
  const std::function<void(std::size_t)>& finished_;

  std::vector<Branch> branches_;
  std::vector<std::uint8_t> starts_;               // branches with a reservation of their own or borrowed
  std::vector<std::size_t> ready_;                 // may be started; the last one first
  std::vector<std::size_t> reading_, generating_;  // started
  std::size_t reserved_ = 0;

  std::vector<StepSequence> step_;
  std::vector<std::size_t> wanted_;
  std::vector<WantedRow> wanted_rows_;
  std::vector<std::pair<std::size_t, std::size_t>> included_;
  std::vector<std::vector<const float*>> rows_of_embeddings_;
  std::size_t rows_ = 0, prompt_rows_ = 0;
};

}  // namespace

void run_schedule(DecoderBackend& backend, const EngineOptions& options, RetainedPrefixes& retained,
                  std::span<Job> jobs, EngineStatistics& statistics,
                  const std::function<void(std::size_t job)>& finished) {
  if (!jobs.empty()) Run(backend, options, retained, jobs, statistics, finished).run();
}

}  // namespace cambium::model
