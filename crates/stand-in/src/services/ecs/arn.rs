//! The ARNs of what ECS has, and the names in them.

use crate::{ACCOUNT, REGION};

/// What an ARN names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resource<'a> {
    Cluster(&'a str),
    TaskDefinition(&'a str, u32),
    /// A cluster, and the id of a task in it.
    Task(&'a str, &'a str),
}

impl<'a> Resource<'a> {
    pub(super) fn of_arn(arn: &'a str) -> Option<Self> {
        let (kind, name) = arn.strip_prefix(&of(""))?.split_once('/')?;
        match kind {
            "cluster" => Some(Self::Cluster(name)),
            "task-definition" => {
                let (family, revision) = name.rsplit_once(':')?;
                Some(Self::TaskDefinition(family, revision.parse().ok()?))
            }
            "task" => name.split_once('/').map(|(cluster, id)| Self::Task(cluster, id)),
            _ => None,
        }
    }
}

pub(super) fn cluster(name: &str) -> String {
    of(&format!("cluster/{name}"))
}

pub(super) fn task(cluster: &str, id: &str) -> String {
    of(&format!("task/{cluster}/{id}"))
}

pub(super) fn container(cluster: &str, task: &str, id: &str) -> String {
    of(&format!("container/{cluster}/{task}/{id}"))
}

pub(super) fn task_definition(family: &str, revision: u32) -> String {
    of(&format!("task-definition/{family}:{revision}"))
}

/// The cluster that a request names by its name or its ARN, or means by naming none.
pub(super) fn cluster_in(given: Option<&str>) -> &str {
    let given = given.unwrap_or("default");
    match Resource::of_arn(given) {
        Some(Resource::Cluster(name)) => name,
        _ => given,
    }
}

/// The id of a task of this cluster that a request names by its id or its ARN; nothing where the ARN is of another cluster.
pub(super) fn task_in<'a>(cluster: &str, given: &'a str) -> &'a str {
    match Resource::of_arn(given) {
        Some(Resource::Task(of, id)) if of == cluster => id,
        Some(_) => "",
        None => given,
    }
}

/// Family and revision of a task definition that a request names by `family`, `family:revision` or its ARN.
pub(super) fn definition_in(given: &str) -> (&str, Option<u32>) {
    if let Some(Resource::TaskDefinition(family, revision)) = Resource::of_arn(given) {
        return (family, Some(revision));
    }
    match given.rsplit_once(':').map(|(family, revision)| (family, revision.parse())) {
        Some((family, Ok(revision))) => (family, Some(revision)),
        _ => (given, None),
    }
}

fn of(resource: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{resource}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_arn_names_is_found_in_it() {
        assert_eq!(Resource::of_arn(&cluster("c")), Some(Resource::Cluster("c")));
        assert_eq!(Resource::of_arn(&task("c", "t")), Some(Resource::Task("c", "t")));
        assert_eq!(Resource::of_arn(&task_definition("f", 3)), Some(Resource::TaskDefinition("f", 3)));
        assert_eq!(Resource::of_arn("arn:aws:ecs:us-east-1:111111111111:cluster/c"), None);
        assert_eq!((cluster_in(None), cluster_in(Some("c")), cluster_in(Some(&cluster("c")))), ("default", "c", "c"));
        assert_eq!((task_in("c", "t"), task_in("c", &task("c", "t")), task_in("d", &task("c", "t"))), ("t", "t", ""));
        assert_eq!(definition_in("f"), ("f", None));
        assert_eq!((definition_in("f:2"), definition_in(&task_definition("f", 2))), (("f", Some(2)), ("f", Some(2))));
    }
}
