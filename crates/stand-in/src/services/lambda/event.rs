//! Records as a function receives them, and what its answer says of them.

use std::time::UNIX_EPOCH;

use base64_simd::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{invoke::LARGEST_PAYLOAD, process::Outcome};
use crate::{REGION, services::kinesis::StoredRecord};

const HEAD: &[u8] = br#"{"Records":["#;
const TAIL: &[u8] = b"]}";

/// A record, rendered.
pub(super) struct Record {
    pub(super) position: u64,
    pub(super) sequence_number: String,
    /// Milliseconds since the epoch.
    pub(super) arrived: i64,
    json: Vec<u8>,
}

/// Where records come from, and for whom.
pub(super) struct Origin {
    pub(super) stream_arn: String,
    pub(super) shard: String,
    pub(super) role_arn: String,
}

impl Origin {
    /// A record as it stands in an event (Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data
    /// Streams").
    pub(super) fn render(&self, record: &StoredRecord, sequence_number: String) -> Record {
        let arrived = record.arrived.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as i64);
        let json = json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.partition_key,
                "sequenceNumber": sequence_number,
                "data": STANDARD.encode_to_string(&record.data),
                "approximateArrivalTimestamp": arrived as f64 / 1000.0,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("{}:{sequence_number}", self.shard),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self.role_arn,
            "awsRegion": REGION,
            "eventSourceARN": self.stream_arn,
        });
        Record { position: record.position, sequence_number, arrived, json: json.to_string().into_bytes() }
    }
}

impl Record {
    /// Bytes in an event, with the comma.
    pub(super) fn size(&self) -> usize {
        self.json.len() + 1
    }
}

/// How many bytes of records an event takes.
pub(super) const ROOM: usize = LARGEST_PAYLOAD - HEAD.len() - TAIL.len();

/// The event of these records.
pub(super) fn event(records: &[Record]) -> Bytes {
    let mut event = Vec::with_capacity(records.iter().map(Record::size).sum::<usize>() + HEAD.len() + TAIL.len());
    event.extend_from_slice(HEAD);
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            event.push(b',');
        }
        event.extend_from_slice(&record.json);
    }
    event.extend_from_slice(TAIL);
    event.into()
}

/// What became of the records of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    /// Those before this one are done.
    FailedFrom(usize),
    /// The function failed, or said something that is no answer.
    Failed,
}

/// What an invocation says of its records; without `reports` (`ReportBatchItemFailures`) its answer is ignored.
///
/// Null, an empty object and an empty list are success; an identifier that is empty, null, misnamed or of no record of this
/// batch fails all of it (Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda").
pub(super) fn verdict(outcome: &Outcome, reports: bool, records: &[Record]) -> Verdict {
    let body = match outcome {
        Outcome::Failed(_) => return Verdict::Failed,
        Outcome::Returned(_) if !reports => return Verdict::Done,
        Outcome::Returned(body) => body,
    };
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Verdict::Failed };
    let failures = match &answer["batchItemFailures"] {
        Value::Null => return Verdict::Done,
        Value::Array(failures) => failures,
        _ => return Verdict::Failed,
    };
    let at = |failure: &Value| {
        let identifier = failure["itemIdentifier"].as_str()?;
        records.iter().position(|record| record.sequence_number == identifier)
    };
    match failures.iter().map(at).collect::<Option<Vec<usize>>>() {
        None => Verdict::Failed,
        Some(failed) => failed.into_iter().min().map_or(Verdict::Done, Verdict::FailedFrom),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn records(count: u64) -> Vec<Record> {
        let origin =
            Origin { stream_arn: "arn:s".into(), shard: "shardId-000000000000".into(), role_arn: "arn:r".into() };
        let arrived: SystemTime = UNIX_EPOCH + Duration::from_millis(1_545_084_650_987);
        let stored = |position| StoredRecord {
            position,
            arrived,
            partition_key: "key \"1\"".into(),
            data: Bytes::from_static(b"Hello, this is a test."),
        };
        (0..count).map(|n| origin.render(&stored(n), (4900 + n).to_string())).collect()
    }

    fn says(answer: &str) -> Verdict {
        verdict(&Outcome::Returned(answer.to_owned().into()), true, &records(3))
    }

    #[test]
    fn an_event_is_what_the_library_for_functions_reads() {
        let records = records(2);
        let event = event(&records);
        assert!(records.iter().map(Record::size).sum::<usize>() <= ROOM && event.len() < LARGEST_PAYLOAD);
        let read: aws_lambda_events::kinesis::KinesisEvent = serde_json::from_slice(&event).expect("an event");
        assert_eq!(read.records.len(), 2);
        let second = &read.records[1];
        assert_eq!(second.kinesis.sequence_number, "4901");
        assert_eq!(second.event_id.as_deref(), Some("shardId-000000000000:4901"));
        assert_eq!(second.kinesis.data.0, b"Hello, this is a test.");
        assert_eq!(second.kinesis.partition_key, "key \"1\"");
        assert_eq!(second.kinesis.approximate_arrival_timestamp.0.timestamp_millis(), 1_545_084_650_987);
    }

    #[test]
    fn success_is_said_in_several_ways() {
        for answer in ["null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(says(answer), Verdict::Done, "{answer}");
        }
        assert_eq!(verdict(&Outcome::Returned("nonsense".into()), false, &records(3)), Verdict::Done);
    }

    #[test]
    fn the_lowest_failed_record_counts() {
        let answer = r#"{"batchItemFailures":[{"itemIdentifier":"4902"},{"itemIdentifier":"4901"}]}"#;
        assert_eq!(says(answer), Verdict::FailedFrom(1));
    }

    #[test]
    fn what_names_no_record_fails_the_whole_batch() {
        for identifier in [
            r#"{"itemIdentifier":""}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"item":"4901"}"#,
            r#"{"itemIdentifier":"7"}"#,
        ] {
            assert_eq!(says(&format!(r#"{{"batchItemFailures":[{identifier}]}}"#)), Verdict::Failed, "{identifier}");
        }
        assert_eq!(says("nonsense"), Verdict::Failed);
        assert_eq!(verdict(&Outcome::Failed("{}".into()), false, &records(3)), Verdict::Failed);
    }
}
