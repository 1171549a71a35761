//! The task definition of a stack's workers: a family of revisions, of which one is kept. A change is another revision.

use async_trait::async_trait;
use aws_sdk_ecs::{
    operation::describe_task_definition::DescribeTaskDefinitionOutput,
    types::{
        Compatibility, ContainerDefinition, CpuArchitecture, Failure, LogConfiguration, LogDriver, NetworkMode,
        OsFamily, RuntimePlatform, TaskDefinition, TaskDefinitionField, TaskDefinitionStatus,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    tags::{pairs, to_tags},
    tasks::CONTAINER,
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, says},
        kind::{Kind, Layer},
        ownership::{self, Ownership},
        packaging::Architecture,
        permission::{On, Statement},
        retry::classify,
        tags,
    },
    engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

/// What the names of the log streams of workers begin with: `worker/worker/<task>` (ECS developer guide, "Send Amazon ECS logs
/// to CloudWatch").
pub(in crate::aws) const LOG_STREAMS: &str = "worker/worker/";
const LOG_PREFIX: &str = "worker";
/// Seconds that a worker has to end in order; the most that Fargate gives (ECS developer guide, "Task definition parameters").
const STOP_TIMEOUT: i32 = 120;
/// Revisions of one request (ECS API reference, DeleteTaskDefinitions).
const MOST_DELETED: usize = 10;
const REGISTER: &str = "ecs RegisterTaskDefinition";
const DESCRIBE: &str = "ecs DescribeTaskDefinition";
const DEREGISTER: &str = "ecs DeregisterTaskDefinition";
const DELETE: &str = "ecs DeleteTaskDefinitions";
const LIST: &str = "ecs ListTaskDefinitions";

/// What ECS says of a revision that is not there.
const GONE: &str = "does not exist";

/// A task definition as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its family.
    pub name: String,
    /// The image that its container runs in.
    pub image: String,
    /// What its container runs.
    pub command: Vec<String>,
    /// What that runs on.
    pub architecture: Architecture,
    /// In 1/1,024 of a vCPU.
    pub cpu_units: u32,
    /// In MiB.
    pub memory_mib: u32,
    /// The role that its tasks act as: path and name, `/demo/…/name`.
    pub role: String,
    /// The role by which ECS writes their lines, and gets the image.
    pub execution_role: String,
    /// The log group of these lines.
    pub log_group: String,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows task definitions.
pub struct TaskDefinitions(pub Clients);

/// A revision, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Revision {
    arn: String,
    is_active: bool,
}

#[async_trait]
impl Kind for TaskDefinitions {
    type Desired = Desired;

