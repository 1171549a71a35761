//! What belongs to others and looks like the stack's: another stack of the same file, one whose names end in the same digits,
//! and things without any mark.

use kinesis_demo::{
    aws::kinds::providers,
    engine::{Cancel, Graph, Home, Node, StackId, Survey, apply},
};
use regex::{Captures, Regex};

use super::ground::{Ground, SUFFIX};

/// Makes all of it.
pub async fn settle_on(ground: &Ground) {
    let twin: StackId = format!("{}-00000001", ground.stack.name).parse().expect("an id");
    stand_up(ground, &twin, &ground.graph(&twin)).await;
    let namesake: StackId = format!("theirs-{}", ground.id).parse().expect("an id");
    stand_up(ground, &namesake, &renamed(&ground.graph(&ground.id))).await;
    unmarked(ground).await;
}

/// Brings a graph up under the journal of a stack of others.
pub async fn stand_up(ground: &Ground, id: &StackId, graph: &Graph) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path()).expect("a home");
    let journal = ground.journal(&home, id).await;
    let providers = providers(&ground.aside);
    let survey = Survey::of(graph, &providers).await;
    let made = apply::up(&survey, &providers, &journal, &(), &Cancel::new()).await;
    made.unwrap_or_else(|error| panic!("{id}: {error}"));
}

/// The same graph under other names that end in the same digits, the mark among them.
fn renamed(graph: &Graph) -> Graph {
    let name = Regex::new(&format!("[a-z][a-z0-9_-]*{SUFFIX}")).expect("an expression");
    let theirs = |name: &Captures<'_>| {
        let joint = if name[0].contains('_') { '_' } else { '-' };
        format!("theirs{joint}{}", &name[0])
    };
    let renamed = |node: &Node| -> Node {
        let text = serde_json::to_string(node).expect("a node is JSON");
        serde_json::from_str(&name.replace_all(&text, theirs)).expect("a node")
    };
    Graph::new(graph.nodes().iter().map(renamed).collect()).expect("a graph")
}

/// Where a listing by name, path or prefix finds them, and nothing says whose they are.
async fn unmarked(ground: &Ground) {
    let (aws, id, name) = (&ground.aside, &ground.id, format!("nobodys-{SUFFIX}"));
    aws.kinesis.create_stream().stream_name(&name).shard_count(1).send().await.expect("a stream");
    aws.s3.create_bucket().bucket(&name).send().await.expect("a bucket");
    ground.stand_in.s3.put(&name, "kept", "as it is".into()).await.expect("an object");
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let role = aws.iam.create_role().role_name(&name).path(format!("/demo/{id}/")).assume_role_policy_document(trust);
    role.send().await.expect("a role");
    aws.logs.create_log_group().log_group_name(format!("/aws/lambda/{id}-nobodys")).send().await.expect("a group");
    aws.ecs.create_cluster().cluster_name(&name).send().await.expect("a cluster");
    aws.logs.create_log_group().log_group_name(format!("/demo/{id}/nobodys")).send().await.expect("a group");
    aws.athena.create_work_group().name(&name).send().await.expect("a workgroup");
    let database = aws_sdk_glue::types::DatabaseInput::builder().name(format!("nobodys_{SUFFIX}")).build();
    let database = database.expect("a database");
    aws.glue.create_database().database_input(database).send().await.expect("a database");
}
