//! PutRecord and PutRecords.

use std::borrow::Cow;

use base64_simd::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::{
    Kinesis, hash_key,
    live::Live,
    log::{AppendError, Incoming},
    refuse,
    sequence::SequenceNumber,
    stream::shard_id,
};
use crate::{room::refuse_without_room, service_error::ServiceError};

/// Records of one request (Kinesis API reference, PutRecords).
const MOST_RECORDS: usize = 500;
/// Data and partition keys of one request, in bytes (Kinesis API reference, PutRecords).
const MOST_BYTES: usize = 10 << 20;

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutRecords<'a> {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(borrow)]
    records: Option<Vec<Entry<'a>>>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutRecord<'a> {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
    #[serde(borrow)]
    explicit_hash_key: Option<Text<'a>>,
    sequence_number_for_ordering: Option<String>,
    dry_run: Option<bool>,
}

/// A record that was found in order.
struct Checked<'a> {
    hash_key: u128,
    incoming: Incoming<'a>,
}

/// What became of a record.
#[derive(Clone, Copy)]
enum Outcome {
    Pending,
    Stored { shard: u32, number: SequenceNumber },
    Throttled { shard: u32 },
    Failed,
}

impl Kinesis {
    /// Stores each record that its shard has room for, and says what became of each.
    pub(super) fn put_records(&self, body: &[u8]) -> Result<Bytes, ServiceError> {
        let request: PutRecords<'_> = super::parse(body)?;
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let entries = refuse::required("records", request.records)?;
        refuse::length("records", None, entries.len(), 1, MOST_RECORDS)?;
        let live = self.open_stream(&name)?;
        let largest = live.meta.max_record_kib as usize * 1024;
        let mut records = Vec::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            let field = |name: &str| format!("records.{}.member.{name}", i + 1);
            records.push(check(entry, largest, field)?);
        }
        if records.iter().map(|record| record.incoming.size).sum::<usize>() > MOST_BYTES {
            return Err(refuse::argument("Records size exceeds 10 MB limit"));
        }
        refuse::dry_run(request.dry_run)?;
        let outcomes = self.store(&name, live.clone(), &records)?;
        Ok(render(&live, &outcomes))
    }

    /// Stores one record.
    pub(super) fn put_record(&self, body: &[u8]) -> Result<Bytes, ServiceError> {
        let request: PutRecord<'_> = super::parse(body)?;
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let live = self.open_stream(&name)?;
        if let Some(number) = &request.sequence_number_for_ordering {
            check_ordering(number, &live)?;
        }
        let (data, partition_key) = (request.data, request.partition_key);
        let entry = Entry { data, partition_key, explicit_hash_key: request.explicit_hash_key };
        let record = check(&entry, live.meta.max_record_kib as usize * 1024, str::to_owned)?;
        refuse::dry_run(request.dry_run)?;
        let outcomes = self.store(&name, live.clone(), &[record])?;
        match outcomes[0] {
            Outcome::Stored { shard, number } => {
                let mut answer = format!(r#"{{"ShardId":"{}","SequenceNumber":"{number}""#, shard_id(shard));
                end_answer(&mut answer, &live);
                Ok(answer.into())
            }
            Outcome::Throttled { shard } => Err(refuse::throttled(&name, &shard_id(shard))),
            Outcome::Pending | Outcome::Failed => Err(ServiceError::internal("Internal service failure.")),
        }
    }

    /// Hands each shard its records in one batch; those of a shard that was closed meanwhile go to its children.
    fn store(
        &self,
        name: &str,
        live: std::sync::Arc<Live>,
        records: &[Checked<'_>],
    ) -> Result<Vec<Outcome>, ServiceError> {
        refuse_without_room(&self.folder, records.iter().map(|record| record.incoming.size).sum())?;
        let now = self.now();
        let mut live = live;
        let mut outcomes = vec![Outcome::Pending; records.len()];
        let mut pending: Vec<usize> = (0..records.len()).collect();
        loop {
            let mut routed: Vec<(u32, usize)> =
                pending.drain(..).map(|i| (live.route(records[i].hash_key), i)).collect();
            routed.retain(|&(shard, i)| {
                let is_throttled = self.faults.throttles(name, shard);
                if is_throttled {
                    outcomes[i] = Outcome::Throttled { shard };
                }
                !is_throttled
            });
            routed.sort_unstable();
            for batch in routed.chunk_by(|a, b| a.0 == b.0) {
                if !store_batch(&live, now, batch, records, &mut outcomes) {
                    pending.extend(batch.iter().map(|&(_, i)| i));
                }
            }
            if pending.is_empty() {
                return Ok(outcomes);
            }
            live = self.open_stream(name)?;
        }
    }
}

/// Stores the records of one shard; false when it is closed.
fn store_batch(
    live: &Live,
    now: u64,
    batch: &[(u32, usize)],
    records: &[Checked<'_>],
    outcomes: &mut [Outcome],
) -> bool {
    let shard = batch[0].0;
    let incoming: Vec<&Incoming<'_>> = batch.iter().map(|&(_, i)| &records[i].incoming).collect();
    let numbering = live.meta.numbering(shard);
    match live.log(shard).append(now, &incoming) {
        Ok(positions) => {
            for (&(_, i), position) in batch.iter().zip(positions) {
                outcomes[i] = match position {
                    Some(position) => Outcome::Stored { shard, number: numbering.record(position) },
                    None => Outcome::Throttled { shard },
                };
            }
            true
        }
        Err(AppendError::Closed) => false,
        Err(error @ AppendError::Io(_)) => {
            tracing::error!(stream = live.meta.name, shard = shard_id(shard), %error, "records were not stored");
            batch.iter().for_each(|&(_, i)| outcomes[i] = Outcome::Failed);
            true
        }
    }
}

fn check<'a>(
    entry: &'a Entry<'_>,
    largest: usize,
    field: impl Fn(&str) -> String,
) -> Result<Checked<'a>, ServiceError> {
    let Some(Text(base64)) = &entry.data else { return refuse::required(&field("data"), None) };
    let Some(Text(key)) = &entry.partition_key else { return refuse::required(&field("partitionKey"), None) };
    let characters = if key.len() <= 256 { key.len() } else { key.chars().count() };
    if !(1..=256).contains(&characters) {
        refuse::length(&field("partitionKey"), Some(key), characters, 1, 256)?;
    }
    let data = decoded_length(base64)?;
    if data > largest {
        refuse::length(&field("data"), None, data, 0, largest)?;
    }
    let size = key.len() + data;
    if size > largest {
        return Err(refuse::argument(format!(
            "{}: data and partition key are {size} bytes together, more than the stream's maximum record size of {largest} bytes",
            field("data")
        )));
    }
    let hash_key = match &entry.explicit_hash_key {
        Some(Text(text)) => hash_key_of(text, &field)?,
        None => hash_key::of_partition_key(key),
    };
    Ok(Checked { hash_key, incoming: Incoming { key, base64, size } })
}

