//! How much a load at rate `max` keeps in flight.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What is in flight is acknowledged in this time, at the present rate: long enough to fill what lies between, and short
/// enough for a latency that is the service's, and for an end that comes soon after the load's.
const DEPTH: Duration = Duration::from_millis(500);
/// Before there is a rate.
const FIRST: u64 = 256;
/// However slow it goes.
const LEAST: u64 = 64;

/// A closed loop: documents are offered as others are acknowledged.
pub(super) struct Window(AtomicU64);

impl Window {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(FIRST))
    }

    /// Follows the rate at which documents are acknowledged.
    pub(super) fn follow(&self, per_second: f64) {
        self.0.store(((per_second * DEPTH.as_secs_f64()) as u64).max(LEAST), Relaxed);
    }

    /// How many more may be in flight.
    pub(super) fn room(&self, in_flight: usize) -> u64 {
        self.0.load(Relaxed).saturating_sub(in_flight as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_half_a_second_deep() {
        let window = Window::new();
        assert_eq!((window.room(0), window.room(300)), (256, 0));
        window.follow(10_000.0);
        assert_eq!((window.room(0), window.room(4_999)), (5_000, 1));
        window.follow(0.0);
        assert_eq!(window.room(0), 64, "so that it sees when the service is back");
    }
}
