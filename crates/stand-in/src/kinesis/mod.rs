//! Kinesis Data Streams over append-only segment files.
//!
//! A call of the wire protocol goes through [`Kinesis::call`]; those inside the stand-in who read a stream use
//! [`Kinesis::shards`], [`Kinesis::end`] and [`Kinesis::read`]. What is known of the streams lies in one durable file,
//! records in segment files, one folder per shard. Not covered: SubscribeToShard, resource policies, enhanced
//! monitoring, channels, warm throughput, the limits on reads (5 calls and 2 MB a second per shard), and the growth of an
//! on-demand stream beyond its first 4 shards.

mod consume;
mod consumers;
mod frame;
mod get;
mod hash_key;
mod limits;
mod list;
mod live;
mod log;
mod manage;
mod put;
mod read;
mod refuse;
mod reshard;
mod segment;
mod sequence;
mod stream;
mod tags;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it stands")]
mod tests;
mod token;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use self::limits::Limits;
use self::{
    live::Live,
    stream::{Ledger, Phase, StreamMeta},
};
use super::{clock, durable::Durable, kept::Kept, service_error::ServiceError};

/// Says the time in milliseconds since the epoch.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The service.
pub struct Kinesis {
    folder: PathBuf,
    limits: Limits,
    /// Open shards of all provisioned streams together.
    shard_quota: AtomicUsize,
    clock: Clock,
    ledger: Durable<Ledger>,
    live: RwLock<HashMap<String, Arc<Live>>>,
    /// Held by the one change that is being made.
    turn: Mutex<()>,
}

/// A shard, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardInfo {
    /// For example `shardId-000000000000`.
    pub id: String,
    /// The shards that it came from by a split or a merge.
    pub parents: Vec<String>,
    /// No more records will come.
    pub closed: bool,
}

/// A record as a consumer inside the stand-in reads it.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Its position in the shard, counted from 0.
    pub position: u64,
    /// When the stream took it.
    pub arrived: SystemTime,
    /// Its partition key.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
}

impl StoredRecord {
    fn arrived_ms(&self) -> u64 {
        self.arrived.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64)
    }
}

