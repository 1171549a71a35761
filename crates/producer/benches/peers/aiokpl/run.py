"""aiokpl: every record's outcome is awaited; the limits of shards are lifted, as they are not what is measured."""

import asyncio
import sys
from collections import deque
from pathlib import Path

from aiokpl import Config, Producer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import Meter, Records, work

WINDOW = 10_000
UNLIMITED = 1e12


async def main():
    records = Records()
    if not work.send:
        make(records, work.warmup)
        meter = Meter()
        make(records, work.records)
        meter.print()
        return
    config = Config(
        region="us-east-1",
        endpoint_url=work.endpoint,
        # It is handed on to botocore, which takes a file of authorities too.
        verify_ssl=work.authority,
        rate_limit_records_per_sec_per_shard=UNLIMITED,
        rate_limit_bytes_per_sec_per_shard=UNLIMITED,
        record_ttl_ms=300_000.0,
    )
    async with Producer(config) as producer:
        await send(producer, records.take(work.warmup))
        meter = Meter()
        await send(producer, records.take(work.records))
        meter.print()


def make(records, count):
    for _ in records.take(count):
        pass


async def send(producer, records):
    waiting = deque()
    for data, key in records:
        if len(waiting) == WINDOW:
            await check(waiting.popleft())
        waiting.append(await producer.put_record(stream="bench", partition_key=key, data=data))
    await producer.flush()
    while waiting:
        await check(waiting.popleft())


async def check(outcome):
    result = await outcome.wait()
    if not result.success:
        raise SystemExit(f"a record failed: {result}")


asyncio.run(main())
