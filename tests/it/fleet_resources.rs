//! What a load's workers on Fargate need, over a stand-in whose tasks run: started by hand they are found, told from those of
//! others, cost something, and go with their stack.

use std::time::Duration;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, ContainerOverride, KeyValuePair, LaunchType, NetworkConfiguration,
    TaskOverride,
};
use kinesis_demo::{
    aws::{
        Clients, Names, account,
        ec2::{network, security_group},
        ecs::{
            cluster::{self, Running as InCluster},
            tasks::{CONTAINER, ClusterTasks, TaskOrder},
        },
        kinds::providers,
        names::FleetNames,
        ownership::Ownership,
        packaging::Architecture,
    },
    engine::{Cancel, Cause, ForeignContents, Home, Journal, Observed, StackId},
    pipeline::{Materials, lifecycle},
    spec::Stack,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    matrix::{Case, schema_of},
    stand_in::Running,
};

const STARTED_BY: &str = "friday";

/// A stack that is up, and a server that answers nobody: a task that gets its program from there runs until it is stopped.
struct Ground {
    _folder: TempDir,
    running: Running,
    clients: Clients,
    stack: Stack,
    journal: Journal,
    silent: TcpListener,
}

impl Ground {
    async fn up() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(&folder.path().join("local")).await;
        let (clients, stack) = (Clients::connect(running.place()).await, Case::fargate().stack());
        let home = Home::at(folder.path().join("home")).expect("a home");
        let journal = lifecycle::open(&home, &stack, json!({}), &clients).await.expect("opened");
        let schema = schema_of(&stack);
        let materials = Materials { schema: &schema, function: None, worker: Some(Architecture::X86_64) };
        let up = lifecycle::up(&journal, &stack, &materials, &clients, &(), &Cancel::new()).await;
        up.unwrap_or_else(|error| panic!("up: {error}"));
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { _folder: folder, running, clients, stack, journal, silent }
    }

    fn id(&self) -> &StackId {
        self.journal.id()
    }

    fn names(&self) -> FleetNames {
        Names::of(&self.stack, self.id()).fleet.expect("its workers are tasks")
    }

    fn tasks(&self) -> ClusterTasks {
        ClusterTasks::new(&self.clients, self.names().cluster)
    }

    async fn order(&self, token: &str) -> TaskOrder {
        let (names, ownership) = (self.names(), Ownership::new(self.id(), &self.stack.tags));
        let subnets = network::default_subnets(&self.clients).await.expect("subnets");
        let wanted = security_group::Desired { name: names.security_group, ownership: ownership.clone() };
        let url = format!("http://{}/worker", self.silent.local_addr().expect("an address"));
        let variables = [("DEMO_WORKER_URL", url.as_str()), ("DEMO_WORKER_SHA256", "0")];
        TaskOrder {
            family: names.family,
            subnets: subnets.into_iter().map(|subnet| subnet.id).collect(),
            security_group: security_group::id_of(&self.clients, &wanted).await.expect("a group"),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            tags: ownership.all(),
            started_by: STARTED_BY.to_owned(),
            client_token: token.to_owned(),
        }
    }

    /// A task of somebody else's that runs in the stack's cluster, without tags and in a security group of their own.
    async fn runs_for_others(&self) -> String {
        let order = self.order("").await;
        let pair = |(name, value)| KeyValuePair::builder().name(name).value(value).build();
        let environment = order.variables.into_iter().map(pair).collect();
        let container = ContainerOverride::builder().name(CONTAINER).set_environment(Some(environment)).build();
        let vpc = AwsVpcConfiguration::builder().set_subnets(Some(order.subnets));
        let vpc = vpc.assign_public_ip(AssignPublicIp::Enabled).build().expect("subnets");
        let call = self.clients.ecs.run_task().cluster(self.names().cluster).task_definition(order.family);
        let call = call.launch_type(LaunchType::Fargate);
        let call = call.network_configuration(NetworkConfiguration::builder().awsvpc_configuration(vpc).build());
        let call = call.overrides(TaskOverride::builder().container_overrides(container).build());
        let started = call.send().await.expect("started").tasks.and_then(|mut tasks| tasks.pop());
        let arn = started.and_then(|task| task.task_arn).expect("an ARN");
        while self.status(&arn).await != "RUNNING" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        arn
    }

    async fn status(&self, task: &str) -> String {
        let found = self.clients.ecs.describe_tasks().cluster(self.names().cluster).tasks(task).send().await;
        let task = found.expect("described").tasks.and_then(|mut tasks| tasks.pop()).expect("the task");
        task.last_status.unwrap_or_default()
    }

    /// What runs in the stack's cluster, as `gc` and `ls` find it.
    async fn measured(&self) -> InCluster {
        let stacks = account::look(&self.clients).await.expect("looked").stacks;
        let stack = stacks.into_iter().find(|stack| stack.id == *self.id()).expect("the stack");
        let node = stack.nodes.into_iter().find(|node| node.key.kind == "cluster").expect("its cluster");
        let desired: cluster::Desired = serde_json::from_value(node.desired).expect("a cluster");
        desired.running.expect("measured")
    }

    /// `demo down`: nothing is left of the stack.
    async fn goes_down(self, foreign: ForeignContents) {
        let (cancel, clients) = (Cancel::new(), &self.clients);
        let down = lifecycle::down_with(&self.journal, clients, foreign, &(), &cancel).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
        let inventory = self.running.stand_in.inventory().expect("readable");
        let left: Vec<&str> = inventory.names().filter(|name| name.contains(self.id().suffix())).collect();
        assert!(left.is_empty(), "{left:?}");
        self.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_started_found_and_stopped_with_their_stack() {
    let ground = Ground::up().await;
    assert_eq!(ground.measured().await, InCluster::default());
    let (tasks, order) = (ground.tasks(), ground.order("one").await);
    let one = tasks.run(order.clone()).await.expect("started");
    assert_eq!(tasks.run(order.clone()).await.as_ref(), Ok(&one), "the same token is the same task");
    let two = tasks.run(TaskOrder { client_token: "two".to_owned(), ..order.clone() }).await.expect("started");
    let mut found = tasks.running(Some(STARTED_BY)).await.expect("listed");
    found.sort_by_key(|task| task.arn != one);
    let arns: Vec<&String> = found.iter().map(|task| &task.arn).collect();
    assert_eq!(arns, [&one, &two]);
    assert!(found.iter().all(|task| task.tags == order.tags && task.variables == order.variables), "{found:?}");
    assert!(tasks.running(Some("saturday")).await.expect("listed").is_empty());
    let InCluster { tasks: count, vcpus, .. } = ground.measured().await;
    let size = ground.stack.load.workers.as_ref().and_then(|workers| workers.fargate()).expect("tasks").size;
    assert_eq!((count, vcpus), (2, 2.0 * size.vcpus()));

    tasks.stop(&one, "enough of it").await.expect("stopped");
    tasks.stop(&one, "again").await.expect("it stays stopped");
    let why = loop {
        let stopped = tasks.stopped(&[one.clone(), two.clone()]).await.expect("described");
        match stopped.as_slice() {
            [] => tokio::time::sleep(Duration::from_millis(50)).await,
            [(task, why)] if *task == one => break why.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert!(why.starts_with("UserInitiated: enough of it"), "{why}");
    // The other one still runs.
    ground.goes_down(ForeignContents::Keep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ends_says_how_and_one_without_room_why_not() {
    let ground = Ground::up().await;
    let (tasks, mut order) = (ground.tasks(), ground.order("one").await);
    order.variables.clear();
    let ends = tasks.run(order.clone()).await.expect("started");
    let why = loop {
        match tasks.stopped(std::slice::from_ref(&ends)).await.expect("described").pop() {
            None => tokio::time::sleep(Duration::from_millis(50)).await,
            Some((_, why)) => break why,
        }
    };
    assert!(why.starts_with("EssentialContainerExited: ") && why.contains("exit code "), "{why}");
    let unknown = format!("{}0", &ends[..ends.len() - 1]);
    let unknown = if unknown == ends { format!("{}1", &ends[..ends.len() - 1]) } else { unknown };
    let stopped = tasks.stopped(std::slice::from_ref(&unknown)).await.expect("described");
    assert_eq!(stopped, [(unknown, "ECS does not know it (any more)".to_owned())]);

    ground.running.stand_in.ecs.set_vcpu_quota(0);
    let full = tasks.run(TaskOrder { client_token: "two".to_owned(), ..order.clone() }).await.expect_err("no room");
    assert_eq!(full.cause, Cause::Quota, "{full}");
    assert!(full.to_string().contains("vCPUs") && full.advice.contains("L-3032A538"), "{full}");
    ground.goes_down(ForeignContents::Keep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_others_stay_until_they_are_given_up() {
    let ground = Ground::up().await;
    let theirs = ground.runs_for_others().await;
    let down = lifecycle::down(&ground.journal, &ground.clients, &(), &Cancel::new()).await.expect("down");
    let (_, error) = down.failed.iter().find(|(key, _)| key.kind == "cluster").expect("the cluster stays");
    let id = theirs.rsplit('/').next().expect("an id");
    assert!(error.message.contains(&format!("task {id}")), "{error}");
    assert!(error.advice.contains(&format!("ecs stop-task --cluster {} --task {id}", ground.id())), "{error}");
    assert_eq!(ground.status(&theirs).await, "RUNNING");
    ground.goes_down(ForeignContents::Delete).await;
}

/// Between the two calls by which a task definition goes, it is neither active nor gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_was_left_inactive_is_found_and_goes() {
    let ground = Ground::up().await;
    let family = ground.names().family;
    let newest = ground.clients.ecs.describe_task_definition().task_definition(&family).send().await.expect("there");
    let arn = newest.task_definition.and_then(|it| it.task_definition_arn).expect("an ARN");
    ground.clients.ecs.deregister_task_definition().task_definition(&arn).send().await.expect("deregistered");
    let found = providers(&ground.clients);
    let state = ground.journal.state();
    let resource = state.live().find(|resource| resource.node.key.kind == "task-definition").expect("it was made");
    let read = found.of(&resource.node.key).expect("a provider").read(&resource.node).await.expect("read");
    let Observed::Ours { ready, differs, .. } = read else { panic!("{read:?}") };
    assert!(!ready && differs.is_empty(), "{differs:?}");
    ground.goes_down(ForeignContents::Keep).await;
}