    const KIND: &'static str = "task-definition";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const OF_FAMILY: [&str; 3] = ["ecs:DeleteTaskDefinitions", "ecs:RegisterTaskDefinition", "ecs:TagResource"];
        const OF_ANY: [&str; 2] = ["ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition"];
        vec![
            Statement::new(&OF_FAMILY, [On::resource("ecs", format!("task-definition/{}:*", wanted.name))]),
            Statement::new(&OF_ANY, [On::anything()]),
        ]
    }

    /// Ready where one revision is active and no other is left.
    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let revisions = self.revisions(Some(&wanted.name)).await?;
        let newest = revisions.iter().rfind(|revision| revision.is_active).or(revisions.last());
        let Some(newest) = newest else { return Ok(Observed::Absent) };
        let Some(found) = self.describe(&newest.arn).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(pairs(found.tags())) {
            return Ok(Observed::Foreign { why });
        }
        // Without an active one, `make_ready` registers what is wanted.
        let mut differs = Vec::new();
        if newest.is_active {
            differs.extend(tags::differences(&wanted.ownership, pairs(found.tags())));
            differs.extend(self.differences(wanted, &found).await?);
        }
        let ready = newest.is_active && revisions.len() == 1;
        Ok(Observed::Ours { identity: newest.arn.clone(), ready, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        self.register(wanted).await
    }

    /// Removes every revision but the newest active one, which is registered where there is none. That is asked for by the
    /// family: a list may not have it yet.
    async fn make_ready(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let newest = self.describe(&wanted.name).await?.and_then(|found| found.task_definition);
        let newest = match newest.and_then(|definition| definition.task_definition_arn) {
            Some(arn) => arn,
            None => self.register(wanted).await?,
        };
        let mut others = self.own(wanted).await?;
        others.retain(|revision| revision.arn != newest);
        self.remove(others).await
    }

    /// Registers another revision, with the tags too; `make_ready` removes the one before it.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        self.register(wanted).await.map(drop)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.remove(self.own(wanted).await?).await
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let family = match scope {
            Scope::Stack(id) => Some(id.as_str()),
            Scope::Account => None,
        };
        let mut newest: Vec<(String, String)> = Vec::new();
        for Revision { arn, .. } in self.revisions(family).await?.into_iter().rev() {
            let family = family_of(&arn).to_owned();
            if scope.may_follow(&family) && newest.iter().all(|(known, _)| *known != family) {
                newest.push((family, arn));
            }
        }
        let tags = |(_, arn): (String, String)| async move {
            let found = self.describe(&arn).await?;
            Ok(ownership::collected(pairs(found.as_ref().map(|found| found.tags()).unwrap_or_default())))
        };
        let owned = |((family, arn), ownership): ((String, String), Ownership)| {
            let deregister = self.0.cli(&format!("ecs deregister-task-definition --task-definition {arn}"));
            let delete = self.0.cli(&format!("ecs delete-task-definitions --task-definitions {arn}"));
            let desired = Desired { name: family.clone(), ownership, ..Desired::default() };
            Self::found(&family, &desired, format!("{deregister}; {delete}"))
        };
        Ok(ownership::ours(scope, newest, tags).await?.into_iter().map(owned).collect())
    }
}

impl TaskDefinitions {
    /// Every revision of a family, or of all, that is active or was until its deletion was cut off; in their order.
    async fn revisions(&self, family: Option<&str>) -> Result<Vec<Revision>, ProviderError> {
        let active = self.listed(family, TaskDefinitionStatus::Active);
        let inactive = self.listed(family, TaskDefinitionStatus::Inactive);
        let (active, inactive) = futures::join!(active, inactive);
        let mut revisions = [active?, inactive?].concat();
        revisions.sort_by_key(|revision| (family_of(&revision.arn).to_owned(), number_of(&revision.arn)));
        // One that was deregistered between the two looks.
        revisions.dedup_by(|later, earlier| later.arn == earlier.arn);
        Ok(revisions)
    }

    async fn listed(&self, family: Option<&str>, status: TaskDefinitionStatus) -> Result<Vec<Revision>, ProviderError> {
        let is_active = status == TaskDefinitionStatus::Active;
        let call = self.0.ecs.list_task_definitions().set_family_prefix(family.map(str::to_owned)).status(status);
        let (mut arns, mut listed) = (call.into_paginator().items().send(), Vec::new());
        while let Some(arn) = arns.next().await {
            let arn = arn.map_err(|error| failure(LIST, family.unwrap_or("the account"), &error))?;
            listed.push(Revision { arn, is_active });
        }
        Ok(listed)
    }

    /// Those of its revisions that carry the ownership tags.
    async fn own(&self, wanted: &Desired) -> Result<Vec<Revision>, ProviderError> {
        let mut own = Vec::new();
        for revision in self.revisions(Some(&wanted.name)).await? {
            let found = self.describe(&revision.arn).await?;
            own.extend(found.filter(|found| wanted.ownership.is_on(pairs(found.tags())).is_ok()).map(|_| revision));
        }
        Ok(own)
    }

    /// A revision by its ARN, or the newest active one of a family.
    async fn describe(&self, arn: &str) -> Result<Option<DescribeTaskDefinitionOutput>, ProviderError> {
        let call = self.0.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
        match call.send().await {
            Ok(found) => Ok(Some(found)),
            Err(error) if says(&error, &["Unable to describe task definition"]) => Ok(None),
            Err(error) => Err(failure(DESCRIBE, arn, &error)),
        }
    }

