//! What the service allows, and the throttles that hold a shard's writers and readers to it.

use std::time::Duration;

/// What the service allows and how quickly its states change; [`Limits::default`] is what AWS does, save that states
/// change within a moment rather than within a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What one shard takes; `None` takes everything.
    pub(crate) shard_write: Option<WriteRate>,
    /// What one shard gives to GetRecords and GetShardIterator; `None` gives everything.
    pub(crate) shard_read: Option<ReadRate>,
    /// How long a stream stays CREATING, UPDATING or DELETING.
    pub(crate) transition: Duration,
    /// How long a shard iterator or a paging token is good for.
    pub(crate) token_life: Duration,
    /// A segment file of a shard is followed by a new one when it holds this many bytes.
    pub(crate) segment_bytes: u64,
    /// Open shards of all provisioned streams together, to begin with.
    pub(crate) account_shards: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shard_write: Some(WriteRate::default()),
            shard_read: Some(ReadRate::default()),
            transition: Duration::from_millis(100),
            token_life: Duration::from_secs(300),
            segment_bytes: 16 << 20,
            account_shards: 20_000,
        }
    }
}

/// What one shard takes: one second's worth may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteRate {
    /// Data and partition keys, in bytes per second.
    pub(crate) bytes: u64,
    /// Records per second.
    pub(crate) records: u64,
}

/// 1 MiB and 1,000 records a second (Kinesis API reference, CreateStream).
impl Default for WriteRate {
    fn default() -> Self {
        Self { bytes: 1 << 20, records: 1_000 }
    }
}

/// What one shard gives: one second's worth may be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadRate {
    /// Data, in bytes per second.
    pub(crate) bytes: u64,
    /// Calls of GetRecords, and as many of GetShardIterator, per second.
    pub(crate) calls: u64,
}

/// 2 MiB and 5 calls a second (Kinesis API reference, GetRecords, GetShardIterator, CreateStream).
impl Default for ReadRate {
    fn default() -> Self {
        Self { bytes: 2 << 20, calls: 5 }
    }
}

/// So much a second, of which a second's worth may be saved.
struct Bucket {
    rate: f64,
    left: f64,
    filled_at: u64,
}

impl Bucket {
    /// A full one at `now`, in milliseconds.
    fn new(rate: u64, now: u64) -> Self {
        Self { rate: rate as f64, left: rate as f64, filled_at: now }
    }

    /// What it has at `now`; less than nothing where more was taken than it had.
    fn left(&mut self, now: u64) -> f64 {
        let seconds = now.saturating_sub(self.filled_at) as f64 / 1000.0;
        self.left = (self.left + seconds * self.rate).min(self.rate);
        self.filled_at = now;
        self.left
    }

    fn take(&mut self, amount: f64) {
        self.left -= amount;
    }
}

/// What the writers of one shard have left.
pub(super) struct Throttle {
    bytes: Bucket,
    records: Bucket,
}

impl Throttle {
    /// Full at `now`, in milliseconds.
    pub(super) fn new(rate: WriteRate, now: u64) -> Self {
        Self { bytes: Bucket::new(rate.bytes, now), records: Bucket::new(rate.records, now) }
    }

    /// Whether a record of `size` bytes may pass now. One that is larger than the bucket passes on a full one and leaves a debt.
    pub(super) fn admits(&mut self, now: u64, size: usize) -> bool {
        let size = size as f64;
        let admitted = self.records.left(now) >= 1.0 && self.bytes.left(now) >= size.min(self.bytes.rate);
        if admitted {
            self.records.take(1.0);
            self.bytes.take(size);
        }
        admitted
    }
}

/// What the readers of one shard have left.
pub(super) struct ReadThrottle {
    bytes: Bucket,
    reads: Bucket,
    iterators: Bucket,
}

impl ReadThrottle {
    /// Full at `now`, in milliseconds.
    pub(super) fn new(rate: ReadRate, now: u64) -> Self {
        let calls = || Bucket::new(rate.calls, now);
        Self { bytes: Bucket::new(rate.bytes, now), reads: calls(), iterators: calls() }
    }

    /// Whether GetShardIterator may answer now.
    pub(super) fn admits_iterator(&mut self, now: u64) -> bool {
        let admitted = self.iterators.left(now) >= 1.0;
        if admitted {
            self.iterators.take(1.0);
        }
        admitted
    }

    /// Whether GetRecords may answer now; what it then gives is to be counted by [`Self::gave`].
    pub(super) fn admits_read(&mut self, now: u64) -> bool {
        let admitted = self.reads.left(now) >= 1.0 && self.bytes.left(now) > 0.0;
        if admitted {
            self.reads.take(1.0);
        }
        admitted
    }

    /// Counts an answer. One of more than a second's worth takes what was saved as well: after 10 MiB nothing is given for 5
    /// seconds (Kinesis API reference, GetRecords).
    pub(super) fn gave(&mut self, now: u64, bytes: usize) {
        let (left, bytes) = (self.bytes.left(now), bytes as f64);
        let saved = if bytes > self.bytes.rate { left.max(0.0) } else { 0.0 };
        self.bytes.take(bytes + saved);
    }
}
