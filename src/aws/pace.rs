//! How often to ask while waiting, and for how long.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::broken;
use crate::engine::{Cause, Progress, ProviderError};

const FIRST: Duration = Duration::from_millis(50);
const GROWTH: f64 = 1.6;
/// Of the time that was waited, so much passes at most until the next look: an end is seen late by no greater part.
const SHARE: f64 = 0.1;
/// What the longest pause grows from and to, well under the 5 calls a second of the slowest of these APIs.
const CEILINGS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

/// Delays that grow with the time that was waited, jittered, until a budget is spent.
pub(super) struct Pace {
    next: Duration,
    began: Instant,
    budget: Duration,
}

impl Pace {
    /// Quick at first, then every few seconds.
    pub(super) fn within(budget: Duration) -> Self {
        Self { next: FIRST, began: Instant::now(), budget }
    }

    /// Waits before asking again; an error when the budget is spent or someone says stop.
    pub(super) async fn wait(
        &mut self,
        progress: &Progress<'_>,
        call: &str,
        resource: &str,
        what: &str,
    ) -> Result<(), ProviderError> {
        let waited = self.began.elapsed();
        if waited >= self.budget {
            let message = format!("still {what} after {} s", self.budget.as_secs());
            return Err(broken(Cause::TimedOut, call, resource, message, "run the command again to continue waiting"));
        }
        let pause = self.next.min(waited.mul_f64(SHARE).clamp(CEILINGS.0, CEILINGS.1));
        self.next = self.next.mul_f64(GROWTH).min(CEILINGS.1);
        progress.wait(what, pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await
    }
}
