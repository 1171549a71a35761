#!/usr/bin/env python3
"""How well a load keeps to its schedule: documents by second in the stream, by the arrival times that boto3 reads back,
against the integral of the rate. Needs boto3; the stack runs on the stand-in.

    benches/rate_accuracy.py target/release/demo
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import boto3

DEMO = Path(sys.argv[1]).resolve()
SHARDS = 20

# A stage as the stack file has it, its seconds, and its integral from its start, by hand.
LOADS = {
    "ramp 200/s..3000/s in 20 s": ("{ramp: 200/s..3000/s, for: 20s}", 20, lambda t: 200 * t + 70 * t * t),
    "spike 3000/s in 20 s": (
        "{spike: 3000/s, for: 20s}",
        20,
        lambda t: 150 * t * t if t <= 10 else 30_000 - 150 * (20 - t) ** 2,
    ),
    "wave 500/s..3000/s, 10 s, for 20 s": (
        "{wave: 500/s..3000/s, period: 10s, for: 20s}",
        20,
        lambda t: 1_750 * t - 1_250 * 10 / math.tau * math.sin(math.tau * t / 10),
    ),
}


def demo(*args):
    done = subprocess.run([DEMO, *args], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"demo {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def arrivals(kinesis, stream):
    """Seconds since the first record of each record in the stream."""
    times = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            read = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            times += [record["ApproximateArrivalTimestamp"].timestamp() for record in read["Records"]]
            iterator = read["NextShardIterator"]
            if not read["Records"] and read["MillisBehindLatest"] == 0:
                break
    first = min(times)
    return [time - first for time in times]


def measure(name, stage, seconds, integral):
    stages = f"load={{rate: null, duration: null, stages: [{stage}]}}"
    sets = ["--set", stages, "--set", f"stream.shards={SHARDS}", "--set", "load.transport=cbor"]
    report = json.loads(demo("run", "stacks/stream-only.yaml", "--json", *sets))
    settings = dict(line.removeprefix("export ").split("=", 1) for line in demo("local", "env").splitlines() if "=" in line)
    os.environ.update({key: value.strip("'\"") for key, value in settings.items()})
    found = arrivals(boto3.client("kinesis"), json.loads(demo("ls", "--json"))[0]["stack"])
    demo("down", "stream-only")
    # The last second is cut short by the wait for its answers.
    counts = Counter(int(time) for time in found)
    errors = []
    for second in range(seconds):
        due = integral(second + 1) - integral(second)
        errors.append((counts[second] - due) / due)
    worst = max(errors, key=abs)
    mean = sum(map(abs, errors)) / len(errors)
    print(f"| {name} | {report['acknowledged']:,} | {mean:.2%} | {worst:+.2%} | {report['lost']} |")


os.environ["KINESIS_DEMO_HOME"] = tempfile.mkdtemp()
print("| load | documents | mean difference in a second | worst | lost |\n|---|---|---|---|---|")
try:
    for load, (stage, seconds, integral) in LOADS.items():
        measure(load, stage, seconds, integral)
finally:
    subprocess.run([DEMO, "local", "stop", "--force"], capture_output=True)
