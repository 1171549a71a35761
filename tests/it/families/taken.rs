//! What is in use when it is to go: a stream with consumers, a mapping, a table that is UPDATING, a role with policies.

use kinesis_demo::{aws::Names, engine::Cause};

use super::{CREATED, EVERYTHING, FARGATE, down, ends_clean, ground, up};
use crate::{inside::Fault, matrix::point::nothing_is_left};

/// Call, status and code of what is busy; the texts are the services' own.
const BUSY: [(&str, &str, u16, &str, &str); 12] = [
    (
        EVERYTHING,
        "lambda DeleteEventSourceMapping",
        400,
        "ResourceInUseException",
        "The event source mapping is being updated.",
    ),
    (EVERYTHING, "lambda DeleteFunction", 409, "ResourceConflictException", "An update is in progress for resource"),
    (
        EVERYTHING,
        "dynamodb DeleteTable",
        400,
        "ResourceInUseException",
        "Attempt to change a resource which is still in use: Table is being updated",
    ),
    (EVERYTHING, "iam DeleteRole", 409, "DeleteConflict", "Cannot delete entity, must delete policies first."),
    (EVERYTHING, "iam DeleteRolePolicy", 409, "ConcurrentModification", "Please try again."),
    (EVERYTHING, "kinesis DeleteStream", 400, "ResourceInUseException", "Stream is being updated."),
    (EVERYTHING, "firehose DeleteDeliveryStream", 400, "ResourceInUseException", "Firehose is not ACTIVE."),
    (EVERYTHING, "logs DeleteLogGroup", 400, "OperationAbortedException", "A conflicting operation is in progress."),
    (
        CREATED,
        "redshift-serverless DeleteNamespace",
        400,
        "ConflictException",
        "There is an operation running on the namespace.",
    ),
    (
        CREATED,
        "redshift-serverless DeleteWorkgroup",
        400,
        "ConflictException",
        "There is an operation running on the workgroup.",
    ),
    (FARGATE, "ec2 DeleteSecurityGroup", 400, "DependencyViolation", "resource sg-0 has a dependent object"),
    (
        FARGATE,
        "ecs DeleteCluster",
        400,
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
    ),
];

fn busy(status: u16, code: &'static str, text: &str) -> Fault {
    Fault::Answer { status, code, message: text.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_is_waited_for() {
    for (stack, call, status, code, text) in BUSY {
        let ground = ground(stack).await;
        up(&ground).await;
        ground.wire.faults(call, 12, busy(status, code, text));
        let down = down(&ground).await;
        assert!(down.is_clean(), "{call}: {down:#?}");
        nothing_is_left(&ground).await.unwrap_or_else(|why| panic!("{call}: {why}"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_in_use_is_said_and_all_else_goes() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    ground.wire.faults("dynamodb DeleteTable", usize::MAX, busy(400, "ResourceInUseException", "it is being updated"));
    let result = down(&ground).await;
    let (_, error) = result.failed.first().expect("it failed");
    assert_eq!(error.cause, Cause::TimedOut, "{error}");
    assert!(error.message.contains("it is being updated"), "{error}");
    assert_eq!(result.leftovers.len(), 1, "{:#?}", result.leftovers);
    ends_clean(&ground).await;
}

/// Registered consumers would keep a stream from going.
#[tokio::test(start_paused = true)]
async fn a_stream_goes_with_its_consumers() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    let stream = Names::of(&ground.stack, &ground.id).stream;
    let summary = ground.aside.kinesis.describe_stream_summary().stream_name(&stream).send().await.expect("there");
    let arn = summary.stream_description_summary.expect("a summary").stream_arn;
    for name in ["theirs", "ours"] {
        let call = ground.aside.kinesis.register_stream_consumer().stream_arn(&arn).consumer_name(name);
        call.send().await.expect("registered");
    }
    ends_clean(&ground).await;
}

/// Whoever has put a policy on the role has not made it theirs.
#[tokio::test(start_paused = true)]
async fn a_role_goes_with_every_policy_on_it() {
    let ground = ground(EVERYTHING).await;
    up(&ground).await;
    let prefix = format!("/demo/{}/", ground.id);
    let roles = ground.aside.iam.list_roles().path_prefix(prefix).send().await.expect("listed").roles;
    let ours = roles.iter().filter(|role| !role.role_name().starts_with("nobodys"));
    let mut put = 0;
    for role in ours {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
        let call = ground.aside.iam.put_role_policy().role_name(role.role_name()).policy_name("by-hand");
        call.policy_document(policy).send().await.expect("put");
        put += 1;
    }
    assert!(put > 0);
    ends_clean(&ground).await;
}
