//! What is stored of records that were given up: an object in the bucket of the on-failure destination.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    event::{Origin, Record, event},
    function,
};

/// Why records were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// Records that were given up, and how it came.
pub(super) struct Failure<'a> {
    pub(super) function: &'a str,
    pub(super) origin: &'a Origin,
    pub(super) records: &'a [Record],
    pub(super) condition: Condition,
    pub(super) invocations: u32,
    /// The request id of the last invocation; `None` where there was none.
    pub(super) last_request: Option<&'a str>,
    /// Whether the last invocation ended with an error rather than with a report of failures.
    pub(super) with_error: bool,
}

impl Failure<'_> {
    /// The document (Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source": for a
    /// bucket, the metadata and as `payload` the event as text).
    pub(super) fn document(&self, at: DateTime<Utc>) -> Bytes {
        let mut document = json!({
            "requestContext": {
                "requestId": self.last_request.map_or_else(super::uuid, str::to_owned),
                "functionArn": function::arn(self.function),
                "condition": self.condition.name(),
                "approximateInvokeCount": self.invocations,
            },
            "version": "1.0",
            "timestamp": timestamp(at),
            "KinesisBatchInfo": self.batch(),
            "payload": String::from_utf8_lossy(&event(self.records)),
        });
        if self.last_request.is_some() {
            document["responseContext"] = json!({"statusCode": 200, "executedVersion": "$LATEST"});
            if self.with_error {
                document["responseContext"]["functionError"] = json!("Unhandled");
            }
        }
        document.to_string().into()
    }

    fn batch(&self) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        let number = |record: Option<&Record>| record.map(|record| record.sequence_number.clone());
        let arrived = |record: Option<&Record>| {
            record.map(|record| timestamp(DateTime::from_timestamp_millis(record.arrived).unwrap_or_default()))
        };
        json!({
            "shardId": self.origin.shard,
            "startSequenceNumber": number(first),
            "endSequenceNumber": number(last),
            "approximateArrivalOfFirstRecord": arrived(first),
            "approximateArrivalOfLastRecord": arrived(last),
            "batchSize": self.records.len(),
            "streamArn": self.origin.stream_arn,
        })
    }
}

/// `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random uuid>` (the same page of the guide).
pub(super) fn key(mapping: &str, shard: &str, at: DateTime<Utc>) -> String {
    let (day, time) = (at.format("%Y/%m/%d"), at.format("%Y-%m-%dT%H.%M.%S"));
    format!("aws/lambda/{mapping}/{shard}/{day}/{time}-{}", super::uuid())
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
