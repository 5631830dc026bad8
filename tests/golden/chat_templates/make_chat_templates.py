#!/usr/bin/env python3
"""Render templates/*.jinja over conversations.json with transformers' apply_chat_template (5.23, Jinja2 3.1.6).

    python make_chat_templates.py            # writes conversations.json and golden.jsonl
"""
import datetime as _dt, json, os, sys, warnings
warnings.filterwarnings("ignore")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import jinja2
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
import transformers.utils.chat_template_utils as U

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = _dt.datetime(2024, 7, 5, 9, 3, 7)


class _Now(_dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


U.datetime = _Now
TOKENS = {"llama2": ("<s>", "</s>"), "llama3": ("<|begin_of_text|>", "<|eot_id|>"), "llama31": ("<|begin_of_text|>", "<|eot_id|>"),
          "mistral_v1": ("<s>", "</s>"), "mistral_v3": ("<s>", "</s>"), "qwen2": (None, "<|im_end|>"), "qwen25": (None, "<|im_end|>"),
          "qwen2vl": (None, "<|im_end|>"), "llava15": ("<s>", "</s>"), "llava_onevision": (None, "<|im_end|>"), "vicuna": ("<s>", "</s>"),
          "gemma": ("<bos>", "<eos>"), "gemma3": ("<bos>", "<eos>"), "phi3": ("<s>", "<|endoftext|>"), "smollm2": ("<|im_start|>", "<|im_end|>"),
          "zephyr": ("<s>", "</s>"), "chatml": ("<s>", "<|im_end|>"), "deepseek_v2": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
          "deepseek_v3": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"), "command_r": ("<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>")}
S, Us, A = (lambda t: {"role": "system", "content": t}), (lambda t: {"role": "user", "content": t}), (lambda t: {"role": "assistant", "content": t})
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Get the weather for a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "The city, e.g. \"Paris\" or 東京"},
                                     "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}, "days": {"type": "integer", "description": "How many days"}},
    "required": ["city"]}}}
CALC = {"type": "function", "function": {"name": "calc", "description": "Evaluate <b>an</b> expression & return it's value.", "parameters": {
    "type": "object", "properties": {"terms": {"type": "array", "items": {"type": "number"}, "description": "terms"}}, "required": ["terms"]},
    "return": {"type": "number"}}}


def call(name, args, i="abc123XYZ"):
    return {"role": "assistant", "tool_calls": [{"id": i, "type": "function", "function": {"name": name, "arguments": args}}]}


def img(*parts):
    out = []
    for p in parts:
        out.append({"type": "image"} if p == "<i>" else {"type": "video"} if p == "<v>" else {"type": "text", "text": p})
    return out


