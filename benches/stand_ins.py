#!/usr/bin/env python3
"""Kinesis alone, beside other stand-ins: `benches/stand_ins.py target/release/demo` (needs boto3).

The same client puts the same records of 1 KB, 500 at a time, into each server on this machine in turn. The figure is the
server's CPU time for a thousand records that it has taken, over all of its processes. Servers that are not on PATH are left out:
kinesis-local and kinesalite (npm), moto_server (pip), ferrokinesis (cargo install).
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import boto3
import botocore

TICKS = os.sysconf("SC_CLK_TCK")
SHARDS = 100
RECORDS = [{"Data": os.urandom(1000), "PartitionKey": str(key)} for key in range(500)]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def seconds_of(pid):
    """CPU time of a process and of all below it."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(int(fields[at]) for at in (11, 12, 13, 14)) / TICKS + sum(seconds_of(child) for child in children)


class Ours:
    def __init__(self, demo, home):
        self.demo, self.env = demo, {**os.environ, "KINESIS_DEMO_HOME": home}
        self.call("start")
        status = json.loads(self.call("status", "--json"))
        lines = [line.removeprefix("export ") for line in self.call("env").splitlines() if "=" in line]
        env = dict(line.split("=", 1) for line in lines)
        value = lambda name: env[name].strip("'\"")
        self.pid, self.url = status["pid"], value("AWS_ENDPOINT_URL")
        self.key = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"))

    def call(self, *words):
        command = [self.demo, "local", *words]
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout

    def stop(self):
        self.call("stop")


class Other:
    key = ("any", "any")

    def __init__(self, command, env, scheme, port):
        self.url = f"{scheme}://127.0.0.1:{port}"
        # kinesis-local reads a file beside itself.
        home = pathlib.Path(shutil.which(command[0])).resolve().parent
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env={**os.environ, **env}, cwd=home, **quiet)
        self.pid = self.process.pid

    def stop(self):
        self.process.terminate()
        self.process.wait()


def servers(demo, home):
    yield "stand-in", lambda: Ours(demo, home)
    port = str(free_port())
    others = {
        "kinesis-local": (["kinesis-local"], {"KINESIS_MOCK_PLAIN_PORT": port, "SHARD_LIMIT": "1000", "LOG_LEVEL": "ERROR"}),
        "kinesalite": (["kinesalite", "--port", port, "--shardLimit", "1000", "--createStreamMs", "1"], {}),
        "moto": (["moto_server", "-p", port], {}),
        "ferrokinesis": (["ferrokinesis", "--port", port, "--shard-limit", "1000", "--create-stream-ms", "1"], {}),
    }
    for name, (command, env) in others.items():
        if shutil.which(command[0]):
            yield name, lambda command=command, env=env: Other(command, env, "http", port)


def client(server):
    key, secret = server.key
    config = botocore.config.Config(retries={"max_attempts": 1}, read_timeout=60)
    return boto3.client(
        "kinesis", "us-east-1", endpoint_url=server.url, aws_access_key_id=key, aws_secret_access_key=secret, config=config
    )


def until_active(kinesis):
    deadline = time.monotonic() + 60
    while True:
        try:
            summary = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
            if summary["StreamStatus"] == "ACTIVE":
                return
        except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError):
            pass
        except kinesis.exceptions.ResourceNotFoundException:
            kinesis.create_stream(StreamName="s", ShardCount=SHARDS)
        if time.monotonic() > deadline:
            raise SystemExit(f"{kinesis.meta.endpoint_url}: the stream is not ACTIVE within a minute")
        time.sleep(0.1)


def measure(start, seconds):
    """CPU milliseconds for a thousand records that were taken."""
    server = start()
    try:
        kinesis = client(server)
        until_active(kinesis)
        kinesis.put_records(StreamName="s", Records=RECORDS)
        before, taken, end = seconds_of(server.pid), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            taken += len(RECORDS) - kinesis.put_records(StreamName="s", Records=RECORDS)["FailedRecordCount"]
        return (seconds_of(server.pid) - before) * 1e6 / taken
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.rounds} rounds of {options.seconds:.0f} s\n")
    figures = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as home:
            for name, start in servers(str(options.demo.resolve()), home):
                figures.setdefault(name, []).append(measure(start, options.seconds))
    ours = statistics.median(figures["stand-in"])
    print("| Server | CPU ms for 1,000 records | Times ours |\n|---|---|---|")
    for name, values in figures.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.1f} ({min(values):.1f} to {max(values):.1f}) | {median / ours:.1f} |")


if __name__ == "__main__":
    main()
