//! Registering, showing and removing task definitions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Ecs, Known, ServiceError, arn,
    definition::{RegisterTaskDefinition, TaskDefinition},
    page::{Paging, listed},
    refuse, tags,
};
use crate::clock;

/// Task definitions of one request (ECS API reference, DeleteTaskDefinitions).
const MOST_DELETED: usize = 10;

/// The revisions of a family.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Family {
    /// The number of the last one that was ever registered.
    last: u32,
    pub(super) revisions: BTreeMap<u32, TaskDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeTaskDefinition {
    task_definition: String,
    #[serde(default)]
    include: Vec<IncludeTags>,
}

/// What else is to be shown.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum IncludeTags {
    Tags,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTaskDefinitions {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<Sort>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Sort {
    Asc,
    Desc,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeregisterTaskDefinition {
    task_definition: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteTaskDefinitions {
    task_definitions: Vec<String>,
}

impl Ecs {
    pub(super) fn register(&self, request: RegisterTaskDefinition) -> Result<Value, ServiceError> {
        let name = request.family.clone();
        let definition = TaskDefinition::of(request)?;
        self.change(|known| {
            let family = known.families.entry(name.clone()).or_default();
            family.last += 1;
            let described = describe(&definition, &name, family.last, true);
            family.revisions.insert(family.last, definition);
            Ok(described)
        })
    }

    pub(super) fn describe_definition(&self, request: DescribeTaskDefinition) -> Result<Value, ServiceError> {
        let known = self.known()?;
        let found = known.definition(&request.task_definition);
        let (family, revision, definition) =
            found.ok_or_else(|| refuse::client("Unable to describe task definition."))?;
        Ok(describe(definition, family, revision, !request.include.is_empty()))
    }

    pub(super) fn list_definitions(&self, request: ListTaskDefinitions) -> Result<Value, ServiceError> {
        let (known, status) = (self.known()?, request.status.as_deref().unwrap_or("ACTIVE"));
        if !["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"].contains(&status) {
            return Err(refuse::parameter(format!(
                "The status '{status}' is none of ACTIVE, INACTIVE, DELETE_IN_PROGRESS."
            )));
        }
        let of_family = |name: &str| request.family_prefix.as_ref().is_none_or(|family| family == name);
        let families = known.families.iter().filter(|(name, _)| of_family(name));
        let all = families.flat_map(|(name, family)| family.revisions.iter().map(move |it| (name, it)));
        let wanted = all.filter(|(_, (_, definition))| definition.status() == status);
        // A key in whose order the revisions stand: by family, then by number.
        let is_backward = request.sort == Some(Sort::Desc);
        let mut wanted: Vec<(String, String)> = wanted
            .map(|(name, (revision, _))| {
                let number = if is_backward { u32::MAX - revision } else { *revision };
                (format!("{name}:{number:010}"), arn::task_definition(name, *revision))
            })
            .collect();
        wanted.sort();
        let paging = Paging::of(request.max_results, request.next_token.as_deref())?;
        Ok(listed("taskDefinitionArns", paging.page(wanted.into_iter())))
    }

    pub(super) fn deregister(&self, request: DeregisterTaskDefinition) -> Result<Value, ServiceError> {
        let (family, revision) = exact(&request.task_definition)?;
        self.change(|known| {
            let definition = known.definition_mut(family, revision).ok_or_else(absent)?;
            definition.deregistered.get_or_insert_with(clock::utc);
            Ok(json!({"taskDefinition": definition.describe(family, revision)}))
        })
    }

    /// Each by itself: one that cannot be deleted is a failure among the others.
    pub(super) fn delete_definitions(&self, request: DeleteTaskDefinitions) -> Result<Value, ServiceError> {
        let asked = request.task_definitions;
        if asked.is_empty() || asked.len() > MOST_DELETED {
            return Err(refuse::parameter(format!("taskDefinitions has 1 to {MOST_DELETED} items.")));
        }
        self.change(|known| {
            let (mut deleted, mut failures) = (Vec::new(), Vec::new());
            for asked in &asked {
                match known.delete_definition(asked) {
                    Ok(described) => deleted.push(described),
                    Err(error) => failures.push(json!({"arn": asked, "reason": error.message})),
                }
            }
            Ok(json!({"taskDefinitions": deleted, "failures": failures}))
        })
    }
}

impl Known {
    /// A task definition that a request names; of a family alone, its newest active revision.
    pub(super) fn definition<'a>(&'a self, given: &'a str) -> Option<(&'a str, u32, &'a TaskDefinition)> {
        let (name, revision) = arn::definition_in(given);
        let (name, family) = self.families.get_key_value(name)?;
        let (revision, definition) = match revision {
            Some(revision) => family.revisions.get_key_value(&revision)?,
            None => family.revisions.iter().rev().find(|(_, definition)| definition.is_active())?,
        };
        Some((name, *revision, definition))
    }

    pub(super) fn definition_mut(&mut self, family: &str, revision: u32) -> Option<&mut TaskDefinition> {
        self.families.get_mut(family)?.revisions.get_mut(&revision)
    }

    fn delete_definition(&mut self, given: &str) -> Result<Value, ServiceError> {
        let (family, revision) = exact(given)?;
        let definition = self.definition_mut(family, revision).ok_or_else(absent)?;
        if definition.is_active() {
            return Err(refuse::client(
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
            ));
        }
        definition.deleted.get_or_insert_with(clock::utc);
        Ok(definition.describe(family, revision))
    }
}

fn describe(definition: &TaskDefinition, family: &str, revision: u32, with_tags: bool) -> Value {
    let mut answer = json!({"taskDefinition": definition.describe(family, revision)});
    if with_tags {
        answer["tags"] = json!(tags::describe(&definition.tags));
    }
    answer
}

/// Family and revision, both of which a change needs.
fn exact(given: &str) -> Result<(&str, u32), ServiceError> {
    match arn::definition_in(given) {
        (family, Some(revision)) => Ok((family, revision)),
        (_, None) => Err(refuse::parameter(format!(
            "Invalid revision number in '{given}': a task definition is named family:revision here, or by its ARN."
        ))),
    }
}

fn absent() -> ServiceError {
    refuse::client(
        "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
    )
}