impl Kinesis {
    /// Opens the streams that lie in `folder`, with the limits of AWS.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or its ledger is not one.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        Self::open_with(folder, Limits::default())
    }

    /// Opens the streams that lie in `folder`, with limits of the caller's own.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or its ledger is not one.
    pub fn open_with(folder: &Path, limits: Limits) -> io::Result<Arc<Self>> {
        let clock = || clock::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64);
        Self::open_at(folder, limits, Arc::new(clock))
    }

    fn open_at(folder: &Path, limits: Limits, clock: Clock) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("streams"))?;
        let ledger = Durable::open(&folder.join("ledger.json"))?;
        let (live, turn) = (RwLock::default(), Mutex::default());
        let shard_quota = AtomicUsize::new(limits.account_shards);
        let kinesis = Self { folder: folder.to_owned(), limits, shard_quota, clock, ledger, live, turn };
        kinesis.open_all()?;
        Ok(Arc::new(kinesis))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        let (ledger, now) = (self.ledger.read(), self.now());
        let mut there = ledger.streams.iter().filter(|(_, stream)| !stream.is_gone(now));
        there.try_for_each(|(name, stream)| kept.note("kinesis stream", name, stream))
    }

    /// One call of the wire protocol: `operation` as in `X-Amz-Target` after the dot, a JSON body in and out.
    ///
    /// # Errors
    /// What AWS would answer: its code and text.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        match operation {
            "PutRecords" => self.put_records(&body),
            "PutRecord" => self.put_record(&body),
            "GetRecords" => self.get_records(&body),
            "GetShardIterator" => answer(&self.get_shard_iterator(parse(&body)?)?),
            "CreateStream" => answer(&self.create_stream(parse(&body)?)?),
            "DeleteStream" => answer(&self.delete_stream(parse(&body)?).await?),
            "DescribeStream" => answer(&self.describe_stream(parse(&body)?)?),
            "DescribeStreamSummary" => answer(&self.describe_stream_summary(parse(&body)?)?),
            "ListStreams" => answer(&self.list_streams(parse(&body)?)?),
            "ListShards" => answer(&self.list_shards(parse(&body)?)?),
            "SplitShard" => answer(&self.split_shard(parse(&body)?)?),
            "MergeShards" => answer(&self.merge_shards(parse(&body)?)?),
            "UpdateShardCount" => answer(&self.update_shard_count(parse(&body)?)?),
            "UpdateStreamMode" => answer(&self.update_stream_mode(parse(&body)?)?),
            "UpdateMaxRecordSize" => answer(&self.update_max_record_size(parse(&body)?)?),
            "IncreaseStreamRetentionPeriod" => answer(&self.increase_retention(parse(&body)?)?),
            "DecreaseStreamRetentionPeriod" => answer(&self.decrease_retention(parse(&body)?)?),
            "StartStreamEncryption" => answer(&self.start_encryption(parse(&body)?)?),
            "StopStreamEncryption" => answer(&self.stop_encryption(parse(&body)?)?),
            "DescribeLimits" => answer(&self.describe_limits()),
            "AddTagsToStream" => answer(&self.add_tags_to_stream(parse(&body)?)?),
            "RemoveTagsFromStream" => answer(&self.remove_tags_from_stream(parse(&body)?)?),
            "ListTagsForStream" => answer(&self.list_tags_for_stream(parse(&body)?)?),
            "TagResource" => answer(&self.tag_resource(parse(&body)?)?),
            "UntagResource" => answer(&self.untag_resource(parse(&body)?)?),
            "ListTagsForResource" => answer(&self.list_tags_for_resource(parse(&body)?)?),
            "RegisterStreamConsumer" => answer(&self.register_consumer(parse(&body)?)?),
            "DescribeStreamConsumer" => answer(&self.describe_consumer(parse(&body)?)?),
            "ListStreamConsumers" => answer(&self.list_consumers(parse(&body)?)?),
            "DeregisterStreamConsumer" => answer(&self.deregister_consumer(parse(&body)?)?),
            other => Err(ServiceError::client(
                "UnknownOperationException",
                format!("Kinesis operation {other} is not covered by the stand-in"),
            )),
        }
    }

    /// How many open shards all provisioned streams may have together.
    pub fn shard_quota(&self) -> usize {
        self.shard_quota.load(Ordering::Relaxed)
    }

    /// Sets that quota, as Service Quotas does on request, until the stand-in closes; streams that are there stay.
    pub fn set_shard_quota(&self, shards: usize) {
        self.shard_quota.store(shards, Ordering::Relaxed);
    }

    /// Every shard of a stream that may still hold records, by the stream's ARN.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream, or it is not yet or no longer open.
    pub fn shards(&self, stream_arn: &str) -> Result<Vec<ShardInfo>, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        let shards = live.meta.kept_shards(self.now()).map(|(number, shard)| ShardInfo {
            id: stream::shard_id(number),
            parents: [shard.parent, shard.adjacent_parent].into_iter().flatten().map(stream::shard_id).collect(),
            closed: shard.closed.is_some(),
        });
        Ok(shards.collect())
    }

    /// The position after the newest record of a shard (where `LATEST` starts).
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard.
    pub fn end(&self, stream_arn: &str, shard: &str) -> Result<u64, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        Ok(live.log(live.meta.shard(shard)?).end())
    }

    /// Records from `position` on, at most `max_bytes` of data (but at least one record), oldest first; trimmed ones are skipped.
    ///
    /// Reads files on the calling thread, so a large read belongs on a blocking one.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard; `InternalFailure` when a file cannot be read.
    pub fn read(
        &self,
        stream_arn: &str,
        shard: &str,
        position: u64,
        max_bytes: usize,
    ) -> Result<Vec<StoredRecord>, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        self.read_log(&live, live.meta.shard(shard)?, position, usize::MAX, max_bytes)
    }

    /// Records of a shard, after what has expired is gone. Where files vanish because the stream is being deleted, that is
    /// what the caller is told.
    fn read_log(
        &self,
        live: &Live,
        shard: u32,
        position: u64,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<StoredRecord>, ServiceError> {
        let log = live.log(shard);
        let trimmed = log.trim(self.now(), live.meta.retention());
        let read = trimmed.and_then(|()| log.read(position, records, bytes));
        read.or_else(|e| {
            self.open_stream(&live.meta.name)?;
            Err(e.into())
        })
    }

    fn now(&self) -> u64 {
        (self.clock)()
    }

    fn transition_ms(&self) -> u64 {
        self.limits.transition.as_millis() as u64
    }

    /// A stream in any state.
    fn find_stream(&self, name: &str) -> Result<Arc<Live>, ServiceError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        live.filter(|live| !live.meta.is_gone(self.now())).ok_or_else(|| refuse::no_stream(name))
    }

    /// A stream that takes and gives records.
    fn open_stream(&self, name: &str) -> Result<Arc<Live>, ServiceError> {
        let live = self.find_stream(name)?;
        if live.meta.is_open(self.now()) { Ok(live) } else { Err(refuse::no_stream(name)) }
    }

    /// Changes what is known of a stream, on disk first, then for all calls that follow.
    fn change<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut StreamMeta, u64) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let now = self.now();
        self.change_ledger(name, |ledger| {
            change(ledger.streams.get_mut(name).ok_or_else(|| refuse::no_stream(name))?, now)
        })
    }

    /// Changes the ledger and shows what became of the stream `name`.
    fn change_ledger<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Ledger) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let (result, meta) = self.ledger.change(|ledger| {
            ledger.streams.retain(|_, stream| !stream.is_gone(now));
            let result = change(ledger)?;
            Ok::<_, ServiceError>((result, ledger.streams.get(name).cloned()))
        })?;
        if let Some(meta) = meta {
            self.show(meta, now)?;
        }
        Ok(result)
    }

    /// Lets all calls that follow see a stream as it is now. Logs close under the same lock, so whoever finds one closed
    /// finds the new snapshot next.
    fn show(&self, meta: StreamMeta, now: u64) -> io::Result<()> {
        let before = self.live.read().unwrap_or_else(PoisonError::into_inner).get(&meta.name).cloned();
        let before = before.filter(|live| live.meta.id == meta.id);
        let folder = self.stream_folder(&meta);
        let next = Live::open(meta, &folder, before.as_deref(), &self.limits, now)?;
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        next.close_logs(next.meta.phase == Phase::Deleting);
        live.retain(|_, live| !live.meta.is_gone(now));
        live.insert(next.meta.name.clone(), Arc::new(next));
        Ok(())
    }

    fn open_all(&self) -> io::Result<()> {
        let now = self.now();
        let known: Vec<StreamMeta> = self.ledger.read().streams.values().cloned().collect();
        let known: Vec<StreamMeta> = known.into_iter().filter(|stream| stream.phase != Phase::Deleting).collect();
        self.remove_strays(&known)?;
        known.into_iter().try_for_each(|meta| self.show(meta, now))
    }

    /// Removes the folders of streams that were deleted.
    fn remove_strays(&self, known: &[StreamMeta]) -> io::Result<()> {
        let folders: Vec<PathBuf> = known.iter().map(|stream| self.stream_folder(stream)).collect();
        for entry in fs::read_dir(self.folder.join("streams"))? {
            let path = entry?.path();
            if !folders.contains(&path) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// Where the records of a stream lie; no two streams ever share one, whatever their names.
    fn stream_folder(&self, stream: &StreamMeta) -> PathBuf {
        self.folder.join("streams").join(format!("{:06}-{}", stream.id, stream.name))
    }
}

/// An answer without fields.
#[derive(Serialize)]
struct Nothing {}

fn answer(value: &impl Serialize) -> Result<Bytes, ServiceError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(ServiceError::internal)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|e| refuse::serialization(e.to_string()))
}

