"""The cases of engine_bench with transformers and llama.cpp (xllamacpp), one JSON line each.

usage: engine_peers.py MODEL_FOLDER [--gguf FILE] [--only transformers|llama.cpp] [--threads N] [--dtype bfloat16|float32] [--repeat N]

FILE is a GGUF of the same weights in bfloat16 (make_bf16_gguf.py). Needs torch, transformers, xllamacpp.
"""
import argparse
import json
import time

CASES = [("decode 1", 1, 32, 96), ("decode 4", 4, 32, 48), ("decode 16", 16, 32, 48), ("prefill 8x512", 8, 512, 1)]


def report(engine, case, rate):
    print(json.dumps({"engine": engine, "case": case, "tokens_per_second": round(rate, 1)}), flush=True)


def run_transformers(args):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(args.threads)
    begin = time.time()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype)).eval()
    print(json.dumps({"engine": "transformers", "case": "load", "seconds": round(time.time() - begin, 3)}), flush=True)
    vocab = model.config.vocab_size
    for name, rows, prompt, fresh in CASES:
        best = 0
        for i in range(args.repeat):
            torch.manual_seed(i)
            ids = torch.randint(100, vocab, (rows, prompt))
            with torch.inference_mode():
                begin = time.time()
                if fresh == 1:
                    model(ids, logits_to_keep=1)
                    best = max(best, rows * prompt / (time.time() - begin))
                    continue
                past = model(ids, logits_to_keep=1).past_key_values
                last = ids[:, -1:]
                begin = time.time()
                for _ in range(fresh - 1):
                    last = model(last, past_key_values=past).logits[:, -1:].argmax(-1)
                best = max(best, rows * (fresh - 1) / (time.time() - begin))
        report("transformers", name, best)


def run_llama(args):
    import random

    import xllamacpp

    for name, rows, prompt, fresh in CASES:
        params = xllamacpp.CommonParams()
        params.model.path = args.gguf
        params.n_parallel = rows
        params.n_ctx = rows * (prompt + fresh + 8)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = args.threads
        params.n_batch = params.n_ubatch = 512
        params.verbosity = -1
        params.warmup = True
        server = xllamacpp.Server(params)
        best = 0
        for i in range(args.repeat):
            random.seed(i)
            prompts = [[random.randrange(100, 49000) for _ in range(prompt)] for _ in range(rows)]
            answers = []
            begin = time.time()
            server.handle_completions(json.dumps({"prompt": prompts, "n_predict": fresh, "temperature": 0, "ignore_eos": True,
                                                  "cache_prompt": False}), lambda a: answers.append(a) or False)
            wall = time.time() - begin
            answer = answers[0] if not isinstance(answers[0], (str, bytes)) else json.loads(answers[0])
            results = answer if isinstance(answer, list) else [answer]
            timings = [r.get("timings") for r in results if r.get("timings")]
            if fresh == 1:
                best = max(best, rows * prompt / wall)
            elif rows == 1 and timings:
                best = max(best, timings[0]["predicted_per_second"])
            else:
                best = max(best, rows * fresh / wall)  # with the prompts, which are short
        report("llama.cpp", name, best)


parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--gguf")
parser.add_argument("--only")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--dtype", default="bfloat16")
parser.add_argument("--repeat", type=int, default=3)
args = parser.parse_args()
if args.only in (None, "llama.cpp") and args.gguf:
    run_llama(args)
if args.only in (None, "transformers"):
    run_transformers(args)
