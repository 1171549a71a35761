//! What the service allows, and the per-shard throttle that holds writers to it.

use std::time::Duration;

/// What the service allows and how quickly its states change; [`Limits::default`] is what AWS does, save that states
/// change within a moment rather than within a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What one shard takes; `None` takes everything.
    pub(crate) shard_write: Option<WriteRate>,
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

/// The token buckets of one shard.
pub(super) struct Throttle {
    rate: WriteRate,
    bytes: f64,
    records: f64,
    filled_at: u64,
}

impl Throttle {
    /// Full buckets at `now`, in milliseconds.
    pub(super) fn new(rate: WriteRate, now: u64) -> Self {
        Self { rate, bytes: rate.bytes as f64, records: rate.records as f64, filled_at: now }
    }

    /// Whether a record of `size` bytes may pass now. One that is larger than the bucket passes on a full one and leaves a debt.
    pub(super) fn admits(&mut self, now: u64, size: usize) -> bool {
        self.refill(now);
        let size = size as f64;
        let admitted = self.records >= 1.0 && self.bytes >= size.min(self.rate.bytes as f64);
        if admitted {
            self.records -= 1.0;
            self.bytes -= size;
        }
        admitted
    }

    fn refill(&mut self, now: u64) {
        let seconds = now.saturating_sub(self.filled_at) as f64 / 1000.0;
        self.bytes = (self.bytes + seconds * self.rate.bytes as f64).min(self.rate.bytes as f64);
        self.records = (self.records + seconds * self.rate.records as f64).min(self.rate.records as f64);
        self.filled_at = now;
    }
}
