#!/usr/bin/env python3
"""What the pipeline costs on this machine: `benches/pipeline.py target/release/demo`.

For each row, a stand-in of its own serves one run of a stack. Of both processes it takes CPU time, page faults and the most
memory, from the kernel's own counts. The rows `shards-…` have few documents over ever more shards. Several binaries take turns,
round by round, so that what else the machine does meets all of them. Every figure is the median of the rounds, with the range.
A run that loses a document ends the bench.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")

FULL = ["-c", "config/headline.yaml"]
MOST = ["--set", "load.rate=max", "--set", "thresholds=null"]
# The same few documents over ever more shards: what a shard costs by itself.
FEW = ["stacks/stream-only.yaml", "--set", "load.rate=100/s", "--set", "load.duration=10s", "--set", "thresholds=null"]
# A name, and the arguments of `demo run`.
ROWS = {
    "stream": ["stacks/stream-only.yaml", *FULL],
    "stream-max": ["stacks/stream-only.yaml", *FULL, *MOST],
    "stream-json": ["stacks/stream-only.yaml", *FULL, *MOST, "--set", "load.transport=json"],
    "s3": ["stacks/store-sales-s3.yaml", *FULL, *MOST],
    "parquet": ["stacks/store-sales-parquet.yaml", *FULL, *MOST],
    "dynamodb": ["stacks/store-sales-dynamodb.yaml", "--set", "stream.shards=80", *MOST],
    "redshift": ["stacks/store-sales-redshift.yaml", *FULL, *MOST],
    **{f"shards-{count}": [*FEW, "--set", f"stream.shards={count}"] for count in (1, 10, 100, 1000, 10000)},
}
COLUMNS = ["up s", "docs/s", "p99 ms", "verified s", "÷ load", "down s", "stand-in µs", "kernel µs", "faults", "MB", "demo µs", "kernel µs", "faults", "MB"]


def used(pid):
    """User and system seconds, and minor faults, of a process and of the children that it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return [(int(fields[11]) + int(fields[13])) / TICKS, (int(fields[12]) + int(fields[14])) / TICKS, int(fields[7])]


def peak(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def run(demo, arguments):
    """One run in a state folder of its own: its report, and what both processes have used for each document."""
    with tempfile.TemporaryDirectory(prefix="pipeline-", dir=os.environ.get("TMPDIR")) as home:
        env = {**os.environ, "KINESIS_DEMO_HOME": home}

        def call(*words):
            return subprocess.run([demo, *words], cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout

        call("local", "start")
        stand_in = json.loads(call("local", "status", "--json"))["pid"]
        try:
            before = used(stand_in)
            command = [demo, "run", *arguments, "--rm", "--json", "--quiet"]
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
            output = process.stdout.read()
            _, status, rusage = os.wait4(process.pid, 0)
            after, memory = used(stand_in), peak(stand_in)
        finally:
            call("local", "stop")
    report = json.loads(output)
    # 99 is a threshold that was missed, which the table shows.
    if os.waitstatus_to_exitcode(status) not in (0, 99) or report["lost"] != 0:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}: {output}")
    documents = report["acknowledged"]
    each = lambda amount: amount / documents
    theirs = [later - earlier for later, earlier in zip(after, before)]
    seconds = report["seconds"]
    return [
        seconds["up"],
        report["records_per_second"],
        report["ack_latency_ms"]["p99"],
        seconds["verify"],
        seconds["verify"] / seconds["load"],
        seconds["down"],
        each(theirs[0] + theirs[1]) * 1e6,
        each(theirs[1]) * 1e6,
        each(theirs[2]),
        memory,
        each(rusage.ru_utime + rusage.ru_stime) * 1e6,
        each(rusage.ru_stime) * 1e6,
        each(rusage.ru_minflt),
        rusage.ru_maxrss / 1024,
    ]


def shown(values):
    digits = 0 if statistics.median(values) >= 100 else 1 if statistics.median(values) >= 10 else 2
    text = lambda value: f"{value:,.{digits}f}"
    if len(values) == 1:
        return text(values[0])
    return f"{text(statistics.median(values))} ({text(min(values))} to {text(max(values))})"


def machine():
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    return f"{os.cpu_count()} cores, {model}, Linux {os.uname().release}, load average {os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", nargs="+", type=pathlib.Path, help="binaries to compare")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="as of `demo run`, for every row")
    options = parser.parse_args()
    more = [word for value in options.set for word in ("--set", value)]
    demos = [str(demo.resolve()) for demo in options.demo]
    print(f"{machine()}, {options.rounds} rounds, {time.strftime('%F')}", *more, "\n")
    print("| Row | Binary |", " | ".join(COLUMNS), "|")
    print("|---|---|" + "---|" * len(COLUMNS))
    for row in options.rows.split(","):
        rounds = [[run(demo, ROWS[row] + more) for demo in demos] for _ in range(options.rounds)]
        for at, demo in enumerate(options.demo):
            columns = zip(*(one[at] for one in rounds))
            print(f"| {row} | {demo} |", " | ".join(shown(column) for column in columns), "|", flush=True)


if __name__ == "__main__":
    main()
