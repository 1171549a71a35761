"""boto3: requests of 500, one after the other, the outcome of each record looked at by its position."""

import sys
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import Meter, Records, work

RECORDS_PER_REQUEST = 500


def main():
    records = Records()
    client = boto3.client("kinesis")
    send(client, records.take(work.warmup))
    meter = Meter()
    send(client, records.take(work.records))
    meter.print()


def send(client, records):
    for request in requests(records):
        if work.send:
            answer = client.put_records(StreamName="bench", Records=request)
            written = sum(1 for record in answer["Records"] if "ErrorCode" not in record)
            if written != len(request):
                raise SystemExit(f"{len(request) - written} of {len(request)} records failed")


def requests(records):
    request = []
    for data, key in records:
        request.append({"Data": data, "PartitionKey": key})
        if len(request) == RECORDS_PER_REQUEST:
            yield request
            request = []
    if request:
        yield request


main()
