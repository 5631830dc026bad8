"""The pages that cambium writes, shown to Chromium on a telephone and on a desk, in light and in dark. usage: report_check.py CAMBIUM [REPORT.html]...

- a small study with every kind of section, and the pages of compare, errors, shift and heads
- no page asks for anything outside of itself or complains in the console; nothing is wider than the screen; no label of a chart lies on another
  or is cut off; boxes that scroll do so by keyboard; pictures have a name; colours have contrast
- with CAMBIUM_SCREENSHOTS=DIR the pictures of the pages are kept. Exit code 77: there is no Chromium.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import headless_browser

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {"telephone": (390, 844), "desk": (1280, 900)}
problems = []


def run(cambium, *words, cwd):
    done = subprocess.run([cambium, *map(str, words)], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        problems.append(f"cambium {words[0]}: exit {done.returncode}: {done.stderr.strip()[-400:]}")
    return done


def recorded_runs(folder):
    """Two runs of forty questions, in the form that compare and errors read."""
    for name, wrong in (("base", 5), ("graft", 3)):
        (folder / name).mkdir()
        for task in ("sums", "a_task_whose_name_is_longer_than_most_names_of_tasks_are"):
            rows = []
            for i in range(40):
                answer = str(i + 7) if i % wrong else f"I see {i} apples and will not say more than that"
                rows.append({"doc_id": i, "doc": {"question": f"What is {i} + 7?"}, "target": str(i + 7), "resps": [[answer]],
                             "filtered_resps": [answer], "filter": "none", "metrics": ["exact_match"],
                             "exact_match": float(answer == str(i + 7))})
            (folder / name / f"samples_{task}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def make_pages(cambium, work):
    pages = {}
    study = work / "study"
    run(cambium, "study", HERE / "report_study.yml", "--out", study, "--cache", work / "cache", "--jobs", "2", cwd=work)
    pages["study"] = study / "report.html"
    text = (study / "report.md").read_text() if (study / "report.md").exists() else ""
    for section in ("Models and tasks", "Contrasts", "Which way back", "Sizes", "Share of text", "The same questions", "Transfer efficiency",
                    "Forgetting", "Parameter shift", "Attention heads", "What kind of answers", "Tuning runs", "How to make"):
        if section not in text:
            problems.append(f"report.md has no section '{section}'")
    for path in (str(work), str(HERE)):
        if path in text or path in (pages["study"].read_text() if pages["study"].exists() else ""):
            problems.append(f"the report names a folder of this machine: {path}")
    recorded_runs(work)
    run(cambium, "compare", "base", "graft", "--html", "compare.html", cwd=work)
    run(cambium, "errors", "base", "graft", "--html", "errors.html", cwd=work)
    models = study / "models/small/s1"
    run(cambium, "shift", "--base", study / "world-s1/initial/llama-0.3m", models / "pictures", models / "mixed", "--html", work / "shift.html",
        "--by", "layer,head,tensor", cwd=study)
    run(cambium, "heads", models / "pictures", "--tasks", "lab_deduction,lab_facts", "--include_path", "world-s1/tasks", "--data_root", "world-s1",
        "--limit", 4, "--html", work / "heads.html", cwd=study)
    for name in ("compare", "errors", "shift", "heads"):
        pages[name] = work / f"{name}.html"
    return pages


def check_page(browser, name, file, screenshots):
    script = (HERE / "page_check.js").read_text()
    for size, (width, height) in SIZES.items():
        for dark in (False, True):
            where = f"{name}, {size}, {'dark' if dark else 'light'}"
            browser.open(file, width, height, dark)
            found = browser.evaluate(script)
            for event in browser.events:
                method, told = event.get("method"), event.get("params", {})
                if method == "Network.requestWillBeSent" and not told["request"]["url"].startswith(("data:", pathlib.Path(file).resolve().as_uri())):
                    found.append(f"asks for {told['request']['url']}")
                if method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                    found.append(told["entry"]["text"])
                if method == "Runtime.exceptionThrown" or method == "Runtime.consoleAPICalled":
                    found.append(json.dumps(told)[:200])
            problems.extend(f"{where}: {each}" for each in found)
            if screenshots:
                browser.screenshot(pathlib.Path(screenshots) / f"{name}-{size}-{'dark' if dark else 'light'}.png")


def main():
    cambium = str(pathlib.Path(sys.argv[1]).resolve())
    program = headless_browser.find()
    if program is None:
        print("report_check: there is no chromium; skipped")
        sys.exit(77)
    screenshots = os.environ.get("CAMBIUM_SCREENSHOTS")
    if screenshots:
        pathlib.Path(screenshots).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        if len(sys.argv) > 2:
            pages = {f"{i}-{pathlib.Path(file).parent.name}": file for i, file in enumerate(sys.argv[2:])}
        else:
            pages = make_pages(cambium, work)
        browser = headless_browser.Browser(program)
        try:
            for name, file in pages.items():
                if pathlib.Path(file).exists():
                    check_page(browser, name, file, screenshots)
        finally:
            browser.close()
    for each in problems:
        print("report_check:", each)
    print(f"report_check: {len(pages)} pages, {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
