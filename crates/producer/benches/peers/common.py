"""The records that every client of the bench gets, and what each prints of its use; see benches/producer/work.rs."""

import os
import resource
import time
from types import SimpleNamespace

KEYS = 10_000
DIGITS = 16

work = SimpleNamespace(
    records=int(os.environ["BENCH_RECORDS"]),
    warmup=int(os.environ["BENCH_WARMUP"]),
    size=int(os.environ["BENCH_SIZE"]),
    send=os.environ["BENCH_SEND"] == "1",
    endpoint=os.environ["AWS_ENDPOINT_URL"],
    authority=os.environ["AWS_CA_BUNDLE"],
)


class Records:
    """Made one after the other, each beginning with its number."""

    def __init__(self):
        self.next = 0
        self.text = text(work.size - DIGITS)
        self.keys = [f"customer-{key:05}" for key in range(KEYS)]

    def take(self, count):
        for number in range(self.next, self.next + count):
            yield b"%016x" % number + self.text, self.keys[number * 7919 % KEYS]
        self.next += count


def text(length):
    state = 1
    letters = bytearray()
    for _ in range(length):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        letters.append(b"abcdefghijklmnopqrstuvwxyz0123456789"[(state >> 33) % 36])
    return bytes(letters)


class Meter:
    """From when the client is warm to when all is acknowledged."""

    def __init__(self):
        self.cpu, self.wall = cpu_seconds(), time.monotonic()

    def print(self):
        cpu, wall = cpu_seconds() - self.cpu, time.monotonic() - self.wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"cpu_s={cpu:.3f} wall_s={wall:.3f} peak_kb={peak}", flush=True)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
