"""The peer's side of tokenizer_table.py: Hugging Face's `tokenizers` in one thread, one JSON line a round.

usage: tokenizer_peer.py MODEL_FOLDER TEXTS.jsonl          (answers each line of standard input with a round's figures)
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import tokenizers  # noqa: E402  (reads the variables above)

texts = [json.loads(line)["text"] for line in open(sys.argv[2], encoding="utf-8")]
for _ in sys.stdin:
    begin = time.process_time()
    tokenizer = tokenizers.Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
    load = time.process_time() - begin
    begin = time.process_time()
    tokens, ids = 0, []
    for text in texts:
        ids.append(tokenizer.encode(text, add_special_tokens=False).ids)
    encode = time.process_time() - begin
    begin = time.process_time()
    decoded = sum(len(tokenizer.decode(one, skip_special_tokens=False)) for one in ids)
    print(json.dumps({"tokens": sum(map(len, ids)), "load_seconds": load, "encode_seconds": encode, "decoded": decoded,
                      "decode_seconds": time.process_time() - begin}), flush=True)
