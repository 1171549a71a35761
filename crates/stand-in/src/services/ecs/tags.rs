//! Tags of clusters, task definitions and tasks.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Ecs, Known, ServiceError, arn::Resource, refuse};
use crate::tags::reserved;

/// Tags of one resource, and characters of a key and of a value (ECS API reference, Tag).
const TAGS: usize = 50;
const KEY_CHARACTERS: usize = 128;
const VALUE_CHARACTERS: usize = 256;

pub(super) type Tags = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TagResource {
    resource_arn: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTags {
    resource_arn: String,
}

impl Ecs {
    pub(super) fn tag(&self, request: TagResource) -> Result<Value, ServiceError> {
        let added = read(&request.tags)?;
        self.change(|known| {
            let tags = tags_of(known, &request.resource_arn)?;
            tags.extend(added);
            check_count(tags)?;
            Ok(json!({}))
        })
    }

    pub(super) fn untag(&self, request: UntagResource) -> Result<Value, ServiceError> {
        self.change(|known| {
            tags_of(known, &request.resource_arn)?.retain(|key, _| !request.tag_keys.contains(key));
            Ok(json!({}))
        })
    }

    pub(super) fn list_tags(&self, request: ListTags) -> Result<Value, ServiceError> {
        let mut known = self.known()?.clone();
        Ok(json!({"tags": describe(tags_of(&mut known, &request.resource_arn)?)}))
    }
}

/// The tags of a request, all of them allowed.
pub(super) fn read(tags: &[Tag]) -> Result<Tags, ServiceError> {
    if let Some(problem) = reserved(tags.iter().map(|tag| &tag.key)) {
        return Err(refuse::parameter(problem));
    }
    for Tag { key, value } in tags {
        if key.is_empty() || key.chars().count() > KEY_CHARACTERS || value.chars().count() > VALUE_CHARACTERS {
            return Err(refuse::parameter(format!(
                "The tag '{key}' is invalid: keys have 1 to {KEY_CHARACTERS} characters, values up to {VALUE_CHARACTERS}."
            )));
        }
    }
    let tags = tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    check_count(&tags)?;
    Ok(tags)
}

pub(super) fn describe(tags: &Tags) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn check_count(tags: &Tags) -> Result<(), ServiceError> {
    match tags.len() > TAGS {
        true => Err(refuse::parameter(format!("A resource has up to {TAGS} tags."))),
        false => Ok(()),
    }
}

fn tags_of<'a>(known: &'a mut Known, arn: &str) -> Result<&'a mut Tags, ServiceError> {
    match Resource::of_arn(arn).ok_or_else(|| refuse::parameter(format!("Invalid identifier: '{arn}'.")))? {
        Resource::Cluster(name) => {
            let cluster = known.clusters.get_mut(name).ok_or_else(refuse::no_cluster)?;
            if !cluster.is_active() {
                return Err(refuse::parameter(
                    "The specified cluster is inactive. Specify an active cluster and try again.",
                ));
            }
            Ok(&mut cluster.tags)
        }
        Resource::TaskDefinition(family, revision) => {
            let definition = known.definition_mut(family, revision);
            definition.map(|definition| &mut definition.tags).ok_or_else(|| {
                refuse::parameter(
                    "The specified task definition was not found. Specify a valid task definition and try again.",
                )
            })
        }
        Resource::Task(cluster, id) => {
            let task = known.tasks.get_mut(id).filter(|task| task.cluster == cluster && !task.is_stopped());
            task.map(|task| &mut task.tags).ok_or_else(|| {
                refuse::parameter("The specified task was not found. Specify a valid task and try again.")
            })
        }
    }
}