/// The name of the stream that a request is about, by name or ARN.
fn stream_name(name: Option<String>, arn: Option<String>) -> Result<String, ServiceError> {
    let of_arn = arn.as_deref().map(name_in_arn).transpose()?;
    let name = match (name, of_arn) {
        (Some(name), Some(other)) if name != other => {
            return Err(refuse::argument(format!(
                "StreamName {name} and StreamARN of {other} name different streams."
            )));
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => return Err(refuse::argument("Either StreamName or StreamARN must be provided.")),
    };
    refuse::name("streamName", &name)?;
    Ok(name)
}

fn name_in_arn(arn: &str) -> Result<String, ServiceError> {
    let shape = || {
        let pattern = r"Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\d{12}:stream/\S+";
        refuse::constraint("streamARN", Some(arn), pattern)
    };
    let (prefix, name) = arn.split_once(":stream/").ok_or_else(shape)?;
    if !prefix.starts_with("arn:aws") || !prefix.contains(":kinesis:") || name.is_empty() {
        return Err(shape());
    }
    if format!("{prefix}:stream/") == stream::arn_prefix() {
        Ok(name.to_owned())
    } else {
        Err(refuse::not_found(format!("Stream {arn} not found.")))
    }
}

/// Milliseconds since the epoch as the protocol writes a timestamp: seconds with a fraction.
fn timestamp(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// A timestamp of the protocol in milliseconds since the epoch.
fn milliseconds(timestamp: f64) -> u64 {
    (timestamp * 1000.0).round() as u64
}