C = {
    "user": dict(messages=[Us("Hello!")]),
    "system_user": dict(messages=[S("You are terse."), Us("Who are you?")]),
    "two_turns": dict(messages=[Us("Hi"), A("Hello, how can I help?"), Us("Tell me a joke.")]),
    "system_two_turns": dict(messages=[S("Be kind.\nBe brief."), Us("Hi"), A("Hello"), Us("Bye"), A("Goodbye!")]),
    "ends_with_assistant": dict(messages=[Us("Count to three."), A("1, 2,")]),
    "whitespace": dict(messages=[S("  padded system \n"), Us("\n  padded user  \n"), A("  padded answer\t\n "), Us(" again ")]),
    "unicode": dict(messages=[S("Réponds en français. 日本語も可。"), Us("Ça va ? 😀 \u00a0 “quoted” – <b>&amp;</b>"), A("Très bien… 👍🏽")]),
    "code": dict(messages=[Us("Fix:\n```python\nprint('{{ not a template }}' % {'a': 1})\n```"), A("{% raw %} \\n 'single' \"double\" \\ {% endraw %}"), Us("thanks")]),
    "empty_contents": dict(messages=[S(""), Us(""), A("")]),
    "special_tokens_inside": dict(messages=[Us("<|im_end|> </s> <|eot_id|> [/INST] <end_of_turn>"), A("<s>ok</s>"), Us("<image>\nsee")]),
    "six_turns": dict(messages=[Us("a"), A("b"), Us("c"), A("d"), Us("e"), A("f"), Us("g")]),
    "two_users_in_a_row": dict(messages=[Us("first"), Us("second")]),
    "assistant_first": dict(messages=[A("I start."), Us("ok")]),
    "late_system": dict(messages=[Us("x"), A("y"), S("new rule"), Us("z")]),
    "two_systems": dict(messages=[S("one"), S("two"), Us("go")]),
    "unknown_role": dict(messages=[Us("x"), {"role": "critic", "content": "hm"}]),
    "think": dict(messages=[Us("2+2?"), A("<think>\nfour\n</think>\n\n4"), Us("and 3+3?")]),
    "long": dict(messages=[Us("word " * 200), A("ok " * 50), Us("x" * 400)]),
    "tools_simple": dict(messages=[Us("Weather in Paris?")], tools=[WEATHER]),
    "tools_two_system": dict(messages=[S("Use tools."), Us("Sum 1, 2.5 and weather")], tools=[WEATHER, CALC]),
    "tool_call_and_result": dict(messages=[Us("Weather in Paris?"), call("get_weather", {"city": "Paris", "days": 2}),
                                           {"role": "tool", "tool_call_id": "abc123XYZ", "name": "get_weather", "content": "{\"temp\": 21, \"sky\": \"été\"}"},
                                           A("It is 21 degrees.")], tools=[WEATHER]),
    "tool_result_pending": dict(messages=[S("s"), Us("Weather?"), call("get_weather", {"city": "東京", "unit": "celsius"}),
                                          {"role": "tool", "tool_call_id": "abc123XYZ", "content": "21"}], tools=[WEATHER, CALC]),
    "two_tool_calls": dict(messages=[Us("both"), {"role": "assistant", "content": "Let me see.", "tool_calls": [
        {"id": "aaaaaaaa1", "type": "function", "function": {"name": "calc", "arguments": {"terms": [1, 2.5, -3e-7, True, None, "é\"\\"]}}},
        {"id": "aaaaaaaa2", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]},
        {"role": "tool", "tool_call_id": "aaaaaaaa1", "content": "0.5"}, {"role": "tool", "tool_call_id": "aaaaaaaa2", "content": "rain"}, A("Done.")], tools=[CALC, WEATHER]),
    "bad_tool_call_id": dict(messages=[Us("q"), call("calc", {"terms": []}, "short"), {"role": "tool", "tool_call_id": "short", "content": "0"}], tools=[CALC]),
    "tools_in_system": dict(messages=[S("sys"), Us("q")], tools=[CALC], kwargs={"tools_in_user_message": False}),
    "builtin_tools": dict(messages=[Us("search"), call("brave_search", {"query": "x y", "lang": "en"}), {"role": "ipython", "content": "res"}],
                          kwargs={"builtin_tools": ["brave_search", "code_interpreter", "wolfram_alpha"], "date_string": "01 Jan 2025"}),
    "documents": dict(messages=[Us("What do the documents say?")], documents=[{"title": "A", "text": "alpha"}, {"title": "B", "text": "beta\nline", "n": 3}]),
    "null_content_dropped": dict(messages=[Us("q"), {"role": "assistant", "content": None, "tool_calls": [
        {"id": "abcdefghi", "type": "function", "function": {"name": "calc", "arguments": {"terms": [1]}}}]}], tools=[CALC]),
    "image": dict(messages=[{"role": "user", "content": img("<i>", "What is shown?")}], vision=True),
    "text_then_image": dict(messages=[{"role": "user", "content": img("Look:", "<i>", " and ", "<i>", "Compare.")}, {"role": "assistant", "content": img("Both are cats.")},
                                      {"role": "user", "content": img("Sure?")}], vision=True),
    "system_image": dict(messages=[{"role": "system", "content": img("Describe precisely.")}, {"role": "user", "content": img("<i>", "Go.")}], vision=True),
    "video": dict(messages=[{"role": "user", "content": img("<v>", "What happens?")}], vision=True),
    "image_and_video_ids": dict(messages=[{"role": "user", "content": img("<i>", "<v>", "<i>", "Which?")}, {"role": "assistant", "content": img("The second.")},
                                          {"role": "user", "content": [{"type": "image", "image": "x.png"}, {"type": "text", "text": "and this"}]}],
                                kwargs={"add_vision_id": True}, vision=True),
    "mixed_string_and_list": dict(messages=[{"role": "user", "content": "plain"}, {"role": "assistant", "content": img("listed")}, {"role": "user", "content": img("<i>", "x")}], vision=True),
    "list_ends_with_assistant": dict(messages=[{"role": "user", "content": img("<i>", "Caption")}, {"role": "assistant", "content": img("A photo of")}], vision=True),
    "empty_list": dict(messages=[{"role": "user", "content": []}, {"role": "assistant", "content": img("?")}], vision=True),
    "only_text_lists": dict(messages=[{"role": "user", "content": img("one", "two")}], vision=True),
    "image_first_image_last": dict(messages=[{"role": "user", "content": img("<i>", "mid", "<i>")}, {"role": "assistant", "content": img("ok")},
                                             {"role": "user", "content": img("é 😀")}, {"role": "assistant", "content": img("fin ")}], vision=True),
}
VISION = {"qwen2vl", "llava15", "llava_onevision", "gemma3"}


def tokenizer(bos, eos):
    kw = {k: v for k, v in (("bos_token", bos), ("eos_token", eos)) if v}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, unk_token="x")), **kw)


