//! Whether a stream is near its limits. Far from them no record has to be counted for its shard, nor its key hashed.

use std::time::Duration;

use tokio::time::Instant;

use super::limiter::{BYTES_PER_SECOND, RECORDS_PER_SECOND};

/// The part of all shards' limits below which a stream is far from them.
const NEAR: f64 = 0.5;
/// How long what passes is counted before it is judged.
const WINDOW: Duration = Duration::from_millis(100);
/// How long after the last throttling every record is still counted.
const WARY: Duration = Duration::from_secs(10);

/// Counts what passes, and says when it is to be counted shard by shard.
pub(super) struct LoadEstimate {
    records: u64,
    bytes: u64,
    /// In one window, before the limits are near.
    most_records: u64,
    most_bytes: u64,
    since: Instant,
    wary_until: Instant,
    near: bool,
}

impl LoadEstimate {
    /// Near until the first window has passed: a stream's first second may already be too much for it.
    pub(super) fn new(shards: usize, now: Instant) -> Self {
        let in_window = |per_second: f64| (NEAR * per_second * shards as f64 * WINDOW.as_secs_f64()) as u64;
        let (most_records, most_bytes) = (in_window(RECORDS_PER_SECOND), in_window(BYTES_PER_SECOND));
        Self { records: 0, bytes: 0, most_records, most_bytes, since: now, wary_until: now, near: true }
    }

    /// One record passes; whether the limits are near.
    pub(super) fn pass(&mut self, bytes: usize) -> bool {
        self.records += 1;
        self.bytes += bytes as u64;
        self.near |= self.records > self.most_records || self.bytes > self.most_bytes;
        self.near
    }

    pub(super) fn throttled(&mut self, now: Instant) {
        self.wary_until = now + WARY;
        self.near = true;
    }

    /// To be called now and then: begins another window when one is over.
    pub(super) fn tick(&mut self, now: Instant) {
        let windows = now.saturating_duration_since(self.since).as_millis() / WINDOW.as_millis();
        if windows > 0 {
            let mean = |sum: u64| u128::from(sum) / windows;
            let near =
                mean(self.records) > u128::from(self.most_records) || mean(self.bytes) > u128::from(self.most_bytes);
            self.near = near || now < self.wary_until;
            (self.records, self.bytes, self.since) = (0, 0, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_near_at_first_then_as_much_as_passes() {
        let start = Instant::now();
        let mut load_estimate = LoadEstimate::new(10, start);
        assert!(load_estimate.pass(1));
        load_estimate.tick(start + WINDOW);
        assert!((0..500).all(|_| !load_estimate.pass(1)), "half of 10 × 1,000/s × 0.1 s");
        assert!(load_estimate.pass(1));
        load_estimate.tick(start + 2 * WINDOW);
        assert!(load_estimate.pass(1), "the window before had too much");
        load_estimate.tick(start + 3 * WINDOW);
        assert!(!load_estimate.pass(1));
        assert!(load_estimate.pass(600_000), "bytes count as well");
    }

    #[test]
    fn throttling_makes_it_wary_for_a_while() {
        let start = Instant::now();
        let mut load_estimate = LoadEstimate::new(10, start);
        load_estimate.throttled(start);
        load_estimate.tick(start + WARY / 2);
        assert!(load_estimate.pass(1));
        load_estimate.tick(start + WARY + WINDOW);
        assert!(!load_estimate.pass(1));
    }
}
