#!/usr/bin/env python3
"""Prints what groups of crates cost to build, from the page that `cargo build --timings` writes: its path is the argument."""

import json, re, sys

GROUPS = [
    ("DataFusion, sqlparser", r"datafusion.*|sqlparser"),
    ("Arrow, Parquet", r"arrow.*|parquet"),
    ("AWS SDK", r"aws-(sdk|smithy|config|runtime|types|sigv4|credential).*"),
    ("aws-lc-sys, ring, rustls", r"aws-lc.*|ring|rustls.*"),
    ("SQLite, dynoxide", r"libsqlite3-sys|rusqlite|dynoxide-rs"),
    ("ours", r"kinesis-.*|demo-.*|aws-stand-in"),
    ("all others", r".*"),
]
units = json.loads(re.search(r"const UNIT_DATA = (\[.*?\]);\n", open(sys.argv[1]).read(), re.S).group(1))
sums = {name: [0.0, {}] for name, _ in GROUPS}
for unit in units:
    group = next(name for name, pattern in GROUPS if re.fullmatch(pattern, unit["name"]))
    sums[group][0] += unit["duration"]
    crates = sums[group][1]
    crates[unit["name"]] = crates.get(unit["name"], 0.0) + unit["duration"]
print("| crates | seconds, each on its core | the largest |\n|---|---|---|")
for name, (seconds, crates) in sums.items():
    largest = sorted(crates, key=crates.get, reverse=True)[:4]
    print(f"| {name} | {seconds:.0f} | {', '.join(f'{crate} {crates[crate]:.0f}' for crate in largest)} |")
