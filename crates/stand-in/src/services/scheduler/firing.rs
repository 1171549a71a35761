//! The watch over the times, and the calls that are made when they come.

use std::{
    sync::{PoisonError, Weak},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{
    Scheduler, groups,
    schedule::{ActionAfterCompletion, Schedule},
    schedules::SERVICE,
};
use crate::{
    clock,
    service::{Call, Service},
    service_error::ServiceError,
};

/// How long the watch waits at most before it looks at the clock again: a machine that slept has a clock that went on.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The pause after a first failed call; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A call that a schedule made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// As `group/name`.
    pub schedule: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Nothing, or why it failed.
    pub outcome: Result<(), ServiceError>,
}

/// Fires what is due, then waits for the next time or for a change, until the scheduler is dropped.
pub(super) async fn watch(scheduler: Weak<Scheduler>, mut changes: watch::Receiver<()>) {
    loop {
        let wait = match scheduler.upgrade() {
            None => return,
            Some(scheduler) => {
                changes.mark_unchanged();
                scheduler.fire_due().await;
                scheduler.until_next()
            }
        };
        let changed = match wait {
            None => changes.changed().await,
            Some(wait) => tokio::time::timeout(wait.min(LOOK_AGAIN), changes.changed()).await.unwrap_or(Ok(())),
        };
        if changed.is_err() {
            return;
        }
    }
}

impl Scheduler {
    /// How long until the next schedule is due; `None` where none will be.
    fn until_next(&self) -> Option<Duration> {
        let next = self.known.read().schedules.values().filter_map(Schedule::next).min()?;
        Some((next - clock::utc()).to_std().unwrap_or_default())
    }

    async fn fire_due(&self) {
        let now = clock::utc();
        let due: Vec<(String, Schedule)> = {
            let known = self.known.read();
            let due = known.schedules.iter().filter(|(_, schedule)| schedule.next().is_some_and(|due| due <= now));
            due.map(|(key, schedule)| (key.clone(), schedule.clone())).collect()
        };
        for (key, schedule) in due {
            self.fire(&key, &schedule).await;
        }
    }

    /// At least once, as the service does: a stand-in that is killed between the call and its record makes the call again.
    async fn fire(&self, key: &str, schedule: &Schedule) {
        let outcome = self.invoke(schedule).await;
        match &outcome {
            Ok(()) => tracing::info!("scheduler {key}: deleted the stream that it was made for"),
            Err(error) => tracing::warn!("scheduler {key}: its call failed: {error}"),
        }
        let firing = Firing { schedule: key.to_owned(), at: clock::utc(), outcome: outcome.clone() };
        self.firings.lock().unwrap_or_else(PoisonError::into_inner).push(firing);
        if let Err(error) = self.remember(key, schedule, outcome.err().as_ref()) {
            tracing::error!("scheduler {key}: what became of it cannot be noted: {error}");
        }
    }

    async fn invoke(&self, schedule: &Schedule) -> Result<(), ServiceError> {
        let target = &schedule.settings.target;
        let (role, stream) = (&target.role_arn, target.stream_arn()?);
        if !self.iam.may_assume_for(role, SERVICE, &groups::arn(&schedule.settings.group_name)) {
            return Err(denied(format!("{role} is not there or does not trust {SERVICE}")));
        }
        if !self.iam.permits(role, "kinesis:DeleteStream", &stream) {
            return Err(denied(format!(
                "{role} is not authorized to perform: kinesis:DeleteStream on resource: {stream}"
            )));
        }
        self.kinesis.clone().call(Call::of("DeleteStream", target.input.clone())).await.map(drop)
    }

    /// Writes down that a call was made: the schedule is tried again later, is done, or is gone. One that was changed
    /// meanwhile is left as it is now.
    pub(super) fn remember(
        &self,
        key: &str,
        fired: &Schedule,
        error: Option<&ServiceError>,
    ) -> Result<(), ServiceError> {
        let again = error.filter(|error| may_pass(error)).and_then(|_| self.next_attempt(fired));
        self.change(|known| {
            let Some(schedule) = known.schedules.get_mut(key).filter(|now| now.modified == fired.modified) else {
                return Ok(());
            };
            schedule.due = again;
            schedule.failed_attempts += u32::from(again.is_some());
            if again.is_none() && schedule.settings.action_after_completion == ActionAfterCompletion::Delete {
                known.schedules.remove(key);
            }
            Ok(())
        })
    }

    /// When a failed call is made again; `None` where the schedule's retry policy is used up.
    fn next_attempt(&self, schedule: &Schedule) -> Option<DateTime<Utc>> {
        let policy = schedule.settings.target.retry_policy;
        let pause = FIRST_PAUSE.saturating_mul(1 << schedule.failed_attempts.min(16)).min(LONGEST_PAUSE);
        let next = clock::utc() + pause;
        let in_time = (next - schedule.at).num_seconds() <= policy.maximum_event_age_in_seconds;
        let attempts_left = i64::from(schedule.failed_attempts) < policy.maximum_retry_attempts;
        (in_time && attempts_left).then_some(next)
    }
}

/// Whether a failure may pass by itself: the target's own, or too many calls.
fn may_pass(error: &ServiceError) -> bool {
    error.status >= 500 || error.code == "LimitExceededException"
}

fn denied(message: String) -> ServiceError {
    ServiceError::client("AccessDeniedException", message)
}
