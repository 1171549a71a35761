//! How fast one shard is written to: two token buckets, and a pace that gives way when the service refuses.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::{SHARD_BYTES_PER_SECOND, SHARD_RECORDS_PER_SECOND};

/// Records that a shard takes in a second.
pub(super) const RECORDS_PER_SECOND: f64 = SHARD_RECORDS_PER_SECOND as f64;
/// Bytes, partition keys included, that a shard takes in a second.
pub(super) const BYTES_PER_SECOND: f64 = SHARD_BYTES_PER_SECOND as f64;

/// The part of a shard's limit that is asked for at most. Records do not all travel for the same time, so that at the
/// very limit more of them would arrive within some seconds.
const WHOLE: f64 = 0.99;

/// What a bucket holds, in seconds of the shard's limit. So much may come at once after idle time, and no more: with it,
/// no second sees more than the limit, should the service count second by second.
const BURST: f64 = 1.0 - WHOLE;

/// What is left of the pace when the service refuses.
const DECREASE: f64 = 0.9;

/// Refusals within such a time tell the same thing.
const ONE_REFUSAL: Duration = Duration::from_millis(100);

/// What the pace has gained t seconds after the last refusal is this times t², as a part of the shard's limit. It probes
/// gently where it was refused, and half of a shard is regained within 10 s. All who write to the shard gain alike,
/// however fast they are, so that their paces approach each other.
const INCREASE: f64 = 0.005;

/// Less than this part of the limit is never asked for, so that it is seen when the shard takes records again.
const LEAST: f64 = 0.01;

/// Seconds of the limit that rounding may lose: a nanosecond, the clock's own unit.
const NEGLIGIBLE: f64 = 1e-9;

/// The pace of one shard.
///
/// Both buckets are counted in seconds of the shard's limit: a record takes 1 ms from the one, and as long as its bytes
/// need at the limit from the other; and both fill alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    records: f64,
    bytes: f64,
    /// What the buckets hold is of this moment.
    at: Instant,
    /// The part of the limit that was left by the last refusal.
    kept: f64,
    refused_at: Instant,
}

impl Limiter {
    /// With full buckets, at the whole pace.
    pub(super) fn new(now: Instant) -> Self {
        Self { records: BURST, bytes: BURST, at: now, kept: WHOLE, refused_at: now }
    }

    /// Takes what a record of so many bytes needs, its partition key included, if it is there. A record that is larger
    /// than a bucket leaves on a full one, and leaves a debt.
    pub(super) fn try_take(&mut self, bytes: usize, now: Instant) -> bool {
        *self = self.advanced_to(now);
        let cost = Cost::of(bytes);
        let is_ready = self.missing(cost) < NEGLIGIBLE;
        if is_ready {
            self.records -= cost.record;
            self.bytes -= cost.bytes;
        }
        is_ready
    }

    /// When `try_take` will be true if nothing else is taken and the service refuses nothing; `now` if it is.
    pub(super) fn ready_at(&self, bytes: usize, now: Instant) -> Instant {
        let then = self.advanced_to(now);
        let missing = then.missing(Cost::of(bytes));
        if missing < NEGLIGIBLE { now } else { now + then.time_to_earn(missing) }
    }

    /// The service has refused a record for want of throughput: what it had to give is used up, and so is this.
    pub(super) fn throttled(&mut self, now: Instant) {
        *self = self.advanced_to(now);
        let is_first = self.kept >= WHOLE;
        if is_first || now.saturating_duration_since(self.refused_at) >= ONE_REFUSAL {
            self.kept = (self.share() * DECREASE).max(LEAST);
            self.refused_at = now;
            self.records = self.records.min(0.0);
            self.bytes = self.bytes.min(0.0);
        }
    }

    /// The part of the shard's limit that is asked for at most, 0 to 1, as of the last call.
    pub(super) fn share(&self) -> f64 {
        self.share_after(0.0)
    }

    fn missing(&self, cost: Cost) -> f64 {
        (cost.record.min(BURST) - self.records).max(cost.bytes.min(BURST) - self.bytes)
    }

    fn advanced_to(&self, now: Instant) -> Self {
        let earned = self.earned_in(now.saturating_duration_since(self.at).as_secs_f64());
        let (records, bytes) = ((self.records + earned).min(BURST), (self.bytes + earned).min(BURST));
        Self { records, bytes, at: self.at.max(now), ..*self }
    }

    /// Since the last refusal.
    fn age(&self) -> f64 {
        self.at.duration_since(self.refused_at).as_secs_f64()
    }

    fn share_after(&self, seconds: f64) -> f64 {
        (self.kept + INCREASE * (self.age() + seconds).powi(2)).min(WHOLE)
    }

    /// How much longer the share grows.
    fn growing_seconds(&self) -> f64 {
        (((WHOLE - self.kept) / INCREASE).sqrt() - self.age()).max(0.0)
    }

    /// What so much time gives: the share over it.
    fn earned_in(&self, seconds: f64) -> f64 {
        let growing = seconds.min(self.growing_seconds());
        self.earned_while_growing(growing) + (seconds - growing) * WHOLE
    }

    fn earned_while_growing(&self, seconds: f64) -> f64 {
        let age = self.age();
        seconds * (self.kept + INCREASE * (age * age + age * seconds + seconds * seconds / 3.0))
    }

    /// `earned_in` the other way round.
    fn time_to_earn(&self, missing: f64) -> Duration {
        let growing = self.growing_seconds();
        let beyond = missing - self.earned_while_growing(growing);
        let seconds = match beyond > 0.0 {
            true => growing + beyond / WHOLE,
            false => self.time_to_earn_while_growing(missing),
        };
        Duration::from_secs_f64(seconds)
    }

    /// By Newton's method, from a time that is too long: as the share only grows, no step leads to one that is too short.
    fn time_to_earn_while_growing(&self, missing: f64) -> f64 {
        let mut seconds = (missing / self.share()).min(self.growing_seconds());
        loop {
            let excess = (self.earned_while_growing(seconds) - missing) / self.share_after(seconds);
            if excess < NEGLIGIBLE / 4.0 {
                return seconds;
            }
            seconds -= excess;
        }
    }
}

#[derive(Clone, Copy)]
struct Cost {
    record: f64,
    bytes: f64,
}

impl Cost {
    fn of(bytes: usize) -> Self {
        Self { record: 1.0 / RECORDS_PER_SECOND, bytes: bytes as f64 / BYTES_PER_SECOND }
    }
}

#[cfg(test)]
mod tests;
