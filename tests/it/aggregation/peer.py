"""Aggregated records as aws_kinesis_agg packs them and takes them apart.

A user record is a line: its partition key in base64, its explicit hash key or a dash, its data in base64. User records that
belong to one aggregated record end with an empty line.
"""

import base64
import sys

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records


def encoded(data):
    return base64.b64encode(data).decode()


def unpack():
    """Lines of a record in base64, to its user records."""
    for line in sys.stdin:
        kinesis = {
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": "1",
            "approximateArrivalTimestamp": 0,
            "partitionKey": "a",
            "data": line.strip(),
        }
        for record in deaggregate_records([{"kinesis": kinesis}]):
            found = record["kinesis"]
            print(encoded(found["partitionKey"].encode()), found.get("explicitHashKey") or "-", encoded(base64.b64decode(found["data"])))
        print()


def pack():
    """User records, to aggregated records in base64, a line each."""
    aggregator = RecordAggregator()
    for line in sys.stdin:
        if line == "\n":
            print(encoded(aggregator.clear_and_get().get_contents()[2]))
            continue
        partition_key, explicit_hash_key, data = line.rstrip("\n").split(" ")
        explicit_hash_key = None if explicit_hash_key == "-" else explicit_hash_key
        key, data = base64.b64decode(partition_key).decode(), base64.b64decode(data)
        if aggregator.add_user_record(key, data, explicit_hash_key) is not None:
            sys.exit("more than one aggregated record holds")


{"pack": pack, "unpack": unpack}[sys.argv[1]]()
