"""A study's report in headless Chromium: usage: report_check.py CAMBIUM. Skipped where there is no Chromium.

Runs a small study in the embedded world (no training), then loads report.html at the width of a desk and of a phone, light and dark:
no message on the console, no request leaves the page, nothing is wider than the window, every picture has a text.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

STUDY = """study: small
title: A small study
seeds: [1]
world: {pictures: 20, clips: 4, sounds: 4, train-rows: 60, test-rows: 8, test-media: 3, models: llama-0.3m}
bases:
  llama: {model: "${world}/initial/llama-0.3m"}
evaluate: [--include_path, "${world}/tasks", --data_root, "${world}", --apply_chat_template]
tasks:
  language: [lab_facts, lab_deduction]
  knowledge: [lab_picture_knowledge]
arms:
  base: {model: "${base.model}"}
  scaled: {recipe: {merge_method: linear, models: [{model: "${arm.base}", parameters: {weight: 0.7}}], parameters: {normalize: false}}}
sweeps:
  scale:
    grid: {weight: [0.5, 1, 2]}
    recipe: {merge_method: linear, models: [{model: "${arm.base}", parameters: {weight: "${weight}"}}], parameters: {normalize: false}}
    reference: scaled
    target: base
    keep: knowledge
    gain: language
contrasts:
- {first: base, second: scaled, group: language, expect: lower}
measures:
  shift: {kind: shift, title: Shift, command: [shift, --base, "${arm.base}", "${arm.base}", --by, tensor, --json]}
"""
# Measures the page from within and leaves the numbers in its title, where --dump-dom finds them.
PROBE = """<script>addEventListener('load',()=>{
const wide=[...document.querySelectorAll('main>*,section>*')].filter(e=>e.getBoundingClientRect().right>innerWidth+1).length;
const bare=[...document.querySelectorAll('img:not([alt])')].length+[...document.querySelectorAll('svg')].filter(s=>!s.querySelector('title')).length;
document.title='PROBE wide='+wide+' bare='+bare+' scroll='+(document.documentElement.scrollWidth>innerWidth+1?1:0);});</script>"""


def fail(message):
    print("report: " + message)
    sys.exit(1)


def main():
    cambium = os.path.abspath(sys.argv[1])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("report: no Chromium here, skipped")
        return
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "small.yml"), "w", encoding="utf-8") as file:
            file.write(STUDY)
        subprocess.run([cambium, "study", "small.yml", "--out", "out", "--no-cache"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "out", "report.html"), encoding="utf-8") as file:
            page = file.read()
        if re.search(r'(src|href)="(?!data:|#)', page) or "http-equiv" in page or "@import" in page:
            fail("the page asks for something outside itself")
        probe = os.path.join(folder, "probe.html")
        with open(probe, "w", encoding="utf-8") as file:
            file.write(page.replace("</body>", PROBE + "</body>"))
        for width in (1200, 500):
            for dark in (False, True):
                flags = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--user-data-dir=" + folder + "/profile",
                         f"--window-size={width},2000", "--virtual-time-budget=2000"] + (["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else [])
                shown = subprocess.run(flags + ["--dump-dom", "file://" + probe], capture_output=True, text=True, timeout=120, check=False)
                if "CONSOLE" in shown.stderr:
                    fail(f"messages on the console at {width} pixels: " + shown.stderr[-500:])
                found = re.search(r"<title>PROBE wide=(\d+) bare=(\d+) scroll=(\d+)</title>", shown.stdout)
                if not found:
                    fail(f"the page did not load at {width} pixels: " + shown.stderr[-500:])
                if found.groups() != ("0", "0", "0"):
                    fail(f"at {width} pixels {found.group(1)} parts are too wide, {found.group(2)} pictures have no text, "
                         f"the page {'scrolls' if found.group(3) == '1' else 'does not scroll'} sideways")
    print("report: loads at two widths, light and dark, without a request or a message")


main()
