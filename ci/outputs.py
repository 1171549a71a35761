#!/usr/bin/env python3
"""Compares the outputs that README.md and docs/ show with what the commands print now.

Every block of kind `console` is run: each line `$ COMMAND` by bash, in a copy of the folders that a user edits, all
blocks of a document against one empty state folder. What follows a command is its output, stdout and stderr as one.
`<!-- before: COMMAND -->` above a block runs a command whose output is not shown. Ids, ports, times, rates and sizes
that vary are masked before both are compared; counts, names and results of queries are not.

`ci/outputs.py --write` writes what the commands print into the documents. Needs `demo` in $CARGO_TARGET_DIR/release, or
in target/release.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"((?:<!-- before: .* -->\n)*)```console\n(.*?)```\n", re.S)
# A reader's command builds first; here the binary has been built.
BUILD = "cargo run --release -- "
MASKS = [
    (r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME"),
    (r"\b\d{8}T\d{6}-[0-9a-f]{4}\b", "RUN"),
    (r"(?<=[-_])[0-9a-f]{8}\b", "ID"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"[\d,.]+ (ms|MB/s)", r"N \1"),
    (r"[\d.]+ s\b", "N s"),
    (r"[\d,]+/s\b", "N/s"),
    (r"retried [\d,]+", "retried N"),
    (r"about \$[\d.]+: \$[\d.]+ for the stack", "about COST: COST for the stack"),
    (r"less than \$0.001", "$0.001"),
]
# How often a load and its deliveries report, and in which order what is done side by side ends, is up to the machine.
PROGRESS = re.compile(r"^ *load .* left$|^ *\S+ +([\d,]+) of (?!\1 )[\d,]+ .*behind$")
STEP = re.compile(r"^ *✔")


def masked(output):
    lines = []
    for line in output.splitlines():
        if PROGRESS.match(line):
            continue
        for pattern, replacement in MASKS:
            line = re.sub(pattern, replacement, line)
        lines.append(re.sub(r" +", " ", line).strip())
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and STEP.match(lines[end]):
            end += 1
        lines[start:end] = sorted(lines[start:end])
        start = max(end, start + 1)
    return lines


def run(command, folder, environment):
    shell = ["bash", "-c", command.replace(BUILD, "demo ")]
    done = subprocess.run(shell, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def block_now(body, folder, environment):
    """The block with the output that its commands have now."""
    text = ""
    for line in body.splitlines():
        if line.startswith("$ "):
            text += f"{line}\n" + run(line[2:], folder, environment)
    return text


def document_now(document, demo):
    """The text of a document as it would be written now, how many blocks it has, and the differences that masking leaves."""
    differences, blocks = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "checkout")
        for name in ("stacks", "config", "sql"):
            shutil.copytree(ROOT / name, folder / name)
        state = pathlib.Path(scratch, "state")
        environment = {**os.environ, "KINESIS_DEMO_HOME": str(state), "PATH": f"{demo.parent}:{os.environ['PATH']}"}

        def replaced(match):
            nonlocal blocks
            blocks += 1
            before, body = match.groups()
            for command in re.findall(r"<!-- before: (.*) -->", before):
                subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True, capture_output=True)
            now = block_now(body, folder, environment)
            differences.extend(difflib.unified_diff(masked(body), masked(now), document.name, "now", lineterm=""))
            return f"{before}```console\n{now}```\n"

        try:
            text = BLOCK.sub(replaced, document.read_text())
        finally:
            run("demo local stop", folder, environment)
    return text, blocks, differences


def main():
    demo = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "release", "demo").resolve()
    if not demo.exists():
        sys.exit(f"{demo} is absent: build it with `cargo build --release`")
    failed, found = False, 0
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text, blocks, differences = document_now(document, demo)
        found += blocks
        if "--write" in sys.argv[1:]:
            document.write_text(text)
        elif differences:
            failed = True
            print("\n".join(differences))
    if found == 0:
        sys.exit("no document has a block of kind `console`: nothing was compared")
    if failed:
        sys.exit("these outputs have changed; write them anew with: ci/outputs.py --write")


main()
