//! Kinesis Data Streams over append-only segment files.
//!
//! A call of the wire protocol goes through [`Kinesis::call`]; those inside the stand-in who read a stream use
//! [`Kinesis::shards`], [`Kinesis::end`] and [`Kinesis::read`]. What is known of the streams lies in one durable file,
//! records in segment files, one folder per shard. Not covered: SubscribeToShard, resource policies, enhanced
//! monitoring, what channels deliver and queues give, warm throughput, distribution that ignores keys, rates of calls other
//! than for a shard, and the growth of an on-demand stream beyond its first 4 shards. The readers inside take nothing of what a
//! shard gives to GetRecords.

mod attachment;
mod blob;
mod channels;
mod consume;
mod consumers;
mod frame;
mod get;
mod given;
mod hash_key;
mod limits;
mod list;
mod live;
mod log;
mod manage;
mod open_file;
mod outcome;
mod put;
mod queues;
mod read;
mod refuse;
mod reshard;
mod segment;
mod sequence;
mod shard_filter;
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

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use self::limits::Limits;
use self::{
    live::Live,
    stream::{Ledger, Phase, StreamMeta},
};
use crate::{
    clock,
    durable::Durable,
    faults::Faults,
    inventory::Inventory,
    json::unsupported,
    protocol::{Json, Protocol},
    service::{
        Answer, Call,
        Operation::{Awaited, Immediate},
        Operations, Reply, Service, json,
    },
    service_error::ServiceError,
};

/// Says the time in milliseconds since the epoch.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Kinesis Data Streams over one folder.
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
    faults: Arc<Faults>,
}

/// A shard, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShardInfo {
    /// For example `shardId-000000000000`.
    pub(crate) id: String,
    /// The shards that it came from by a split or a merge.
    pub(crate) parents: Vec<String>,
    /// No more records will come.
    pub(crate) closed: bool,
}