def render(tok, template, case, gen, cont):
    try:
        r = tok.apply_chat_template(case["messages"], chat_template=template, tools=case.get("tools"), documents=case.get("documents"), tokenize=False,
                                    add_generation_prompt=gen, continue_final_message=cont, **case.get("kwargs", {}))
        return {"rendered": r}
    except jinja2.exceptions.TemplateError as e:
        return {"error": type(e).__name__, "message": str(e.message)}
    except Exception as e:  # noqa: BLE001
        return {"error": type(e).__name__}


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def run(here, tokens, cases, vision):
    out, counts = [], {}
    for f in sorted(os.listdir(os.path.join(here, "templates"))):
        name = f[:-len(".jinja")]
        template = open(os.path.join(here, "templates", f), encoding="utf-8").read()
        bos, eos = tokens[name]
        tok = tokenizer(bos, eos)
        for cid, case in cases.items():
            if case.get("vision") and name not in vision or not case.get("vision") and name in vision and name.startswith("llava") and cid not in ("user", "two_turns"):
                continue
            ends = case["messages"][-1]["role"] == "assistant" and "content" in case["messages"][-1]
            for gen, cont in ((False, False), (True, False)) + (((False, True),) if ends else ()):
                r = render(tok, template, case, gen, cont)
                row = {"template": name, "bos_token": bos, "eos_token": eos, "case": cid, "add_generation_prompt": gen, "continue_final_message": cont, **r}
                out.append(row)
                k = counts.setdefault(name, [0, 0])
                k["error" in r] += 1
    write_text(os.path.join(here, "golden.jsonl"), "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in out))
    json.dump({"now": NOW.isoformat(), "cases": cases}, open(os.path.join(here, "conversations.json"), "w", encoding="utf-8"), ensure_ascii=False, indent=1)
    for n, (a, b) in counts.items():
        print(f"{n:20s} {a} rendered, {b} errors")
    print(len(out), "rows")
    return out


if __name__ == "__main__":
    rows = run(HERE, TOKENS, C, VISION)
    if "-v" in sys.argv:
        for r in rows:
            if "error" in r:
                print(r["template"], r["case"], r["add_generation_prompt"], r["continue_final_message"], r["error"], r.get("message", "")[:80])
