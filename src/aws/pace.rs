//! How often to ask while waiting, and for how long.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::broken;
use crate::engine::{Cause, Progress, ProviderError};

const FIRST: Duration = Duration::from_millis(50);
const GROWTH: f64 = 1.6;

/// Delays that grow to a ceiling, jittered, until a budget is spent.
pub(super) struct Pace {
    next: Duration,
    ceiling: Duration,
    deadline: Instant,
    budget: Duration,
}

impl Pace {
    /// Quick at first, then every few seconds: well under the 5 calls a second of the slowest of these APIs.
    pub(super) fn within(budget: Duration) -> Self {
        Self { next: FIRST, ceiling: Duration::from_secs(4), deadline: Instant::now() + budget, budget }
    }

    /// Waits before asking again; an error when the budget is spent or someone says stop.
    pub(super) async fn wait(
        &mut self,
        progress: &Progress<'_>,
        call: &str,
        resource: &str,
        what: &str,
    ) -> Result<(), ProviderError> {
        if Instant::now() >= self.deadline {
            let message = format!("still {what} after {} s", self.budget.as_secs());
            return Err(broken(Cause::TimedOut, call, resource, message, "the same command goes on waiting"));
        }
        progress.wait(what, self.next.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await?;
        self.next = self.next.mul_f64(GROWTH).min(self.ceiling);
        Ok(())
    }
}