    async fn register(&self, wanted: &Desired) -> Result<String, ProviderError> {
        let name = &wanted.name;
        let role = self.0.iam_arn(&format!("role{}", wanted.role)).await?;
        let execution_role = self.0.iam_arn(&format!("role{}", wanted.execution_role)).await?;
        let call = self.0.ecs.register_task_definition().family(name).task_role_arn(role);
        let call = call.execution_role_arn(execution_role).network_mode(NetworkMode::Awsvpc);
        let call = call.requires_compatibilities(Compatibility::Fargate).runtime_platform(platform(wanted));
        let call = call.cpu(wanted.cpu_units.to_string()).memory(wanted.memory_mib.to_string());
        let call = call.container_definitions(container(wanted, self.0.region())?);
        let answer = call.set_tags(Some(to_tags(wanted.ownership.all()))).send().await;
        let registered = answer.map_err(|error| failure(REGISTER, name, &error))?.task_definition;
        Ok(registered.and_then(|definition| definition.task_definition_arn).unwrap_or_default())
    }

    /// Deregisters what is active, and deletes all: only inactive ones can be deleted. One that is gone already is a success, as
    /// where the answer of a try was lost.
    async fn remove(&self, revisions: Vec<Revision>) -> Result<(), ProviderError> {
        for Revision { arn, .. } in revisions.iter().filter(|revision| revision.is_active) {
            let answer = self.0.ecs.deregister_task_definition().task_definition(arn).send().await;
            match answer {
                Ok(_) => {}
                Err(error) if says(&error, &[GONE]) => {}
                Err(error) => return Err(failure(DEREGISTER, arn, &error)),
            }
        }
        for revisions in revisions.chunks(MOST_DELETED) {
            let arns = revisions.iter().map(|revision| revision.arn.clone()).collect();
            let answer = self.0.ecs.delete_task_definitions().set_task_definitions(Some(arns)).send().await;
            let answer = answer.map_err(|error| failure(DELETE, &revisions[0].arn, &error))?;
            let is_left = |failure: &&Failure| !failure.reason().is_some_and(|reason| reason.contains(GONE));
            if let Some(left) = answer.failures().iter().find(is_left) {
                let (arn, reason) = (left.arn().unwrap_or_default(), left.reason().unwrap_or("no reason given"));
                let cause = classify("ecs", "", reason).cause();
                return Err(broken(cause, DELETE, arn, reason.to_owned(), "run `demo down` again to remove it"));
            }
        }
        Ok(())
    }

    async fn differences(
        &self,
        wanted: &Desired,
        found: &DescribeTaskDefinitionOutput,
    ) -> Result<Vec<Difference>, ProviderError> {
        let Some(found) = found.task_definition() else { return Ok(Vec::new()) };
        let (role, execution_role) = (
            self.0.iam_arn(&format!("role{}", wanted.role)).await?,
            self.0.iam_arn(&format!("role{}", wanted.execution_role)).await?,
        );
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut differs = differing([
            ("CPU units", text(found.cpu()), wanted.cpu_units.to_string()),
            ("memory (MiB)", text(found.memory()), wanted.memory_mib.to_string()),
            ("task role", text(found.task_role_arn()), role),
            ("execution role", text(found.execution_role_arn()), execution_role),
            ("architecture", architecture_of(found), architecture(wanted).as_str().to_owned()),
        ]);
        let wanted = container(wanted, self.0.region())?;
        differs.extend(container_differences(found.container_definitions().first(), &wanted));
        Ok(differs)
    }
}

/// What an image has as its own entry point is replaced, and what it has as its own command.
fn container(wanted: &Desired, region: &str) -> Result<ContainerDefinition, ProviderError> {
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", &wanted.log_group)
        .options("awslogs-region", region)
        .options("awslogs-stream-prefix", LOG_PREFIX)
        .build();
    let logs = logs.map_err(|error| broken(Cause::Other, REGISTER, &wanted.name, error.to_string(), ""))?;
    let container = ContainerDefinition::builder().name(CONTAINER).image(&wanted.image).essential(true);
    let container = match wanted.command.split_last() {
        Some((last, first)) => container.set_entry_point(Some(first.to_vec())).command(last),
        None => container,
    };
    let container = container.stop_timeout(STOP_TIMEOUT);
    Ok(container.log_configuration(logs).build())
}

