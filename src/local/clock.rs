//! What time it is: the wall clock's, and where a runtime's time is simulated, as much later as the simulation has run ahead.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time, for whoever keeps deadlines. A deadline lies on the wall clock, so that it outlives the process; the wait for
/// it is tokio's, so that a test can stop and turn that clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    simulated: tokio::time::Instant,
    real: Instant,
}

impl Clock {
    /// A clock that has not run ahead yet.
    pub fn start() -> Self {
        Self { simulated: tokio::time::Instant::now(), real: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> SystemTime {
        let simulated = self.simulated.elapsed();
        SystemTime::now() + simulated.saturating_sub(self.real.elapsed())
    }

    /// Now, in milliseconds since the epoch.
    pub fn milliseconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_ahead_with_simulated_time_alone() {
        let clock = Clock::start();
        let ahead = || clock.now().duration_since(SystemTime::now()).unwrap_or_default();
        assert!(ahead() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        assert!(ahead() > Duration::from_secs(7_000), "{:?}", ahead());
    }
}
