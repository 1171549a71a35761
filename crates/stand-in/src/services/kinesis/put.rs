//! PutRecord and PutRecords.

use std::{borrow::Cow, ops::Range, slice, sync::Arc};

use base64_simd::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::{
    Kinesis,
    blob::Blob,
    hash_key,
    live::Live,
    log::{AppendError, Incoming},
    outcome::{self, Outcome},
    parse, refuse,
    sequence::SequenceNumber,
    stream::shard_id,
};
use crate::{
    buffers::Buffer, protocol::Encoding, room::refuse_without_room, service::Call, service_error::ServiceError,
};

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
    data: Option<Blob<'a>>,
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
    data: Option<Blob<'a>>,
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

impl Kinesis {
    /// Stores each record that its shard has room for, and says what became of each.
    pub(super) fn put_records(&self, call: &Call) -> Result<Bytes, ServiceError> {
        match call.read_cbor() {
            Some(request) => self.put_all(request, call.encoding),
            None => self.put_all(parse(&call.json()?)?, call.encoding),
        }
    }

    /// Stores one record.
    pub(super) fn put_record(&self, call: &Call) -> Result<Bytes, ServiceError> {
        let answer = match call.read_cbor() {
            Some(request) => self.put_one(request),
            None => self.put_one(parse(&call.json()?)?),
        };
        call.encoding.encode(answer?.into())
    }

    fn put_all(&self, request: PutRecords<'_>, encoding: Encoding) -> Result<Bytes, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let entries = refuse::required("records", request.records)?;
        refuse::length("records", None, entries.len(), 1, MOST_RECORDS)?;
        let live = self.open_stream(&name)?;
        let largest = live.meta.max_record_kib as usize * 1024;
        let (decoded, ranges) = decode(&entries)?;
        let mut records = Vec::with_capacity(entries.len());
        for (i, (entry, range)) in entries.iter().zip(ranges).enumerate() {
            let field = |name: &str| format!("records.{}.member.{name}", i + 1);
            records.push(check(entry, &decoded[range], largest, field)?);
        }
        if records.iter().map(|record| record.incoming.size()).sum::<usize>() > MOST_BYTES {
            return Err(refuse::argument("Records size exceeds 10 MB limit"));
        }
        refuse::dry_run(request.dry_run)?;
        let outcomes = self.store(&name, live.clone(), &records)?;
        Ok(outcome::answer(&outcomes, &live.meta, encoding))
    }

    /// Answers in JSON.
    fn put_one(&self, request: PutRecord<'_>) -> Result<String, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let live = self.open_stream(&name)?;
        if let Some(number) = &request.sequence_number_for_ordering {
            check_ordering(number, &live)?;
        }
        let (data, partition_key) = (request.data, request.partition_key);
        let entry = Entry { data, partition_key, explicit_hash_key: request.explicit_hash_key };
        let (decoded, _) = decode(slice::from_ref(&entry))?;
        let record = check(&entry, &decoded, live.meta.max_record_kib as usize * 1024, str::to_owned)?;
        refuse::dry_run(request.dry_run)?;
        let outcomes = self.store(&name, live.clone(), &[record])?;
        match outcomes[0] {
            Outcome::Stored { shard, number } => {
                let encryption = if live.meta.kms_key.is_some() { r#","EncryptionType":"KMS""# } else { "" };
                Ok(format!(r#"{{"ShardId":"{}","SequenceNumber":"{number}"{encryption}}}"#, shard_id(shard)))
            }
            Outcome::Throttled { shard } => Err(refuse::throttled(&name, &shard_id(shard))),
            Outcome::Pending | Outcome::Failed => Err(ServiceError::internal(outcome::FAILED)),
        }
    }

    /// Hands each shard its records in one batch; those of a shard that was closed meanwhile go to its children.
    fn store(&self, name: &str, live: Arc<Live>, records: &[Checked<'_>]) -> Result<Vec<Outcome>, ServiceError> {
        refuse_without_room(&self.folder, records.iter().map(|record| record.incoming.size()).sum())?;
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

/// What of the records' data is in base64, decoded, and where in it the data of each entry lies.
fn decode(entries: &[Entry<'_>]) -> Result<(Buffer, Vec<Range<usize>>), ServiceError> {
    let base64 =
        |entry: &Entry<'_>| entry.data.as_ref().and_then(Blob::base64).map_or(0, |text| text.len().div_ceil(4) * 3);
    let mut decoded = Buffer::with_capacity(entries.iter().map(base64).sum());
    let mut ranges = Vec::with_capacity(entries.len());
    for entry in entries {
        let begin = decoded.len();
        if let Some(base64) = entry.data.as_ref().and_then(Blob::base64) {
            let failed = |e| refuse::serialization(format!("Data can not be converted to a Blob: {e}"));
            STANDARD.decode_append(base64, &mut *decoded).map_err(failed)?;
        }
        ranges.push(begin..decoded.len());
    }
    Ok((decoded, ranges))
}

/// A record in order; `decoded` is its data if that came in base64.
fn check<'a>(
    entry: &'a Entry<'_>,
    decoded: &'a [u8],
    largest: usize,
    field: impl Fn(&str) -> String,
) -> Result<Checked<'a>, ServiceError> {
    let Some(blob) = &entry.data else { return refuse::required(&field("data"), None) };
    let Some(Text(key)) = &entry.partition_key else { return refuse::required(&field("partitionKey"), None) };
    let characters = if key.len() <= 256 { key.len() } else { key.chars().count() };
    if !(1..=256).contains(&characters) {
        refuse::length(&field("partitionKey"), Some(key), characters, 1, 256)?;
    }
    let data = blob.bytes().unwrap_or(decoded);
    if data.len() > largest {
        refuse::length(&field("data"), None, data.len(), 0, largest)?;
    }
    let incoming = Incoming { key, data };
    let size = incoming.size();
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
    Ok(Checked { hash_key, incoming })
}

fn hash_key_of(text: &str, field: impl Fn(&str) -> String) -> Result<u128, ServiceError> {
    refuse::hash_key(&field("explicitHashKey"), "ExplicitHashKey", text)
}

fn check_ordering(number: &str, live: &Live) -> Result<(), ServiceError> {
    let ours = SequenceNumber::parse(number).filter(|number| number.stream == live.meta.id);
    let text = || {
        format!("ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {} is invalid.", live.meta.name)
    };
    ours.map(drop).ok_or_else(|| refuse::argument(text()))
}
