//! EventBridge Scheduler: one-time schedules that really fire.
//!
//! When its time has come, a schedule calls the stand-in's own Kinesis as its role: the role must be there, trust
//! `scheduler.amazonaws.com`, and permit the call by its inline policies. Times that passed while the stand-in was closed
//! fire at its opening. Not covered: recurring schedules, time zones other than UTC, targets other than `DeleteStream` of
//! Kinesis, dead-letter queues, customer's keys; a flexible window begins and fires at once; a deleted group is gone at once.

mod expression;
mod firing;
mod groups;
mod refuse;
mod route;
mod schedule;
mod schedules;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::watch;

pub(crate) use self::firing::Firing;
use self::{groups::Group, route::Route, schedule::Schedule};
use crate::{
    clock,
    durable::Durable,
    inventory::Inventory,
    json,
    protocol::{BODY_LIMIT, Protocol, Rest},
    service::{Answer, Call, Reply, Service},
    service_error::ServiceError,
    services::{iam::Iam, kinesis::Kinesis},
};

/// The group of every schedule that names none.
const DEFAULT_GROUP: &str = "default";

/// EventBridge Scheduler. Dropping it stops watching the times; opening it again continues from there.
pub struct Scheduler {
    known: Durable<Known>,
    kinesis: Arc<Kinesis>,
    iam: Arc<Iam>,
    /// Tells the watch that the schedules are others now.
    changed: watch::Sender<()>,
    firings: Mutex<Vec<Firing>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Known {
    /// By name.
    groups: BTreeMap<String, Group>,
    /// By `group/name`.
    schedules: BTreeMap<String, Schedule>,
}

impl Default for Known {
    fn default() -> Self {
        let groups = BTreeMap::from([(DEFAULT_GROUP.to_owned(), Group::new(BTreeMap::new(), None, clock::utc()))]);
        Self { groups, schedules: BTreeMap::new() }
    }
}

impl Scheduler {
    /// Opens the schedules that lie in `folder`, and begins to watch over their times; to be called inside a tokio runtime.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it are no schedules.
    pub(crate) fn open(folder: &Path, kinesis: Arc<Kinesis>, iam: Arc<Iam>) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let known = Durable::open(&folder.join("schedules.json"))?;
        let (changed, changes) = watch::channel(());
        let scheduler = Arc::new(Self { known, kinesis, iam, changed, firings: Mutex::default() });
        tokio::spawn(firing::watch(Arc::downgrade(&scheduler), changes));
        Ok(scheduler)
    }

    fn answer(&self, call: &Call) -> Answer {
        let answer = match Route::of(&call.request)? {
            Route::CreateSchedule(name) => self.create_schedule(&name, parse(&call.body)?),
            Route::GetSchedule(which) => self.get_schedule(&which),
            Route::UpdateSchedule(name) => self.update_schedule(&name, parse(&call.body)?),
            Route::DeleteSchedule(which) => self.delete_schedule(&which),
            Route::ListSchedules(filter, paging) => self.list_schedules(&filter, &paging),
            Route::CreateGroup(name) => self.create_group(&name, parse(&call.body)?),
            Route::GetGroup(name) => self.get_group(&name),
            Route::DeleteGroup(name) => self.delete_group(&name),
            Route::ListGroups(filter, paging) => self.list_groups(&filter, &paging),
            Route::ListTags(arn) => self.list_tags(&arn),
            Route::TagResource(arn) => self.tag_group(&arn, parse(&call.body)?),
            Route::UntagResource(arn, keys) => self.untag_group(&arn, &keys),
        }?;
        Reply::json(200, &answer)
    }

    /// The names of all schedules in the store as `group/name`, in order.
    pub fn schedule_names(&self) -> Vec<String> {
        self.known.read().schedules.keys().cloned().collect()
    }

    /// Every call that a schedule has made since this opening, oldest first, and what came of it.
    pub fn firings(&self) -> Vec<Firing> {
        self.firings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known, on disk first, and lets the watch look again.
    fn change<R>(&self, change: impl FnOnce(&mut Known) -> Result<R, ServiceError>) -> Result<R, ServiceError> {
        let result = self.known.change(change)?;
        self.changed.send_replace(());
        Ok(result)
    }
}

#[async_trait]
impl Service for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    fn protocol(&self) -> Protocol {
        let error_body = |error: &ServiceError| serde_json::json!({"Message": error.message});
        Protocol::Rest(Rest { body_limit: BODY_LIMIT, error_body })
    }

    fn operations(&self) -> Vec<&'static str> {
        route::OPERATIONS.to_vec()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        self.answer(&call)
    }

    /// The default group always exists, and is left out.
    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let known = self.known.read();
        let mut groups = known.groups.iter().filter(|(name, _)| *name != DEFAULT_GROUP);
        groups.try_for_each(|(name, group)| into.add("scheduler group", name, group))?;
        known.schedules.iter().try_for_each(|(key, schedule)| into.add("scheduler schedule", key, schedule))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| refuse::validation(format!("1 validation error detected: {}", json::problem(&e))))
}

/// The protocol's timestamps: seconds since the epoch, with a fraction.
fn timestamp(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
