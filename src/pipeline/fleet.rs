//! What a load's workers on Fargate need: roles, logs, a security group, a task definition, and a cluster.

use crate::{
    aws::{
        bucket::Buckets,
        ec2::security_group::{self, SecurityGroups},
        ecs::{
            cluster::{self, Clusters},
            task_definition::{self, TaskDefinitions},
        },
        folders,
        image::Image,
        kind::{Kind, node},
        log_group::{self, LogGroups},
        names::FleetNames,
        packaging::Architecture,
        permission::{On, Statement},
        role::{self, Roles},
        stream::Streams,
        worker_program::WorkerProgram,
    },
    deliveries::parts::Parts,
    engine::Node,
    spec::{Fargate, Workers},
};

/// The shortest that CloudWatch Logs offers: the group goes with its stack.
const LOG_DAYS: i32 = 1;

/// There is no program for the workers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("load.workers.fargate: there is no program for the workers; put demo-worker beside demo")]
pub struct NoProgram;

/// Everything, the cluster last: it stands on all others, so it is the first to go, with its tasks.
pub(super) fn nodes(parts: &Parts) -> Result<Vec<Node>, NoProgram> {
    let fargate = parts.stack.load.workers.as_ref().and_then(Workers::fargate);
    let Some((fargate, names)) = fargate.zip(parts.names.fleet.as_ref()) else { return Ok(Vec::new()) };
    let architecture = parts.materials.worker.ok_or(NoProgram)?;
    Ok(vec![
        log_node(names, parts),
        role_node(names, parts),
        execution_role_node(names, fargate, parts),
        security_group_node(names, parts),
        task_definition_node(names, fargate, architecture, parts),
        cluster_node(names, fargate, parts),
    ])
}

fn log_node(names: &FleetNames, parts: &Parts) -> Node {
    let (name, ownership) = (names.log_group.clone(), parts.ownership.clone());
    let desired = log_group::Desired { name, retention_days: LOG_DAYS, ownership };
    node::<LogGroups>(&names.log_group, &[], &desired, String::new())
}

/// What a worker does itself: it sends, and meets its coordinator in the bucket. Without ListBucket, an object that is not there
/// is an AccessDenied (S3 API reference, GetObject).
fn role_node(names: &FleetNames, parts: &Parts) -> Node {
    const SEND: [&str; 3] = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecords"];
    let bucket = parts.bucket().to_owned();
    let statements = vec![
        Statement::new(&SEND, [On::Stream(parts.names.stream.clone())]),
        Statement::new(&["s3:ListBucket"], [On::Bucket(bucket.clone())]),
        Statement::new(&["s3:GetObject", "s3:PutObject"], [On::Objects { bucket, prefix: folders::FLEET.to_owned() }]),
    ];
    parts.role_node(&parts.role(&names.role, &[role::ECS_TASKS], statements))
}

/// What ECS does for a task before it runs, and with what it says (ECS developer guide, "Amazon ECS task execution IAM role").
fn execution_role_node(names: &FleetNames, fargate: &Fargate, parts: &Parts) -> Node {
    const PULL: [&str; 3] = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    let write = ["logs:CreateLogStream", "logs:PutLogEvents"];
    let mut statements = vec![Statement::new(&write, [On::Log(names.log_group.clone())])];
    if let Some(repository) = Image::of(fargate).repository() {
        statements.push(Statement::new(&["ecr:GetAuthorizationToken"], [On::anything()]));
        statements.push(Statement::new(&PULL, [On::Arn(repository)]));
    }
    parts.role_node(&parts.role(&names.execution_role, &[role::ECS_TASKS], statements))
}

fn security_group_node(names: &FleetNames, parts: &Parts) -> Node {
    let (name, ownership) = (names.security_group.clone(), parts.ownership.clone());
    let desired = security_group::Desired { name, ownership };
    node::<SecurityGroups>(&names.security_group, &[], &desired, "nothing in, everything out".to_owned())
}

fn task_definition_node(names: &FleetNames, fargate: &Fargate, architecture: Architecture, parts: &Parts) -> Node {
    let in_path = |role: &str| format!("{}{role}", parts.names.role_path);
    let desired = task_definition::Desired {
        name: names.family.clone(),
        image: Image::of(fargate).to_string(),
        command: WorkerProgram::command().map(str::to_owned).to_vec(),
        architecture,
        cpu_units: fargate.size.cpu_units,
        memory_mib: fargate.size.memory_mib,
        role: in_path(&names.role),
        execution_role: in_path(&names.execution_role),
        log_group: names.log_group.clone(),
        ownership: parts.ownership.clone(),
    };
    let on = [Roles::key(&names.role), Roles::key(&names.execution_role), LogGroups::key(&names.log_group)];
    node::<TaskDefinitions>(&names.family, &on, &desired, format!("{}, {}", fargate.size, architecture.name()))
}