/// A record as a consumer inside the stand-in reads it.
#[derive(Clone, Debug)]
pub(crate) struct StoredRecord {
    /// Its position in the shard, counted from 0.
    pub(crate) position: u64,
    /// When the stream took it.
    pub(crate) arrived: SystemTime,
    /// Its partition key.
    pub(crate) partition_key: String,
    /// Its data.
    pub(crate) data: Bytes,
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
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        Self::open_with(folder, Limits::default())
    }

    /// Opens the streams that lie in `folder`, with limits of the caller's own.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or its ledger is not one.
    pub(crate) fn open_with(folder: &Path, limits: Limits) -> io::Result<Arc<Self>> {
        let clock = || clock::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64);
        Self::open_at(folder, limits, Arc::new(clock))
    }

    /// What goes wrong on purpose, here and for whoever reads streams.
    pub(crate) fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    fn open_at(folder: &Path, limits: Limits, clock: Clock) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("streams"))?;
        let ledger = Durable::open(&folder.join("ledger.json"))?;
        let (live, turn) = (RwLock::default(), Mutex::default());
        let shard_quota = AtomicUsize::new(limits.account_shards);
        let faults = Arc::default();
        let kinesis = Self { folder: folder.to_owned(), limits, shard_quota, clock, ledger, live, turn, faults };
        kinesis.open_all()?;
        Ok(Arc::new(kinesis))
    }

    /// How many open shards all provisioned streams may have together.
    pub(crate) fn shard_quota(&self) -> usize {
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
    pub(crate) fn shards(&self, stream_arn: &str) -> Result<Vec<ShardInfo>, ServiceError> {
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
    pub(crate) fn end(&self, stream_arn: &str, shard: &str) -> Result<u64, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        Ok(live.log(live.meta.shard(shard)?).end())
    }

    /// Records from `position` on, at most `max_bytes` of data (but at least one record), oldest first; trimmed ones are skipped.
    ///
    /// Reads files on the calling thread, so a large read belongs on a blocking one.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard; `InternalFailure` when a file cannot be read.
    pub(crate) fn read(
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

static OPERATIONS: Operations<Kinesis> = Operations(&[
    ("PutRecords", Immediate(|kinesis, call| kinesis.put_records(call).map(Reply::ok))),
    ("PutRecord", Immediate(|kinesis, call| kinesis.put_record(call).map(Reply::ok))),
    ("GetRecords", Immediate(|kinesis, call| kinesis.get_records(call).map(Reply::ok))),
    ("GetShardIterator", Immediate(|kinesis, call| json(kinesis.get_shard_iterator(parse(&call.body)?)))),
    ("CreateStream", Immediate(|kinesis, call| json(kinesis.create_stream(parse(&call.body)?)))),
    (
        "DeleteStream",
        Awaited(|kinesis, call| Box::pin(async { json(kinesis.delete_stream(parse(&call.body)?).await) })),
    ),
    ("DescribeStream", Immediate(|kinesis, call| json(kinesis.describe_stream(parse(&call.body)?)))),
    ("DescribeStreamSummary", Immediate(|kinesis, call| json(kinesis.describe_stream_summary(parse(&call.body)?)))),
    ("ListStreams", Immediate(|kinesis, call| json(kinesis.list_streams(parse(&call.body)?)))),
    ("ListShards", Immediate(|kinesis, call| json(kinesis.list_shards(parse(&call.body)?)))),
    ("SplitShard", Immediate(|kinesis, call| json(kinesis.split_shard(parse(&call.body)?)))),
    ("MergeShards", Immediate(|kinesis, call| json(kinesis.merge_shards(parse(&call.body)?)))),
    ("UpdateShardCount", Immediate(|kinesis, call| json(kinesis.update_shard_count(parse(&call.body)?)))),
    ("UpdateStreamMode", Immediate(|kinesis, call| json(kinesis.update_stream_mode(parse(&call.body)?)))),
    ("UpdateMaxRecordSize", Immediate(|kinesis, call| json(kinesis.update_max_record_size(parse(&call.body)?)))),
    ("IncreaseStreamRetentionPeriod", Immediate(|kinesis, call| json(kinesis.increase_retention(parse(&call.body)?)))),
    ("DecreaseStreamRetentionPeriod", Immediate(|kinesis, call| json(kinesis.decrease_retention(parse(&call.body)?)))),
    ("StartStreamEncryption", Immediate(|kinesis, call| json(kinesis.start_encryption(parse(&call.body)?)))),
    ("StopStreamEncryption", Immediate(|kinesis, call| json(kinesis.stop_encryption(parse(&call.body)?)))),
    ("DescribeLimits", Immediate(|kinesis, call| json(kinesis.describe_limits(parse(&call.body)?)))),
    ("AddTagsToStream", Immediate(|kinesis, call| json(kinesis.add_tags_to_stream(parse(&call.body)?)))),
    ("RemoveTagsFromStream", Immediate(|kinesis, call| json(kinesis.remove_tags_from_stream(parse(&call.body)?)))),
    ("ListTagsForStream", Immediate(|kinesis, call| json(kinesis.list_tags_for_stream(parse(&call.body)?)))),
    ("TagResource", Immediate(|kinesis, call| json(kinesis.tag_resource(parse(&call.body)?)))),
    ("UntagResource", Immediate(|kinesis, call| json(kinesis.untag_resource(parse(&call.body)?)))),
    ("ListTagsForResource", Immediate(|kinesis, call| json(kinesis.list_tags_for_resource(parse(&call.body)?)))),
    ("RegisterStreamConsumer", Immediate(|kinesis, call| json(kinesis.register_consumer(parse(&call.body)?)))),
    ("DescribeStreamConsumer", Immediate(|kinesis, call| json(kinesis.describe_consumer(parse(&call.body)?)))),
    ("ListStreamConsumers", Immediate(|kinesis, call| json(kinesis.list_consumers(parse(&call.body)?)))),
    ("CreateChannel", Immediate(|kinesis, call| json(kinesis.create_channel(parse(&call.body)?)))),
    ("DescribeChannel", Immediate(|kinesis, call| json(kinesis.describe_channel(parse(&call.body)?)))),
    ("ListChannels", Immediate(|kinesis, call| json(kinesis.list_channels(parse(&call.body)?)))),
    ("DeleteChannel", Immediate(|kinesis, call| json(kinesis.delete_channel(parse(&call.body)?)))),
    ("CreateQueue", Immediate(|kinesis, call| json(kinesis.create_queue(parse(&call.body)?)))),
    ("DescribeQueue", Immediate(|kinesis, call| json(kinesis.describe_queue(parse(&call.body)?)))),
    ("ListQueues", Immediate(|kinesis, call| json(kinesis.list_queues(parse(&call.body)?)))),
    ("DeleteQueue", Immediate(|kinesis, call| json(kinesis.delete_queue(parse(&call.body)?)))),
    ("DeregisterStreamConsumer", Immediate(|kinesis, call| json(kinesis.deregister_consumer(parse(&call.body)?)))),
]);

#[async_trait]
impl Service for Kinesis {
    fn name(&self) -> &'static str {
        "kinesis"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("Kinesis_20131202").with_cbor())
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    fn takes_cbor(&self, operation: &str) -> bool {
        ["PutRecords", "PutRecord", "GetRecords"].contains(&operation)
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let (ledger, now) = (self.ledger.read(), self.now());
        let mut there = ledger.streams.iter().filter(|(_, stream)| !stream.is_gone(now));
        there.try_for_each(|(name, stream)| into.add("kinesis stream", name, stream))
    }
}

/// A request or an answer without fields.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn answer(value: &impl Serialize) -> Result<Bytes, ServiceError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(ServiceError::internal)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|e| match unsupported(&e) {
        Some(member) => refuse::argument(member),
        None => refuse::serialization(e.to_string()),
    })
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
