//! What the resources are called that any stack may have: it follows from the stack and its id.

use crate::{
    engine::StackId,
    spec::{Name, Stack, Workers},
};

/// The names of what a stack may have besides what its deliveries name themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The stack's id, which the names of its deliveries follow from too.
    pub id: StackId,
    /// The Kinesis data stream.
    pub stream: String,
    /// The schedule that ends it, where it has a time to live.
    pub schedule: String,
    /// The role that the scheduler assumes.
    pub schedule_role: String,
    /// The bucket, which every delivery, the journal's mirror and workers on Fargate need.
    pub bucket: Option<String>,
    /// The path that the stack's roles lie under.
    pub role_path: String,
    /// What its workers on Fargate need.
    pub fleet: Option<FleetNames>,
}

/// The names of what a stack's workers on Fargate need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetNames {
    /// The cluster that they run in.
    pub cluster: String,
    /// The family of their task definition.
    pub family: String,
    /// The log group of their lines.
    pub log_group: String,
    /// Their security group.
    pub security_group: String,
    /// The role that they act as.
    pub role: String,
    /// The role by which ECS starts them and writes their lines.
    pub execution_role: String,
}

impl FleetNames {
    fn of(id: &StackId) -> Self {
        Self {
            cluster: id.to_string(),
            family: id.to_string(),
            log_group: format!("{WORKER_LOG_GROUPS}{id}/workers"),
            security_group: id.to_string(),
            role: format!("{id}-worker"),
            execution_role: format!("{id}-worker-start"),
        }
    }
}

impl Names {
    /// The names of this stack.
    pub fn of(stack: &Stack, id: &StackId) -> Self {
        let bucket = || {
            let stem = Name::Stem(stack.name.clone());
            joined(stack.deliver.bucket().unwrap_or(&stem), id, '-')
        };
        let has_fleet = stack.load.workers.as_ref().and_then(Workers::fargate).is_some();
        Self {
            id: id.clone(),
            stream: joined(&stack.stream.name, id, '-'),
            schedule: id.to_string(),
            schedule_role: format!("{id}-scheduler"),
            bucket: (stack.mirror || has_fleet || !stack.deliver.is_empty()).then(bucket),
            role_path: role_path(id),
            fleet: has_fleet.then(|| FleetNames::of(id)),
        }
    }
}

/// The path that all roles lie under.
pub(super) const ROLES: &str = "/demo/";

/// The path that a stack's roles lie under: the tagging API lists no roles, ListRoles lists a path.
pub fn role_path(id: &StackId) -> String {
    format!("{ROLES}{id}/")
}

/// What the log groups of all functions begin with.
pub(super) const LOG_GROUPS: &str = "/aws/lambda/";

/// What the log groups of all workers begin with.
pub(super) const WORKER_LOG_GROUPS: &str = "/demo/";

/// The log group of a stack's function: the one that Lambda would make itself.
pub(crate) fn log_group(id: &StackId) -> String {
    format!("{LOG_GROUPS}{id}")
}

/// A stem with the digits of the stack's id, or the whole name as it is.
pub(crate) fn joined(name: &Name, id: &StackId, by: char) -> String {
    match name {
        Name::Stem(stem) => format!("{stem}{by}{}", id.suffix()),
        Name::Exact(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_take_the_suffix_and_exact_names_stay() {
        let id: StackId = "store-sales-7f3a91c2".parse().expect("an id");
        assert_eq!(joined(&Name::Stem("tpcds".into()), &id, '_'), "tpcds_7f3a91c2");
        assert_eq!(joined(&Name::Stem("store-sales".into()), &id, '-'), "store-sales-7f3a91c2");
        assert_eq!(joined(&Name::Exact("mine".into()), &id, '-'), "mine");
        assert_eq!(role_path(&id), "/demo/store-sales-7f3a91c2/");
    }
}
