//! What is known of a stream besides its records, and how its shards split and merge.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{hash_key, milliseconds, refuse, sequence::Numbering};
use crate::{ACCOUNT, REGION, service_error::ServiceError};

/// Boundaries this close to one that is there already are taken for it: rounding, not intent.
const SAME_BOUNDARY: u128 = 1 << 20;

/// Every stream, by name.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// How many streams there have ever been.
    pub(super) made: u64,
    /// How many channels and queues there have ever been.
    #[serde(default)]
    pub(super) attached: u64,
    pub(super) streams: BTreeMap<String, StreamMeta>,
}

/// What a stream is on its way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Creating,
    Updating,
    Deleting,
}

/// All that is kept of a stream besides its records. Times are milliseconds since the epoch.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StreamMeta {
    /// Tells it from others that had the same name.
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) created: u64,
    pub(super) phase: Phase,
    /// Until when the phase lasts: then the stream is ACTIVE, or gone.
    pub(super) until: u64,
    pub(super) on_demand: bool,
    pub(super) retention_hours: u32,
    pub(super) max_record_kib: u32,
    pub(super) kms_key: Option<String>,
    pub(super) shards: Vec<ShardMeta>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) consumers: BTreeMap<String, ConsumerMeta>,
    #[serde(default)]
    pub(super) channels: BTreeMap<String, Attachment>,
    #[serde(default)]
    pub(super) queues: BTreeMap<String, Attachment>,
    /// When UpdateShardCount was called.
    pub(super) resized: Vec<u64>,
    /// When UpdateStreamMode was called.
    pub(super) mode_changed: Vec<u64>,
}

/// A shard; its number is its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShardMeta {
    pub(super) first_key: u128,
    pub(super) last_key: u128,
    pub(super) parent: Option<u32>,
    pub(super) adjacent_parent: Option<u32>,
    pub(super) created: u64,
    /// The second that its sequence numbers begin with: when it was made, but later than that of its parents.
    #[serde(default)]
    second: u64,
    pub(super) closed: Option<u64>,
}

/// A registered consumer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ConsumerMeta {
    pub(super) created: u64,
    pub(super) ready: u64,
    pub(super) tags: BTreeMap<String, String>,
}

/// What may be attached to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Channel,
    Queue,
}

/// A channel or a queue.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Attachment {
    /// What its ARN ends with.
    pub(super) id: String,
    pub(super) created: u64,
    /// Until when it is CREATING or DELETING.
    until: u64,
    deleting: bool,
    pub(super) tags: BTreeMap<String, String>,
    /// What a description shows besides names, times and states.
    pub(super) settings: Map<String, Value>,
}

/// `shardId-000000000000` and so on.
pub(super) fn shard_id(shard: u32) -> String {
    format!("shardId-{shard:012}")
}

/// The prefix of every stream's ARN.
pub(super) fn arn_prefix() -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/")
}

impl ShardMeta {
    fn second(&self) -> u64 {
        self.second.max(self.created / 1000)
    }
}

impl ConsumerMeta {
    /// Returns what its ARN ends with: its name and when it was registered.
    pub(super) fn arn_part(&self, name: &str) -> String {
        format!("{name}:{}", self.created / 1000)
    }
}

impl Sort {
    /// As in an ARN.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Queue => "queue",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Channel => "Channel",
            Self::Queue => "Queue",
        }
    }

    pub(super) fn arn(self, id: &str) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:{}/{id}", self.word())
    }

    /// The id in an ARN; none in the ARN of something else.
    pub(super) fn id(self, arn: &str) -> Option<&str> {
        let (prefix, id) = arn.split_once(&format!(":{}/", self.word()))?;
        (prefix == format!("arn:aws:kinesis:{REGION}:{ACCOUNT}")).then_some(id)
    }

    pub(super) fn not_found(self, arn: &str) -> ServiceError {
        refuse::not_found(format!("{} {arn} under account {ACCOUNT} not found.", self.title()))
    }
}

impl Attachment {
    /// One that is CREATING until then.
    pub(super) fn new(
        id: String,
        created: u64,
        until: u64,
        tags: BTreeMap<String, String>,
        settings: Map<String, Value>,
    ) -> Self {
        Self { id, created, until, deleting: false, tags, settings }
    }

    /// Begins its deletion, unless that has begun.
    pub(super) fn delete(&mut self, until: u64) {
        if !self.deleting {
            (self.deleting, self.until) = (true, until);
        }
    }

