//! Schedules made, looked up, changed and deleted.

use serde_json::{Value, json};

use super::{
    Scheduler, groups, refuse,
    route::{Filter, Paging, Which},
    schedule::{self, Schedule, ScheduleSettings},
};
use crate::{clock, service_error::ServiceError};

/// Whose trust a schedule's role must have.
pub(super) const SERVICE: &str = "scheduler.amazonaws.com";

impl Scheduler {
    pub(super) fn create_schedule(&self, name: &str, settings: ScheduleSettings) -> Result<Value, ServiceError> {
        refuse::name("name", name)?;
        let now = clock::utc();
        let at = settings.check(now)?;
        self.must_be_assumable(&settings)?;
        let which = Which { group: settings.group_name.clone(), name: name.to_owned() };
        let made = Schedule::new(settings, at, now);
        let answer = json!({"ScheduleArn": schedule::arn(&which.group, name)});
        self.change(|known| {
            if !known.groups.contains_key(&which.group) {
                return Err(refuse::no_group(&which.group));
            }
            match known.schedules.get(&which.key()) {
                None => drop(known.schedules.insert(which.key(), made)),
                Some(there)
                    if there.token.is_some() && there.token == made.token && there.settings == made.settings => {}
                Some(_) => return Err(refuse::conflict(format!("Schedule {name} already exists."))),
            }
            Ok(answer)
        })
    }

    pub(super) fn get_schedule(&self, which: &Which) -> Result<Value, ServiceError> {
        let known = self.known.read();
        let schedule = known.schedules.get(&which.key()).ok_or_else(|| refuse::no_schedule(&which.name))?;
        Ok(schedule.describe(&which.name))
    }

    /// Puts new settings in the place of all the old ones; what is not said is the default again.
    pub(super) fn update_schedule(&self, name: &str, settings: ScheduleSettings) -> Result<Value, ServiceError> {
        let now = clock::utc();
        let at = settings.check(now)?;
        self.must_be_assumable(&settings)?;
        let which = Which { group: settings.group_name.clone(), name: name.to_owned() };
        self.change(|known| {
            let there = known.schedules.get_mut(&which.key()).ok_or_else(|| refuse::no_schedule(name))?;
            *there = Schedule { created: there.created, ..Schedule::new(settings, at, now) };
            Ok(json!({"ScheduleArn": schedule::arn(&which.group, name)}))
        })
    }

    pub(super) fn delete_schedule(&self, which: &Which) -> Result<Value, ServiceError> {
        self.change(|known| {
            known.schedules.remove(&which.key()).ok_or_else(|| refuse::no_schedule(&which.name))?;
            Ok(json!({}))
        })
    }

    pub(super) fn list_schedules(&self, filter: &Filter, paging: &Paging) -> Result<Value, ServiceError> {
        let known = self.known.read();
        if let Some(group) = filter.group.as_ref().filter(|group| !known.groups.contains_key(*group)) {
            return Err(refuse::no_group(group));
        }
        let summaries = known.schedules.iter().filter_map(|(key, schedule)| {
            let (group, name) = key.split_once('/')?;
            let wanted = filter.group.as_ref().is_none_or(|wanted| wanted == group)
                && filter.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
                && filter.state.as_ref().is_none_or(|state| json!(schedule.settings.state) == json!(state));
            wanted.then(|| (key.clone(), schedule.summary(name)))
        });
        let (page, next) = paging.page(summaries);
        Ok(groups::listed("Schedules", page, next))
    }

    fn must_be_assumable(&self, settings: &ScheduleSettings) -> Result<(), ServiceError> {
        let group = groups::arn(&settings.group_name);
        if self.iam.may_assume_for(&settings.target.role_arn, SERVICE, &group) {
            return Ok(());
        }
        Err(refuse::validation(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        ))
    }
}
