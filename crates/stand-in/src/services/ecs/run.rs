//! Starting tasks.

use std::sync::PoisonError;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Ecs, Known, ServiceError, arn,
    container::ContainerOverride,
    definition::{TaskDefinition, role_arn},
    fargate::Size,
    life::Life,
    refuse,
    tags::{self, Tag, Tags},
    task::{Interface, Overrides, Status, Task, Times, Token},
};
use crate::{clock, protocol::uuid, region::Region, service::Call, services::ec2::Subnet};

/// Whom a role of a task must trust (ECS developer guide, "Amazon ECS task IAM role").
const SERVICE: &str = "ecs-tasks.amazonaws.com";
/// Tasks of one request (ECS API reference, RunTask).
const MOST_TASKS: usize = 10;
/// The same, AwsVpcConfiguration.
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;
/// Characters (the same, RunTask).
const LONGEST_STARTED_BY: usize = 128;
const LONGEST_TOKEN: usize = 64;
/// Characters of the overrides in JSON (the same).
const LONGEST_OVERRIDES: usize = 8_192;

const NO_CAPACITY: &str =
    "Capacity is unavailable at this time. Please try again later or in a different availability zone";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RunTask {
    cluster: Option<String>,
    task_definition: String,
    count: Option<usize>,
    launch_type: Option<String>,
    network_configuration: Option<NetworkConfiguration>,
    overrides: Option<Overrides>,
    started_by: Option<String>,
    group: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    propagate_tags: Option<PropagateTags>,
    client_token: Option<String>,
    platform_version: Option<String>,
    #[serde(default)]
    enable_execute_command: bool,
    #[serde(default, rename = "enableECSManagedTags")]
    enable_managed_tags: bool,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PropagateTags {
    TaskDefinition,
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NetworkConfiguration {
    awsvpc_configuration: AwsVpcConfiguration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AwsVpcConfiguration {
    subnets: Vec<String>,
    #[serde(default)]
    security_groups: Vec<String>,
    #[serde(default)]
    assign_public_ip: Switch,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Switch {
    Enabled,
    #[default]
    Disabled,
}

/// Where the tasks of a request run.
struct Network {
    subnets: Vec<Subnet>,
    groups: Vec<String>,
    is_public: bool,
}

impl RunTask {
    /// Refuses what ECS would not take, and what the stand-in does not know.
    fn check(&self) -> Result<(), ServiceError> {
        if self.launch_type.as_deref() != Some("FARGATE") {
            return Err(refuse::not_covered("Another launchType than FARGATE, or none,"));
        }
        if let Some(other) = self.platform_version.as_deref().filter(|it| !["LATEST", "1.4.0"].contains(it)) {
            return Err(refuse::not_covered(&format!("The platform version {other}")));
        }
        if self.enable_execute_command {
            return Err(refuse::not_covered("enableExecuteCommand"));
        }
        if self.enable_managed_tags {
            return Err(refuse::not_covered("enableECSManagedTags"));
        }
        if !(1..=MOST_TASKS).contains(&self.count()) {
            return Err(refuse::parameter(format!("count must be between 1 and {MOST_TASKS}.")));
        }
        if self.started_by.as_ref().is_some_and(|text| text.chars().count() > LONGEST_STARTED_BY) {
            return Err(refuse::parameter(format!("startedBy has up to {LONGEST_STARTED_BY} characters.")));
        }
        // Printable characters of ASCII, 33 to 126 ("Ensuring idempotency").
        let is_token = |token: &String| {
            (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !self.client_token.as_ref().is_none_or(is_token) {
            return Err(refuse::parameter(format!("clientToken has 1 to {LONGEST_TOKEN} printable ASCII characters.")));
        }
        match json!(self.overrides).to_string().len() > LONGEST_OVERRIDES {
            true => Err(refuse::parameter(format!("overrides have up to {LONGEST_OVERRIDES} characters in JSON."))),
            false => Ok(()),
        }
    }

    fn count(&self) -> usize {
        self.count.unwrap_or(1)
    }
}

impl Ecs {
    pub(super) fn run_task(&self, call: &Call, request: RunTask) -> Result<Value, ServiceError> {
        self.refuse_unserved()?;
        request.check()?;
        let token = request.client_token.clone().map(|client_token| {
            let digest = Sha256::digest(&call.body).iter().map(|byte| format!("{byte:02x}")).collect();
            Token { client_token, digest }
        });
        let cluster = arn::cluster_in(request.cluster.as_deref());
        let network = self.network(request.network_configuration.as_ref())?;
        let model = {
            let known = self.known()?;
            known.check_cluster(cluster)?;
            if let Some(answer) = token.as_ref().and_then(|token| known.answer_again(cluster, token)) {
                return answer;
            }
            let definition = known.definition(&request.task_definition);
            let definition = definition.ok_or_else(|| refuse::client("TaskDefinition not found."))?;
            let model = self.model(cluster, definition, &request)?;
            Task { token, region: Region::of(&call.request).name().to_owned(), ..model }
        };
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for subnet in network.subnets.iter().cycle().take(request.count()) {
            match self.faults.exhausts(cluster) {
                true => failures.push(json!({"reason": NO_CAPACITY})),
                false => tasks.push(model.copy_in(subnet, network.is_public)),
            }
        }
        if let Some(answered_meanwhile) = self.admit(&tasks, &network.groups)? {
            return Ok(answered_meanwhile);
        }
        let described: Vec<Value> = tasks.iter().map(|task| task.describe(true)).collect();
        tasks.into_iter().for_each(|task| self.begin(task));
        Ok(json!({"tasks": described, "failures": failures}))
    }

    fn begin(&self, task: Task) {
        let id = task.id.clone();
        self.lives().insert(id.clone(), Life::begin(self.me.clone(), task));
        // Whoever stopped it since it was written down found no life to tell.
        if self.known.read().tasks.get(&id).is_some_and(|task| task.stop.is_some())
            && let Some(life) = self.lives().get(&id)
        {
            life.stop();
        }
    }

    /// What all tasks of a request are alike in.
    fn model(
        &self,
        cluster: &str,
        (family, revision, definition): (&str, u32, &TaskDefinition),
        request: &RunTask,
    ) -> Result<Task, ServiceError> {
        if !definition.is_active() {
            return Err(refuse::client("TaskDefinition is inactive"));
        }
        let overrides = request.overrides.clone().unwrap_or_default();
        let of_containers = &overrides.container_overrides;
        of_containers.iter().try_for_each(|one| one.check(&definition.container))?;
        let own = of_containers.iter().find(|one: &&ContainerOverride| one.is_for(&definition.container));
        let container = definition.container.clone().overridden(own);
        if container.arguments().next().is_none() {
            return Err(refuse::client(format!(
                "The container {} has neither command nor entryPoint, and the stand-in runs no images: give it a command.",
                container.name
            )));
        }
        let size = match (&overrides.cpu, &overrides.memory) {
            (None, None) => definition.size,
            (cpu, memory) => {
                let (own_cpu, own_memory) = (definition.size.cpu.to_string(), definition.size.memory.to_string());
                Size::of(Some(cpu.as_deref().unwrap_or(&own_cpu)), Some(memory.as_deref().unwrap_or(&own_memory)))?
            }
        };
        let role = |overridden: &Option<String>, own: &Option<String>| {
            let role = overridden.as_deref().map(role_arn).transpose()?.or_else(|| own.clone());
            role.map_or(Ok(None), |role| self.assumed(role).map(Some))
        };
        let mut tags = match request.propagate_tags {
            Some(PropagateTags::TaskDefinition) => definition.tags.clone(),
            Some(PropagateTags::None) | None => Tags::new(),
        };
        tags.extend(tags::read(&request.tags)?);
        Ok(Task {
            id: String::new(),
            cluster: cluster.to_owned(),
            family: family.to_owned(),
            revision,
            container,
            container_id: String::new(),
            size,
            architecture: definition.architecture().to_owned(),
            task_role: role(&overrides.task_role_arn, &definition.task_role)?,
            execution_role: role(&overrides.execution_role_arn, &definition.execution_role)?,
            overrides,
            interface: Interface::default(),
            region: String::new(),
            group: request.group.clone().unwrap_or_else(|| format!("family:{family}")),
            started_by: request.started_by.clone(),
            tags,
            token: None,
            status: Status::Provisioning,
            version: 1,
            exit_code: None,
            container_reason: None,
            stop: None,
            times: Times::created(clock::utc()),
        })
    }

    fn assumed(&self, role: String) -> Result<String, ServiceError> {
        match self.iam.may_assume(&role, SERVICE) {
            true => Ok(role),
            false => Err(refuse::client(format!(
                "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
            ))),
        }
    }

    fn network(&self, given: Option<&NetworkConfiguration>) -> Result<Network, ServiceError> {
        let missing = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
        let given = &given.ok_or_else(|| refuse::parameter(missing))?.awsvpc_configuration;
        if given.subnets.is_empty() {
            return Err(refuse::parameter("subnets can not be empty."));
        }
        if given.subnets.len() > MOST_SUBNETS || given.security_groups.len() > MOST_GROUPS {
            return Err(refuse::parameter(format!(
                "A task has up to {MOST_SUBNETS} subnets and {MOST_GROUPS} security groups."
            )));
        }
        let subnets =
            self.ec2.subnets(&given.subnets).map_err(|error| unknown_in_ec2("subnet", &given.subnets, &error))?;
        let (groups, is_public) = (given.security_groups.clone(), given.assign_public_ip == Switch::Enabled);
        Ok(Network { subnets, groups, is_public })
    }

    /// Attaches their network interfaces and writes the tasks down, or neither; then returns the answer that the same request
    /// got meanwhile.
    fn admit(&self, tasks: &[Task], groups: &[String]) -> Result<Option<Value>, ServiceError> {
        let attached = tasks.iter().try_for_each(|task| {
            let attached = self.ec2.attach(&task.interface.id, groups);
            attached.map_err(|error| unknown_in_ec2("security group", groups, &error))
        });
        let admitted = attached.and_then(|()| self.write_down(tasks));
        if !matches!(admitted, Ok(None)) {
            tasks.iter().for_each(|task| self.ec2.detach(&task.interface.id));
        }
        admitted
    }

    /// AWS publishes the words for a used-up quota, among the events of a service, and no code of RunTask's.
    fn write_down(&self, tasks: &[Task]) -> Result<Option<Value>, ServiceError> {
        let quota = self.vcpu_quota().saturating_mul(1_024);
        self.change(|known| {
            for task in tasks {
                known.check_cluster(&task.cluster)?;
                if let Some(answer) = task.token.as_ref().and_then(|token| known.answer_again(&task.cluster, token)) {
                    return answer.map(Some);
                }
            }
            let running = known.tasks.values().filter(|task| !task.is_stopped());
            if running.chain(tasks).map(|task| task.size.cpu).sum::<u32>() > quota {
                return Err(refuse::client("You've reached the limit on the number of vCPUs you can run concurrently"));
            }
            known.tasks.extend(tasks.iter().map(|task| (task.id.clone(), task.clone())));
            Ok(None)
        })
    }

    fn refuse_unserved(&self) -> Result<(), ServiceError> {
        match *self.address.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => Ok(()),
            None => Err(ServiceError {
                status: 503,
                code: "ServerException",
                message: "the stand-in does not serve, so a task could not call it".to_owned(),
            }),
        }
    }
}

impl Known {
    /// The answer to a request that was answered before, as long as its tasks are shown.
    fn answer_again(&self, cluster: &str, token: &Token) -> Option<Result<Value, ServiceError>> {
        let of_token = |task: &&Task| task.token.as_ref().is_some_and(|it| it.client_token == token.client_token);
        let tasks: Vec<&Task> = self.tasks_of(cluster).filter(of_token).collect();
        let first = tasks.first()?;
        if first.token.as_ref() == Some(token) {
            let described: Vec<Value> = tasks.iter().map(|task| task.describe(true)).collect();
            return Some(Ok(json!({"tasks": described, "failures": []})));
        }
        let arns: Vec<String> = tasks.iter().map(|task| task.arn()).collect();
        let message =
            format!("The clientToken is in use with another RunTask request, of the tasks {}.", arns.join(", "));
        Some(Err(ServiceError::client("ConflictException", message)))
    }
}

impl Task {
    /// The same task under an id of its own, in a subnet.
    fn copy_in(&self, subnet: &Subnet, is_public: bool) -> Self {
        let interface = Interface {
            id: format!("eni-{:017x}", rand::random::<u128>() >> 60),
            attachment: uuid(),
            subnet: subnet.id.to_owned(),
            zone: subnet.zone(&self.region),
            address: subnet.random_address(),
            is_public,
        };
        Self { id: format!("{:032x}", rand::random::<u128>()), container_id: uuid(), interface, ..self.clone() }
    }
}

/// ECS hands on what EC2 says (seen as an answer of RunTask, for example in dask-cloudprovider's issue 56).
fn unknown_in_ec2(what: &str, ids: &[String], error: &ServiceError) -> ServiceError {
    let (ids, code, message) = (ids.join(", "), error.code, &error.message);
    refuse::parameter(format!("Error retrieving {what} information for [{ids}]: {message} (ErrorCode: {code})"))
}