    pub(super) fn is_gone(&self, now: u64) -> bool {
        self.deleting && now >= self.until
    }

    pub(super) fn status(&self, now: u64) -> &'static str {
        match self.deleting {
            true => "DELETING",
            false if now < self.until => "CREATING",
            false => "ACTIVE",
        }
    }
}

impl StreamMeta {
    pub(super) fn attached(&self, sort: Sort) -> &BTreeMap<String, Attachment> {
        match sort {
            Sort::Channel => &self.channels,
            Sort::Queue => &self.queues,
        }
    }

    pub(super) fn attached_mut(&mut self, sort: Sort) -> &mut BTreeMap<String, Attachment> {
        match sort {
            Sort::Channel => &mut self.channels,
            Sort::Queue => &mut self.queues,
        }
    }

    /// How many there are, until their deletion is over.
    pub(super) fn count(&self, sort: Sort, now: u64) -> usize {
        self.attached(sort).values().filter(|attachment| !attachment.is_gone(now)).count()
    }

    /// Refuses what AWS does not do with a stream that has any of a sort.
    pub(super) fn must_have_no(&self, sort: Sort, now: u64) -> Result<(), ServiceError> {
        match self.count(sort, now) {
            0 => Ok(()),
            count => Err(refuse::in_use(format!(
                "Stream {} under account {ACCOUNT} has {count} {}s. Delete them first.",
                self.name,
                sort.word()
            ))),
        }
    }

    /// Finds the consumer whose ARN ends with `part`.
    pub(super) fn consumer_name(&self, part: &str) -> Result<String, ServiceError> {
        let found = self.consumers.iter().find(|(name, consumer)| consumer.arn_part(name) == part);
        found.map(|(name, _)| name.clone()).ok_or_else(|| refuse::no_consumer(part, &self.name))
    }

    /// A stream of `shards` even shards at `now`.
    pub(super) fn new(id: u64, name: &str, shards: usize, now: u64, until: u64) -> Self {
        let mut stream = Self {
            id,
            name: name.to_owned(),
            created: now,
            phase: Phase::Creating,
            until,
            on_demand: false,
            retention_hours: 24,
            max_record_kib: 1024,
            kms_key: None,
            shards: Vec::new(),
            tags: BTreeMap::new(),
            consumers: BTreeMap::new(),
            channels: BTreeMap::new(),
            queues: BTreeMap::new(),
            resized: Vec::new(),
            mode_changed: Vec::new(),
        };
        let starts: Vec<u128> = hash_key::even_starts(shards).collect();
        for (i, &first) in starts.iter().enumerate() {
            let last = starts.get(i + 1).map_or(u128::MAX, |next| next - 1);
            stream.add_shard((first, last), None, None, now);
        }
        stream
    }

    pub(super) fn arn(&self) -> String {
        arn_prefix() + &self.name
    }

