"""The peers' side of engine_table.py: runs the cases that standard input asks for and answers each with a JSON line.

usage: engine_peers.py transformers MODEL_FOLDER | llama.cpp FILE.gguf   [--threads N] [--dtype bfloat16|float32]

Cases and answers are those of engine_bench. Needs torch and transformers, or xllamacpp.
"""
import argparse
import json
import random
import sys
import time


def passed(begin):
    wall, cpu = begin
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def now():
    return time.perf_counter(), time.process_time()


def prompts_of(case, vocab):
    draw = random.Random(case["seed"])
    return [[draw.randrange(100, vocab) for _ in range(case["prompt"])] for _ in range(case["rows"])]


class Transformers:
    def __init__(self, args):
        import torch
        from transformers import AutoModelForCausalLM

        self.torch = torch
        torch.set_num_threads(args.threads)
        begin = now()
        self.model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype)).eval()
        self.load_seconds = passed(begin)["seconds"]

    def run(self, case):
        ids = self.torch.tensor(prompts_of(case, self.model.config.vocab_size))
        begin = now()
        with self.torch.inference_mode():
            answer = self.model(ids, logits_to_keep=1, use_cache=True)
            last = answer.logits[:, -1:].argmax(-1)
            for _ in range(case["new"] - 1):
                answer = self.model(last, past_key_values=answer.past_key_values, use_cache=True)
                last = answer.logits[:, -1:].argmax(-1)
        return passed(begin)


class LlamaCpp:
    def __init__(self, args):
        import xllamacpp

        self.xllamacpp, self.args, self.sizes, self.server = xllamacpp, args, None, None
        begin = now()
        self.serve(1, 64)
        self.load_seconds = passed(begin)["seconds"]

    def serve(self, rows, context):
        if self.sizes == (rows, context):
            return
        self.sizes, self.server = (rows, context), None
        params = self.xllamacpp.CommonParams()
        params.model.path = self.args.model
        params.n_parallel = rows
        params.n_ctx = rows * context
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self.args.threads
        params.verbosity = -1
        params.cache_ram_mib = 0
        self.server = self.xllamacpp.Server(params)

    def run(self, case):
        self.serve(case["rows"], case["prompt"] + case["context_for"] + 8)
        request = {"prompt": prompts_of(case, 49000), "n_predict": case["new"], "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        begin = now()
        self.server.handle_completions(json.dumps(request), lambda answer: False)
        return passed(begin)


parser = argparse.ArgumentParser()
parser.add_argument("peer", choices=["transformers", "llama.cpp"])
parser.add_argument("model")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--dtype", default="bfloat16")
args = parser.parse_args()
out = sys.stdout
sys.stdout = sys.stderr
peer = Transformers(args) if args.peer == "transformers" else LlamaCpp(args)
print(json.dumps({"load_seconds": peer.load_seconds}), file=out, flush=True)
for line in sys.stdin:
    print(json.dumps(peer.run(json.loads(line))), file=out, flush=True)