fn cluster_node(names: &FleetNames, fargate: &Fargate, parts: &Parts) -> Node {
    let desired = cluster::Desired {
        name: names.cluster.clone(),
        family: names.family.clone(),
        running: None,
        ownership: parts.ownership.clone(),
    };
    let on = [
        Streams::key(&parts.names.stream),
        Buckets::key(parts.bucket()),
        LogGroups::key(&names.log_group),
        Roles::key(&names.role),
        Roles::key(&names.execution_role),
        SecurityGroups::key(&names.security_group),
        TaskDefinitions::key(&names.family),
    ];
    let s = if fargate.tasks == 1 { "" } else { "s" };
    node::<Clusters>(&names.cluster, &on, &desired, format!("for {} task{s} while a load runs", fargate.tasks))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::Utc;
    use demo_formats::schema;
    use serde_json::json;

    use super::*;
    use crate::{
        deliveries::parts::Materials,
        engine::Graph,
        pipeline::{PipelineError, graph},
        spec,
    };

    fn graph_with(sets: &[&str], worker: Option<Architecture>) -> Result<Graph, PipelineError> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let checked = spec::read(Path::new("stacks/stream-only.yaml"), &[], &sets);
        let stack = checked.unwrap_or_else(|errors| panic!("{errors}")).stack;
        let materials = Materials { schema: schema::store_sales(), function: None, worker };
        graph(&stack, &"stream-only-7f3a91c2".parse().expect("an id"), Utc::now(), &materials)
    }

    fn statements(graph: &Graph, role: &str) -> serde_json::Value {
        let node = graph.nodes().iter().find(|node| node.key == Roles::key(role)).expect("the role");
        node.desired["statements"].clone()
    }

    #[test]
    fn the_cluster_stands_on_all_else_and_is_the_first_to_go() {
        let graph = graph_with(&["load.workers.fargate.tasks=2"], Some(Architecture::Arm64)).expect("a graph");
        let (cluster, others) = graph.nodes().split_last().expect("nodes");
        assert_eq!(cluster.key.to_string(), "cluster stream-only-7f3a91c2");
        assert_eq!(others.len(), 7);
        let missing: Vec<_> = others.iter().filter(|node| !cluster.depends_on.contains(&node.key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let definition = others.iter().find_map(TaskDefinitions::of).expect("a task definition");
        assert_eq!((definition.architecture, definition.cpu_units), (Architecture::Arm64, 1_024));
    }

    #[test]
    fn a_workers_role_may_send_and_meet_its_coordinator_and_no_more() {
        let graph = graph_with(&["load.workers.fargate.tasks=2"], Some(Architecture::X86_64)).expect("a graph");
        let expected = json!([
            {"actions": ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecords"],
             "on": [{"stream": "stream-only-7f3a91c2"}]},
            {"actions": ["s3:ListBucket"], "on": [{"bucket": "stream-only-7f3a91c2"}]},
            {"actions": ["s3:GetObject", "s3:PutObject"],
             "on": [{"objects": {"bucket": "stream-only-7f3a91c2", "prefix": ".demo/fleet/"}}]},
        ]);
        assert_eq!(statements(&graph, "stream-only-7f3a91c2-worker"), expected);
        let logs = json!([{"actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
                           "on": [{"log": "/demo/stream-only-7f3a91c2/workers"}]}]);
        assert_eq!(statements(&graph, "stream-only-7f3a91c2-worker-start"), logs);
    }

    #[test]
    fn an_image_of_a_private_registry_is_pulled_by_the_execution_role() {
        let image = "load.workers.fargate={tasks: 2, image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker}";
        let graph = graph_with(&[image], Some(Architecture::X86_64)).expect("a graph");
        let statements = statements(&graph, "stream-only-7f3a91c2-worker-start");
        assert_eq!(statements[2]["on"][0]["arn"], "arn:aws:ecr:eu-west-1:123456789012:repository/team/worker");
    }

    #[test]
    fn without_a_program_there_are_no_tasks() {
        let refused = graph_with(&["load.workers.fargate.tasks=2"], None).expect_err("it has no program");
        assert!(matches!(refused, PipelineError::Fleet(NoProgram)), "{refused}");
        assert_eq!(graph_with(&[], None).expect("the stream alone").nodes().len(), 1);
    }
}