fn hash_key_of(text: &str, field: impl Fn(&str) -> String) -> Result<u128, ServiceError> {
    refuse::hash_key(&field("explicitHashKey"), "ExplicitHashKey", text)
}

fn decoded_length(base64: &str) -> Result<usize, ServiceError> {
    let valid = STANDARD.check(base64.as_bytes()).and_then(|()| STANDARD.decoded_length(base64.as_bytes()));
    valid.map_err(|e| refuse::serialization(format!("Data can not be converted to a Blob: {e}")))
}

fn check_ordering(number: &str, live: &Live) -> Result<(), ServiceError> {
    let ours = SequenceNumber::parse(number).filter(|number| number.stream == live.meta.id);
    let text = || {
        format!("ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {} is invalid.", live.meta.name)
    };
    ours.map(drop).ok_or_else(|| refuse::argument(text()))
}

fn render(live: &Live, outcomes: &[Outcome]) -> Bytes {
    use std::fmt::Write;
    let failed = outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Stored { .. })).count();
    let mut answer = String::with_capacity(128 * outcomes.len() + 64);
    let mut write = |text: std::fmt::Arguments<'_>| answer.write_fmt(text).expect("a string takes all text");
    write(format_args!(r#"{{"FailedRecordCount":{failed},"Records":["#));
    for (i, outcome) in outcomes.iter().enumerate() {
        write(format_args!("{}", if i == 0 { "" } else { "," }));
        match outcome {
            Outcome::Stored { shard, number } => {
                write(format_args!(r#"{{"SequenceNumber":"{number}","ShardId":"shardId-{shard:012}"}}"#));
            }
            Outcome::Throttled { shard } => {
                let message = refuse::throttled_message(&live.meta.name, &shard_id(*shard));
                write(format_args!(
                    r#"{{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"{message}"}}"#
                ));
            }
            Outcome::Pending | Outcome::Failed => {
                write(format_args!(r#"{{"ErrorCode":"InternalFailure","ErrorMessage":"Internal service failure."}}"#))
            }
        }
    }
    answer.push(']');
    end_answer(&mut answer, live);
    answer.into()
}

fn end_answer(answer: &mut String, live: &Live) {
    answer.push_str(if live.meta.kms_key.is_some() { r#","EncryptionType":"KMS"}"# } else { "}" });
}
