#!/usr/bin/env python3
"""Runs the commands of the documentation. usage: run_commands.py [--no-engine] CAMBIUM MAKE_PAIR FILE.md...

Each Markdown file gets a folder of its own with the generated models `base` and `mllm` (bench/make_pair). In it, in the file's order:
  ```yaml NAME (any language, then a file name)   writes the block to NAME
  ```console                                      runs each line that begins with "$ " (a line ending in \\ goes on in the next);
                                                  "[exit N]" behind the command's output states another exit code than 0
  ```console needs=X                              the same if the model folder CAMBIUM_TEST_MODELS/X exists; it is linked as X
With --no-engine (a build without it) a file is left at its first command that says it needs the engine: later ones may need its output.
Exits 1 and names file, line and command when one ends otherwise than stated.
"""
import os
import re
import subprocess
import sys
import tempfile

NEEDS_ENGINE = re.compile(r"needs libcambium_engine\.so|built without the engine")
FENCE = re.compile(r"^```(\S*) ?(.*)$")


def blocks(path):
    """(line number, language, rest of the info string, lines) of every fenced block."""
    found, open_block = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            match = FENCE.match(line)
            if open_block is None and match:
                open_block = (number, match.group(1), match.group(2).strip(), [])
            elif open_block is not None and line == "```":
                found.append(open_block)
                open_block = None
            elif open_block is not None:
                open_block[3].append(line)
    return found


def commands(lines):
    """(offset, command, stated exit code) of a console block."""
    found, index = [], 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith("$ "):
            offset, command = index, line[2:]
            while command.endswith("\\") and index < len(lines):
                command = command[:-1] + lines[index]
                index += 1
            found.append([offset, command, 0])
        elif found and (match := re.fullmatch(r"\[exit (\d+)\]", line.strip())):
            found[-1][2] = int(match.group(1))
    return found


def run_file(path, cambium, make_pair, engine):
    ran, failures = 0, []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make_pair, folder], check=True)
        environment = dict(os.environ, PATH=os.path.dirname(cambium) + os.pathsep + os.environ["PATH"])
        models = os.environ.get("CAMBIUM_TEST_MODELS", "")
        for number, language, rest, lines in blocks(path):
            if rest and "=" not in rest and language != "console":
                os.makedirs(os.path.dirname(os.path.join(folder, rest)), exist_ok=True)
                with open(os.path.join(folder, rest), "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")
            if language != "console":
                continue
            if rest.startswith("needs="):
                source = os.path.join(models, rest[6:])
                if not models or not os.path.isdir(source):
                    continue
                if not os.path.exists(os.path.join(folder, rest[6:])):
                    os.symlink(source, os.path.join(folder, rest[6:]))
            for offset, command, code in commands(lines):
                result = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
                if not engine and result.returncode != 0 and NEEDS_ENGINE.search(result.stderr):
                    return ran, failures
                ran += 1
                if result.returncode != code:
                    failures.append(f"{path}:{number + offset}: $ {command}\n  exit {result.returncode} for {code}\n  "
                                    f"{(result.stderr or result.stdout).strip()[-400:]}")
    return ran, failures


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--no-engine"]
    engine = len(arguments) == len(sys.argv) - 1
    cambium, make_pair, files = os.path.abspath(arguments[0]), os.path.abspath(arguments[1]), arguments[2:]
    total, failures = 0, []
    for path in files:
        ran, failed = run_file(path, cambium, make_pair, engine)
        total += ran
        failures += failed
    print("\n".join(failures + [f"{total - len(failures)} of {total} documented commands end as stated"]))
    sys.exit(1 if failures or total == 0 else 0)


if __name__ == "__main__":
    main()