fn platform(wanted: &Desired) -> RuntimePlatform {
    RuntimePlatform::builder().cpu_architecture(architecture(wanted)).operating_system_family(OsFamily::Linux).build()
}

fn architecture(wanted: &Desired) -> CpuArchitecture {
    match wanted.architecture {
        Architecture::X86_64 => CpuArchitecture::X8664,
        Architecture::Arm64 => CpuArchitecture::Arm64,
    }
}

fn architecture_of(found: &TaskDefinition) -> String {
    let architecture = found.runtime_platform().and_then(|platform| platform.cpu_architecture());
    architecture.unwrap_or(&CpuArchitecture::X8664).as_str().to_owned()
}

/// A command is a script, which nobody wants to read in a line.
fn container_differences(found: Option<&ContainerDefinition>, wanted: &ContainerDefinition) -> Vec<Difference> {
    let Some(found) = found else { return vec![Difference::in_place("container", "missing", CONTAINER)] };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let seconds = |of: &ContainerDefinition| of.stop_timeout().unwrap_or_default().to_string();
    let mut differs = differing([
        ("container", text(found.name()), text(wanted.name())),
        ("image", text(found.image()), text(wanted.image())),
        ("time to stop (s)", seconds(found), seconds(wanted)),
        ("logs", logs_of(found), logs_of(wanted)),
    ]);
    if (found.entry_point(), found.command()) != (wanted.entry_point(), wanted.command()) {
        differs.push(Difference::in_place("command", "another one", "that of this version of demo"));
    }
    differs
}

fn logs_of(container: &ContainerDefinition) -> String {
    let Some(logs) = container.log_configuration() else { return "none".to_owned() };
    let mut options: Vec<String> = logs.options().into_iter().flatten().map(|(k, v)| format!("{k}={v}")).collect();
    options.sort();
    format!("{} {}", logs.log_driver().as_str(), options.join(" "))
}

fn differing<const N: usize>(settings: [(&str, String, String); N]) -> Vec<Difference> {
    let differing = settings.into_iter().filter(|(_, is, want)| is != want);
    differing.map(|(what, is, want)| Difference::in_place(what, is, want)).collect()
}

/// Of `arn:aws:ecs:us-east-1:123456789012:task-definition/family:7`.
fn family_of(arn: &str) -> &str {
    let name = arn.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

fn number_of(arn: &str) -> u32 {
    arn.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Desired {
        Desired {
            name: "a-00000001".to_owned(),
            image: "public.ecr.aws/amazonlinux/amazonlinux:2023-minimal".to_owned(),
            command: ["sh", "-c", "true"].map(str::to_owned).to_vec(),
            log_group: "/demo/a-00000001/workers".to_owned(),
            ..Desired::default()
        }
    }

    #[test]
    fn a_revision_is_known_by_its_arn() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/a-00000001:12";
        assert_eq!((family_of(arn), number_of(arn)), ("a-00000001", 12));
    }

    #[test]
    fn what_a_container_differs_in_is_said_and_the_script_is_not() {
        let container = |wanted: &Desired| container(wanted, "us-east-1").expect("a container");
        let ours = container(&wanted());
        assert_eq!(container_differences(Some(&ours), &ours), []);
        let other = container(&Desired { image: "mine".to_owned(), command: vec!["x".to_owned()], ..wanted() });
        let differs = Difference::listed(&container_differences(Some(&other), &ours));
        assert_eq!(
            differs,
            "image: mine, expected public.ecr.aws/amazonlinux/amazonlinux:2023-minimal; \
             command: another one, expected that of this version of demo"
        );
        let elsewhere = container(&Desired { log_group: "/mine".to_owned(), ..wanted() });
        assert!(Difference::listed(&container_differences(Some(&elsewhere), &ours)).starts_with("logs: awslogs "));
    }
}
