//! What time it is, by the clock that Tokio's timers go by: where a test stops that one and turns it forward, what is said
//! to take a minute takes none, and is over when the timers say so.

use std::time::{self, SystemTime};

use chrono::{DateTime, Utc};

/// The time.
pub(crate) fn now() -> SystemTime {
    let (runs, told) = (time::Instant::now(), tokio::time::Instant::now().into_std());
    let now = SystemTime::now();
    match told.checked_duration_since(runs) {
        Some(ahead) => now + ahead,
        None => now - runs.duration_since(told),
    }
}

/// The time, of a calendar.
pub(crate) fn utc() -> DateTime<Utc> {
    now().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_with_the_timers() {
        let (before, year) = (now(), Duration::from_secs(365 * 86_400));
        tokio::time::sleep(year).await;
        let passed = now().duration_since(before).expect("forward");
        assert!(passed.abs_diff(year) < Duration::from_secs(60), "{passed:?}");
    }

    #[tokio::test]
    async fn it_is_the_time_where_nobody_turns_it() {
        let (before, told, after) = (SystemTime::now(), now(), SystemTime::now());
        let moment = Duration::from_secs(60);
        assert!(told + moment > before && told < after + moment);
    }
}
