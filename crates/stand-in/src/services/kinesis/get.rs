//! GetShardIterator and GetRecords.

use bytes::Bytes;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::{
    Kinesis, StoredRecord, given,
    live::Live,
    milliseconds, refuse,
    sequence::SequenceNumber,
    stream::shard_id,
    token::{self, ShardIterator},
};
use crate::{ACCOUNT, service::Call, service_error::ServiceError};

/// Records of one answer (Kinesis API reference, GetRecords).
const MOST_RECORDS: i64 = 10_000;
/// Data of one answer, in bytes (Kinesis API reference, GetRecords).
const MOST_BYTES: usize = 10 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetShardIterator {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    starting_sequence_number: Option<String>,
    timestamp: Option<f64>,
    dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Issued {
    shard_iterator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetRecords {
    shard_iterator: Option<String>,
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    dry_run: Option<bool>,
}

/// What follows the records in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tail {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_shard_iterator: Option<String>,
    millis_behind_latest: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    child_shards: Vec<ChildShard>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildShard {
    shard_id: String,
    parent_shards: Vec<String>,
    hash_key_range: super::list::HashKeyRange,
}

impl Kinesis {
    /// Where to begin to read a shard.
    pub(super) fn get_shard_iterator(&self, request: GetShardIterator) -> Result<Issued, ServiceError> {
        let name = super::stream_name(request.stream_name.clone(), request.stream_arn.clone())?;
        let id = refuse::required("shardId", request.shard_id.as_deref())?;
        refuse::name("shardId", id)?;
        let live = self.open_stream(&name)?;
        let shard = live.meta.shard(id)?;
        live.log(shard).trim(self.now(), live.meta.retention())?;
        let position = self.starting_position(&request, &live, shard)?;
        refuse::dry_run(request.dry_run)?;
        if live.readers(shard).is_some_and(|mut readers| !readers.admits_iterator(self.now())) {
            return Err(refuse::throttled(&live.meta.name, &shard_id(shard)));
        }
        Ok(Issued { shard_iterator: self.iterator(&live, shard, position) })
    }

    /// Records from an iterator on.
    pub(super) fn get_records(&self, call: &Call) -> Result<Bytes, ServiceError> {
        let request: GetRecords = super::parse(&call.json()?)?;
        let limit = refuse::within("limit", request.limit.unwrap_or(MOST_RECORDS), 1, MOST_RECORDS)?;
        let iterator = self.open_iterator(&refuse::required("shardIterator", request.shard_iterator)?)?;
        if let Some(arn) = request.stream_arn
            && super::name_in_arn(&arn)? != iterator.stream
        {
            return Err(refuse::argument(format!("StreamARN {arn} is not that of the ShardIterator.")));
        }
        let live = self.open_stream(&iterator.stream)?;
        if live.meta.id != iterator.id {
            return Err(refuse::not_found(format!(
                "Shard {} in stream {} under account {ACCOUNT} does not exist",
                shard_id(iterator.shard),
                iterator.stream
            )));
        }
        refuse::dry_run(request.dry_run)?;
        let records = self.read_within_limits(&live, &iterator, limit as usize)?;
        let tail = self.tail(&live, &iterator, &records);
        given::answer(&live.meta, iterator.shard, &records, super::answer(&tail)?, call.encoding)
    }

    /// Records of a shard, unless its readers have had what it gives in a second.
    fn read_within_limits(
        &self,
        live: &Live,
        iterator: &ShardIterator,
        most: usize,
    ) -> Result<Vec<StoredRecord>, ServiceError> {
        let shard = iterator.shard;
        if live.readers(shard).is_some_and(|mut readers| !readers.admits_read(self.now())) {
            return Err(refuse::throttled(&live.meta.name, &shard_id(shard)));
        }
        let records = self.read_log(live, shard, iterator.position, most, MOST_BYTES)?;
        if let Some(mut readers) = live.readers(shard) {
            readers.gave(self.now(), records.iter().map(|record| record.data.len()).sum());
        }
        Ok(records)
    }

    fn starting_position(&self, request: &GetShardIterator, live: &Live, shard: u32) -> Result<u64, ServiceError> {
        let log = live.log(shard);
        let kind = refuse::required("shardIteratorType", request.shard_iterator_type.as_deref())?;
        let number = request.starting_sequence_number.as_deref();
        let mismatch = |and: &str| {
            refuse::argument(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
                 (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {and}."
            ))
        };
        match (kind, number) {
            ("TRIM_HORIZON" | "LATEST", Some(_)) => Err(mismatch("also a StartingSequenceNumber")),
            ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", None) => Err(mismatch("no StartingSequenceNumber")),
            ("TRIM_HORIZON", None) => Ok(log.start()),
            ("LATEST", None) => Ok(log.end()),
            ("AT_SEQUENCE_NUMBER", Some(number)) => Ok(sequence_in(live, shard, number)?.position().min(log.end())),
            ("AFTER_SEQUENCE_NUMBER", Some(number)) => {
                Ok(sequence_in(live, shard, number)?.next_position().min(log.end()))
            }
            ("AT_TIMESTAMP", _) => {
                let time = request.timestamp.map(milliseconds);
                let time = time.ok_or_else(|| {
                    refuse::argument("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.")
                })?;
                if time > self.now() {
                    return Err(refuse::argument(
                        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.",
                    ));
                }
                Ok(log.position_at(time)?)
            }
            (other, _) => Err(refuse::constraint(
                "shardIteratorType",
                Some(other),
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, \
                 AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
            )),
        }
    }

    fn iterator(&self, live: &Live, shard: u32, position: u64) -> String {
        let (stream, id) = (live.meta.name.clone(), live.meta.id);
        token::seal(&ShardIterator { stream, id, shard, position, issued: self.now() })
    }

    fn open_iterator(&self, text: &str) -> Result<ShardIterator, ServiceError> {
        let iterator: ShardIterator = token::open(text).ok_or_else(|| refuse::argument("Invalid ShardIterator."))?;
        let (now, life) = (self.now(), self.limits.token_life.as_millis() as u64);
        if now.saturating_sub(iterator.issued) <= life && !self.faults().expires(&iterator.stream) {
            return Ok(iterator);
        }
        Err(ServiceError::client(
            "ExpiredIteratorException",
            format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
                 future than the tolerated delay of {life} milliseconds.",
                date(iterator.issued),
                date(now)
            ),
        ))
    }

    fn tail(&self, live: &Live, iterator: &ShardIterator, records: &[StoredRecord]) -> Tail {
        let log = live.log(iterator.shard);
        let closed = live.meta.shards[iterator.shard as usize].closed.is_some();
        let next = records.last().map_or(iterator.position, |last| last.position + 1);
        let behind = records.last().filter(|_| next < log.end());
        let millis_behind_latest = behind.map_or(0, |last| self.now().saturating_sub(last.arrived_ms()));
        let over = closed && next >= log.end();
        Tail {
            next_shard_iterator: (!over).then(|| self.iterator(live, iterator.shard, next)),
            millis_behind_latest,
            child_shards: if over { children(live, iterator.shard) } else { Vec::new() },
        }
    }
}

fn sequence_in(live: &Live, shard: u32, text: &str) -> Result<SequenceNumber, ServiceError> {
    let used = || {
        let (shard, stream) = (shard_id(shard), &live.meta.name);
        format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {shard} in stream {stream} under account \
             {ACCOUNT} is invalid"
        )
    };
    let number = SequenceNumber::parse(text).ok_or_else(|| refuse::argument(used() + "."))?;
    if number.shard != shard {
        return Err(refuse::argument(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard with {}",
            shard_id(number.shard),
            shard_id(shard)
        )));
    }
    let numbering = live.meta.numbering(shard);
    if (number.stream, number.made) != (numbering.stream, numbering.made) {
        return Err(refuse::argument(used() + " because it did not come from this stream."));
    }
    Ok(number)
}

fn children(live: &Live, parent: u32) -> Vec<ChildShard> {
    let came_from = |shard: &super::stream::ShardMeta| [shard.parent, shard.adjacent_parent].contains(&Some(parent));
    let children = (0..).zip(&live.meta.shards).filter(|(_, shard)| came_from(shard));
    children
        .map(|(number, shard)| ChildShard {
            shard_id: shard_id(number),
            parent_shards: [shard.parent, shard.adjacent_parent].into_iter().flatten().map(shard_id).collect(),
            hash_key_range: super::list::HashKeyRange::of(shard),
        })
        .collect()
}

fn date(ms: u64) -> String {
    let time = DateTime::from_timestamp_millis(ms as i64).unwrap_or_default();
    time.format("%a %b %d %H:%M:%S UTC %Y").to_string()
}