    /// As DescribeStreamSummary says it.
    pub(super) fn status(&self, now: u64) -> &'static str {
        match self.phase {
            Phase::Deleting => "DELETING",
            _ if now >= self.until => "ACTIVE",
            Phase::Creating => "CREATING",
            Phase::Updating => "UPDATING",
        }
    }

    /// Its deletion is over.
    pub(super) fn is_gone(&self, now: u64) -> bool {
        self.phase == Phase::Deleting && now >= self.until
    }

    /// Records may be put and read.
    pub(super) fn is_open(&self, now: u64) -> bool {
        matches!(self.status(now), "ACTIVE" | "UPDATING")
    }

    /// Refuses a caller who means a stream of this name that was made at another second.
    pub(super) fn must_be_of(&self, creation: Option<f64>) -> Result<(), ServiceError> {
        match creation.map(milliseconds) {
            Some(then) if then.abs_diff(self.created) >= 1000 => Err(refuse::no_stream(&self.name)),
            _ => Ok(()),
        }
    }

    /// Refuses a change of a stream that is on its way to something.
    pub(super) fn must_be_active(&self, now: u64) -> Result<(), ServiceError> {
        match self.status(now) {
            "ACTIVE" => Ok(()),
            other => Err(refuse::in_use(format!(
                "Stream {} under account {ACCOUNT} not ACTIVE, instead in state {other}",
                self.name
            ))),
        }
    }

    pub(super) fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_hours) * 3600)
    }

    /// The oldest arrival time of records that may be left.
    pub(super) fn horizon(&self, now: u64) -> u64 {
        now.saturating_sub(self.retention().as_millis() as u64).max(self.created)
    }

    /// The shards that may still hold records, with their numbers.
    pub(super) fn kept_shards(&self, now: u64) -> impl Iterator<Item = (u32, &ShardMeta)> {
        let horizon = self.horizon(now);
        (0..).zip(&self.shards).filter(move |(_, shard)| shard.closed.is_none_or(|closed| closed >= horizon))
    }

    /// The open shards in the order of their hash keys.
    pub(super) fn open_shards(&self) -> Vec<u32> {
        let mut open: Vec<u32> =
            (0..).zip(&self.shards).filter(|(_, shard)| shard.closed.is_none()).map(|(number, _)| number).collect();
        open.sort_unstable_by_key(|&number| self.shards[number as usize].first_key);
        open
    }

    pub(super) fn numbering(&self, shard: u32) -> Numbering {
        let made = self.shards[shard as usize].second();
        Numbering { made, stream: self.id, shard }
    }

    /// The number of a shard by its id; also `0` or `shardId-0`, as AWS takes it.
    pub(super) fn shard(&self, id: &str) -> Result<u32, ServiceError> {
        let digits = id.rsplit('-').next().unwrap_or(id);
        let number = digits.parse::<u32>().ok().filter(|&number| (number as usize) < self.shards.len());
        number.ok_or_else(|| refuse::no_shard(&self.name, id))
    }

    /// Closes a shard and opens two in its place, the second from `boundary` on.
    pub(super) fn split(&mut self, shard: u32, boundary: u128, now: u64) {
        let parent = self.close(shard, now);
        self.add_shard((parent.first_key, boundary - 1), Some(shard), None, now);
        self.add_shard((boundary, parent.last_key), Some(shard), None, now);
    }

    /// Closes two neighbours, lower first, and opens one in their place.
    pub(super) fn merge(&mut self, lower: u32, upper: u32, now: u64) {
        let keys = (self.close(lower, now).first_key, self.close(upper, now).last_key);
        self.add_shard(keys, Some(lower), Some(upper), now);
    }

    /// Makes `target` even shards of those that are open, by splits and merges with short-lived shards in between.
    pub(super) fn resize(&mut self, target: usize, now: u64) {
        let mut starts = Vec::with_capacity(target);
        for ideal in hash_key::even_starts(target) {
            starts.push(self.cut_near(ideal, now));
        }
        for (i, &start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied();
            self.fuse(start, end, now);
        }
    }

    fn cut_near(&mut self, ideal: u128, now: u64) -> u128 {
        let open = self.open_shards();
        let starts = open.iter().map(|&number| self.shards[number as usize].first_key);
        if let Some(start) = starts.into_iter().find(|start| start.abs_diff(ideal) < SAME_BOUNDARY) {
            return start;
        }
        let after = open.partition_point(|&number| self.shards[number as usize].first_key <= ideal);
        self.split(open[after - 1], ideal, now);
        ideal
    }

    fn fuse(&mut self, start: u128, end: Option<u128>, now: u64) {
        let mut pieces = self.open_shards().into_iter().filter(|&number| {
            let first = self.shards[number as usize].first_key;
            first >= start && end.is_none_or(|end| first < end)
        });
        let pieces: Vec<u32> = pieces.by_ref().collect();
        let Some((&first, rest)) = pieces.split_first() else { return };
        rest.iter().fold(first, |fused, &next| {
            self.merge(fused, next, now);
            self.shards.len() as u32 - 1
        });
    }

    fn close(&mut self, shard: u32, now: u64) -> ShardMeta {
        let shard = &mut self.shards[shard as usize];
        shard.closed = Some(now);
        shard.clone()
    }

    fn add_shard(&mut self, keys: (u128, u128), parent: Option<u32>, adjacent_parent: Option<u32>, now: u64) {
        let (first_key, last_key) = keys;
        let parents = [parent, adjacent_parent].into_iter().flatten();
        let after_parents = parents.map(|parent| self.shards[parent as usize].second() + 1).max();
        let second = after_parents.unwrap_or(0).max(now / 1000);
        self.shards.push(ShardMeta {
            first_key,
            last_key,
            parent,
            adjacent_parent,
            created: now,
            second,
            closed: None,
        });
    }
}
