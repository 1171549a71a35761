//! Making, showing, tagging and deleting log groups.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Logs, ServiceError,
    group::{Group, name_in},
    invalid, no_group, now,
};
use crate::{
    service::{Answer, Reply},
    tags::reserved,
};

/// CloudWatch Logs API reference, DescribeLogGroups.
const LARGEST_PAGE: usize = 50;
/// The class of every group (CloudWatch Logs API reference, CreateLogGroup).
const STANDARD: &str = "STANDARD";
const MOST_TAGS: usize = 50;
/// CloudWatch Logs API reference, PutRetentionPolicy.
const RETENTIONS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    log_group_name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    kms_key_id: Option<String>,
    log_group_class: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Named {
    log_group_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Describe {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Retention {
    log_group_name: String,
    retention_in_days: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tag {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Untag {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTags {
    resource_arn: String,
}

impl Logs {
    pub(super) fn create_group(&self, request: Create) -> Answer {
        check_name(&request.log_group_name)?;
        check_tags(&request.tags)?;
        if request.kms_key_id.is_some() {
            return Err(invalid("kmsKeyId is not supported by the stand-in."));
        }
        if let Some(class) = request.log_group_class.filter(|class| class != STANDARD) {
            return Err(invalid(format!("logGroupClass {class} is not supported by the stand-in.")));
        }
        self.ledger.change(|ledger| {
            if ledger.groups.contains_key(&request.log_group_name) {
                return Err(ServiceError::client(
                    "ResourceAlreadyExistsException",
                    "The specified log group already exists",
                ));
            }
            ledger.made += 1;
            let group = Group::new(ledger.made, now(), request.tags);
            ledger.groups.insert(request.log_group_name, group);
            Ok(())
        })?;
        Ok(Reply::ok(Bytes::new()))
    }

    pub(super) fn describe_groups(&self, request: Describe) -> Answer {
        let limit = request.limit.unwrap_or(LARGEST_PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(invalid(format!("limit must be between 1 and {LARGEST_PAGE}")));
        }
        let prefix = request.log_group_name_prefix.unwrap_or_default();
        let pattern = request.log_group_name_pattern.unwrap_or_default().to_lowercase();
        let after = request.next_token.unwrap_or_default();
        let found: Vec<(String, Group)> = {
            let ledger = self.ledger.read();
            let fits = |name: &str| name.starts_with(&prefix) && name.to_lowercase().contains(&pattern);
            let named = ledger.groups.iter().filter(|(name, _)| **name > after && fits(name));
            named.take(limit + 1).map(|(name, group)| (name.clone(), group.clone())).collect()
        };
        let shown: Vec<Value> = found
            .iter()
            .take(limit)
            .map(|(name, group)| Ok(group.describe(name, self.journal(group.id)?.bytes())))
            .collect::<Result<_, ServiceError>>()?;
        let mut described = json!({"logGroups": shown});
        if found.len() > limit {
            described["nextToken"] = json!(found[limit - 1].0);
        }
        Reply::json(200, &described)
    }

    pub(super) fn delete_group(&self, request: Named) -> Answer {
        let group = self.ledger.change(|ledger| ledger.groups.remove(&request.log_group_name).ok_or_else(no_group))?;
        self.forget_journal(group.id)?;
        Ok(Reply::ok(Bytes::new()))
    }

    pub(super) fn put_retention(&self, request: Retention) -> Answer {
        let days = request.retention_in_days;
        if !RETENTIONS.contains(&days) {
            return Err(invalid(format!("{days} is not a retention that CloudWatch Logs has")));
        }
        self.change(&request.log_group_name, |group| group.retention_days = Some(days))
    }

    pub(super) fn delete_retention(&self, request: Named) -> Answer {
        self.change(&request.log_group_name, |group| group.retention_days = None)
    }

    pub(super) fn tag(&self, request: Tag) -> Answer {
        check_tags(&request.tags)?;
        self.change(name_in(&request.resource_arn), |group| group.tags.extend(request.tags))
    }

    pub(super) fn untag(&self, request: Untag) -> Answer {
        self.change(name_in(&request.resource_arn), |group| {
            group.tags.retain(|key, _| !request.tag_keys.contains(key));
        })
    }

    pub(super) fn list_tags(&self, request: ListTags) -> Answer {
        Reply::json(200, &json!({"tags": self.find(name_in(&request.resource_arn))?.tags}))
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Group)) -> Answer {
        self.ledger.change(|ledger| {
            change(ledger.groups.get_mut(name).ok_or_else(no_group)?);
            Ok::<_, ServiceError>(())
        })?;
        Ok(Reply::ok(Bytes::new()))
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
    if (1..=512).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
    )))
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() > MOST_TAGS {
        return Err(invalid(format!("a log group may have at most {MOST_TAGS} tags")));
    }
    if let Some(problem) = reserved(tags.keys()) {
        return Err(invalid(problem));
    }
    match tags.iter().find(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        Some((key, _)) => {
            Err(invalid(format!("the tag {key:?} has a key of other than 1 to 128, or a value above 256 characters")))
        }
        None => Ok(()),
    }
}
