//! What a shard takes in a second, however the service counts it.

use kinesis_producer::limits::{SHARD_BYTES_PER_SECOND, SHARD_RECORDS_PER_SECOND};

/// How a shard counts what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// By a bucket that holds a second's worth and fills all the time.
    Bucket,
    /// Anew in each second of the clock.
    Windows,
}

/// What a shard takes in a second.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    pub records: f64,
    pub bytes: f64,
}

impl Throughput {
    /// Of a whole shard.
    pub const SHARD: Self = Self { records: SHARD_RECORDS_PER_SECOND as f64, bytes: SHARD_BYTES_PER_SECOND as f64 };

    /// A part of it, where somebody else takes the rest.
    pub fn part(self, part: f64) -> Self {
        Self { records: self.records * part, bytes: self.bytes * part }
    }
}

/// What one shard can still take; a new one has a second's worth.
#[derive(Default)]
pub(super) struct Meter(Option<Level>);

#[derive(Clone, Copy)]
struct Level {
    left: Throughput,
    /// When it was so, in seconds.
    at: f64,
}

impl Meter {
    pub(super) fn takes(&mut self, bytes: usize, limit: Throughput, counting: Counting, now: f64) -> bool {
        let Level { mut left, at } = self.0.unwrap_or(Level { left: limit, at: now });
        let seconds = match counting {
            Counting::Bucket => now - at,
            Counting::Windows => now.floor() - at.floor(),
        };
        left.records = (left.records + seconds * limit.records).min(limit.records);
        left.bytes = (left.bytes + seconds * limit.bytes).min(limit.bytes);
        let bytes = bytes as f64;
        let is_accepted = left.records >= 1.0 && left.bytes >= bytes.min(limit.bytes);
        if is_accepted {
            left.records -= 1.0;
            left.bytes -= bytes;
        }
        self.0 = Some(Level { left, at: now });
        is_accepted
    }
}
