//! Groups of schedules, which are what carries tags.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    DEFAULT_GROUP, Known, Scheduler, refuse,
    route::{Filter, Paging},
    timestamp,
};
use crate::{ACCOUNT, REGION, clock, service_error::ServiceError, tags::reserved};

/// Tags on one resource (EventBridge Scheduler API reference, TagResource).
const TAGS: usize = 200;

/// A group as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Group {
    tags: BTreeMap<String, String>,
    token: Option<String>,
    created: DateTime<Utc>,
    modified: DateTime<Utc>,
}

/// The body of CreateScheduleGroup.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateGroup {
    client_token: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// The body of TagResource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tags {
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

impl Group {
    pub(super) fn new(tags: BTreeMap<String, String>, token: Option<String>, now: DateTime<Utc>) -> Self {
        Self { tags, token, created: now, modified: now }
    }

    fn describe(&self, name: &str) -> Value {
        json!({
            "Name": name,
            "Arn": arn(name),
            "State": "ACTIVE",
            "CreationDate": timestamp(self.created),
            "LastModificationDate": timestamp(self.modified),
        })
    }

    fn add_tags(&mut self, tags: Vec<Tag>) -> Result<(), ServiceError> {
        if let Some(problem) = reserved(tags.iter().map(|tag| &tag.key)) {
            return Err(refuse::validation(problem));
        }
        for Tag { key, value } in tags {
            if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
                let rule = "Tag keys must have length between 1 and 128, values up to 256";
                return Err(refuse::constraint("tags", &key, rule));
            }
            self.tags.insert(key, value);
        }
        if self.tags.len() > TAGS {
            return Err(refuse::validation(format!("A resource may have {TAGS} tags.")));
        }
        Ok(())
    }
}

impl Scheduler {
    pub(super) fn create_group(&self, name: &str, request: CreateGroup) -> Result<Value, ServiceError> {
        refuse::name("name", name)?;
        let mut made = Group::new(BTreeMap::new(), request.client_token, clock::utc());
        made.add_tags(request.tags)?;
        self.change(|known| {
            match known.groups.get(name) {
                None => drop(known.groups.insert(name.to_owned(), made)),
                Some(there) if there.token.is_some() && there.token == made.token && there.tags == made.tags => {}
                Some(_) => return Err(refuse::conflict(format!("Schedule group {name} already exists."))),
            }
            Ok(json!({"ScheduleGroupArn": arn(name)}))
        })
    }

    pub(super) fn get_group(&self, name: &str) -> Result<Value, ServiceError> {
        let known = self.known.read();
        let group = known.groups.get(name).ok_or_else(|| refuse::no_group(name))?;
        Ok(group.describe(name))
    }

    /// With every schedule in it.
    pub(super) fn delete_group(&self, name: &str) -> Result<Value, ServiceError> {
        if name == DEFAULT_GROUP {
            return Err(refuse::validation("The default schedule group cannot be deleted."));
        }
        self.change(|known| {
            known.groups.remove(name).ok_or_else(|| refuse::no_group(name))?;
            known.schedules.retain(|_, schedule| schedule.settings.group_name != name);
            Ok(json!({}))
        })
    }

    pub(super) fn list_groups(&self, filter: &Filter, paging: &Paging) -> Result<Value, ServiceError> {
        let known = self.known.read();
        let wanted = |name: &str| filter.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix));
        let groups = known.groups.iter().filter(|(name, _)| wanted(name));
        let (page, next) = paging.page(groups.map(|(name, group)| (name.clone(), group.describe(name))));
        Ok(listed("ScheduleGroups", page, next))
    }

    pub(super) fn list_tags(&self, arn: &str) -> Result<Value, ServiceError> {
        let known = self.known.read();
        let group = known.groups.get(name_in(arn)?).ok_or_else(|| no_resource(arn))?;
        let tags: Vec<Value> = group.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Ok(json!({"Tags": tags}))
    }

    pub(super) fn tag_group(&self, arn: &str, request: Tags) -> Result<Value, ServiceError> {
        self.change(|known| {
            tagged(known, arn)?.add_tags(request.tags)?;
            Ok(json!({}))
        })
    }

    pub(super) fn untag_group(&self, arn: &str, keys: &[String]) -> Result<Value, ServiceError> {
        self.change(|known| {
            tagged(known, arn)?.tags.retain(|key, _| !keys.contains(key));
            Ok(json!({}))
        })
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}")
}

/// A page of a listing as the protocol has it.
pub(super) fn listed(what: &str, page: Vec<Value>, next: Option<String>) -> Value {
    let mut listed = json!({what: page});
    if let Some(next) = next {
        listed["NextToken"] = json!(next);
    }
    listed
}

fn tagged<'a>(known: &'a mut Known, arn: &str) -> Result<&'a mut Group, ServiceError> {
    known.groups.get_mut(name_in(arn)?).ok_or_else(|| no_resource(arn))
}

/// Only groups have tags (EventBridge Scheduler API reference, TagResource).
fn name_in(arn: &str) -> Result<&str, ServiceError> {
    arn.strip_prefix(&self::arn("")).ok_or_else(|| no_resource(arn))
}

fn no_resource(arn: &str) -> ServiceError {
    refuse::not_found(format!("Resource {arn} does not exist."))
}
