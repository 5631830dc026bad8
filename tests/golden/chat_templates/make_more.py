#!/usr/bin/env python3
"""Renders more/*.jinja over the conversations of make_chat_templates.py and those below, with the spans that `{% generation %}` marks.

    python make_more.py      # writes more.jsonl; needs transformers
"""
import json
import os
import re

import make_chat_templates as base
import transformers.utils.chat_template_utils as utils

HERE = os.path.dirname(os.path.abspath(__file__))
S, U, A, WEATHER = base.S, base.Us, base.A, base.WEATHER
PLAN = {"type": "function", "function": {"name": "plan", "description": "Plan a trip through several cities, with a budget & \"extras\".", "parameters": {
    "type": "object", "required": ["stops", "mode"], "properties": {
        "stops": {"type": "array", "items": {"type": "object", "properties": {"nights": {"type": "integer"}, "city": {"type": "string"}}, "required": ["city"]}},
        "mode": {"type": "string", "enum": ["car", "train"], "default": "train"}, "budget": {"type": ["number", "null"]},
        "flags": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "boolean"}}], "default": []}, "meta": {"type": "object"}, "any": {}}}, "return": {"type": "string"}}}
NOW = {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}


def call(arguments, **more):
    return {"role": "assistant", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}], **more}


CASES = dict(base.C)
CASES["rich_tools"] = dict(messages=[S("sys"), U("plan it")], tools=[PLAN, NOW, WEATHER])
CASES["reasoning"] = dict(messages=[U("2+2?"), {"role": "assistant", "content": "4", "reasoning_content": "\nadd them\n"}, U("and 3?"),
                                    {"role": "assistant", "content": "6", "thinking": "double"}], kwargs={"enable_thinking": False})
CASES["reasoning_tools"] = dict(messages=[U("w?"), call({"city": "Oslo", "days": [1, 2.0]}, content="", reasoning="need it"),
                                          {"role": "tool", "tool_call_id": "abcdefghi", "content": "rain"}, A("<think>\nso\n</think>\n\nIt rains.")], tools=[WEATHER])
CASES["string_arguments"] = dict(messages=[U("w?"), call("{\"city\": \"Oslo\"}", content=None), {"role": "tool", "tool_call_id": "abcdefghi", "content": "rain"}])
CASES["controls"] = dict(messages=[U("q")], documents=[{"doc_id": 7, "title": "T", "text": "x"}, {"text": "no title"}], kwargs={"controls": {"citations": True}, "thinking": True})
CASES["text_blocks"] = dict(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}, A("c")])


def spans(template, case, generation_prompt):
    messages = utils._alias_reasoning_fields([{k: v for k, v in m.items() if v is not None} for m in case["messages"]])
    _, found = utils._render_with_assistant_indices(utils._compile_jinja_template(template), messages, case.get("tools"), case.get("documents"),
                                                    generation_prompt, bos_token="<s>", eos_token="</s>", **case.get("kwargs", {}))
    return found


def main():
    tokenizer = base.tokenizer("<s>", "</s>")
    rows = []
    for file in sorted(os.listdir(os.path.join(HERE, "more"))):
        template = open(os.path.join(HERE, "more", file), encoding="utf-8").read()
        for name, case in CASES.items():
            ends = case["messages"][-1]["role"] == "assistant" and "content" in case["messages"][-1]
            for prompt, resume in ((False, False), (True, False)) + (((False, True),) if ends else ()):
                row = {"template": file, "case": name, "add_generation_prompt": prompt, "continue_final_message": resume,
                       **base.render(tokenizer, template, case, prompt, resume)}
                if "rendered" in row and not resume and re.search("generation %}", template):
                    row["generated"] = spans(template, case, prompt)
                rows.append(row)
    with open(os.path.join(HERE, "more_conversations.json"), "w", encoding="utf-8") as out:
        json.dump({"now": base.NOW.isoformat(), "cases": {k: v for k, v in CASES.items() if k not in base.C}}, out, ensure_ascii=False, indent=1)
    with open(os.path.join(HERE, "more.jsonl"), "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(len(rows), "rows,", sum("error" in row for row in rows), "errors")


if __name__ == "__main__":
    main()
