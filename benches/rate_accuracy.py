#!/usr/bin/env python3
"""How well a load keeps to its schedule: documents by second in the stream, by the arrival times that boto3 reads back,
against the integral of the rate. When the load began is not in the stream: it is taken to be when the counts fit best, at most half
a second before the first record. Needs boto3; the stack runs on the stand-in.

    benches/rate_accuracy.py target/release/demo
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

DEMO = Path(sys.argv[1]).resolve()
# What `run` has just read counts for a few seconds, which is waited for here.
PATIENT = Config(retries={"max_attempts": 0}, max_pool_connections=50)
# Far more than the peaks need.
SHARDS = 40

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


def arrivals_in(kinesis, stream, shard):
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterator, times = iterator["ShardIterator"], []
    while True:
        try:
            read = kinesis.get_records(ShardIterator=iterator, Limit=500)
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            time.sleep(1)
            continue
        times += [record["ApproximateArrivalTimestamp"].timestamp() for record in read["Records"]]
        iterator = read["NextShardIterator"]
        if not read["Records"] and read["MillisBehindLatest"] == 0:
            return times
        # A shard gives five answers and 2 MiB a second; a tenth is left to it.
        time.sleep(max(0.25, 1.1 * sum(len(record["Data"]) for record in read["Records"]) / 2**21))


def arrivals(kinesis, stream):
    """Seconds since the first record of each record in the stream."""
    shards = [shard["ShardId"] for shard in kinesis.list_shards(StreamName=stream)["Shards"]]
    with ThreadPoolExecutor(len(shards)) as readers:
        times = sum(readers.map(lambda shard: arrivals_in(kinesis, stream, shard), shards), [])
    first = min(times)
    return [arrival - first for arrival in times]


def measure(name, stage, seconds, integral):
    stages = f"load={{rate: null, duration: null, stages: [{stage}]}}"
    sets = ["--set", stages, "--set", f"stream.shards={SHARDS}", "--set", "load.transport=cbor"]
    report = json.loads(demo("run", "stacks/stream-only.yaml", "--json", *sets))
    settings = dict(line.removeprefix("export ").split("=", 1) for line in demo("local", "env").splitlines() if "=" in line)
    os.environ.update({key: value.strip("'\"") for key, value in settings.items()})
    found = arrivals(boto3.client("kinesis", config=PATIENT), report["stack"])
    demo("down", "stream-only")
    mean, worst, late = min(differences(found, seconds, integral, late / 1000) for late in range(0, 500, 5))
    print(f"| {name} | {report['acknowledged']:,} | {mean:.2%} | {worst:+.2%} | {late * 1000:.0f} ms | {report['lost']} |")


def differences(found, seconds, integral, late):
    """The mean and the worst difference of a second, if the first record came so late after the load's start."""
    counts = Counter(int(arrival + late) for arrival in found)
    errors = []
    for second in range(seconds):
        due = integral(second + 1) - integral(second)
        errors.append((counts[second] - due) / due)
    return sum(map(abs, errors)) / len(errors), max(errors, key=abs), late


os.environ["KINESIS_DEMO_HOME"] = tempfile.mkdtemp()
print("| load | documents | mean difference in a second | worst | first record after | lost |\n|---|---|---|---|---|---|")
try:
    for load, (stage, seconds, integral) in LOADS.items():
        measure(load, stage, seconds, integral)
finally:
    subprocess.run([DEMO, "local", "stop", "--force"], capture_output=True)
