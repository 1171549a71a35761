//! IAM does not let the caller create, describe, read or write tags, or delete: each by itself.

use kinesis_demo::engine::{Cause, ProviderError};

use super::{CREATED, EVERYTHING, FARGATE, down, ends_clean, errors, ground, make, up, up_fails};
use crate::{inside::Fault, matrix::ground::Ground};

/// The stack, the call that is refused, and the action that the error must name.
const WHILE_MAKING: [(&str, &str, &str); 28] = [
    (EVERYTHING, "kinesis CreateStream", "kinesis:CreateStream"),
    (EVERYTHING, "kinesis DescribeStreamSummary", "kinesis:DescribeStreamSummary"),
    (EVERYTHING, "kinesis ListTagsForStream", "kinesis:ListTagsForStream"),
    (EVERYTHING, "firehose CreateDeliveryStream", "firehose:CreateDeliveryStream"),
    (EVERYTHING, "firehose DescribeDeliveryStream", "firehose:DescribeDeliveryStream"),
    (EVERYTHING, "firehose ListTagsForDeliveryStream", "firehose:ListTagsForDeliveryStream"),
    (EVERYTHING, "s3 CreateBucket", "s3:CreateBucket"),
    (EVERYTHING, "s3 GetBucketTagging", "s3:GetBucketTagging"),
    (EVERYTHING, "s3 PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    (EVERYTHING, "iam CreateRole", "iam:CreateRole"),
    (EVERYTHING, "iam GetRole", "iam:GetRole"),
    (EVERYTHING, "iam PutRolePolicy", "iam:PutRolePolicy"),
    (EVERYTHING, "dynamodb CreateTable", "dynamodb:CreateTable"),
    (EVERYTHING, "dynamodb DescribeTable", "dynamodb:DescribeTable"),
    (EVERYTHING, "dynamodb ListTagsOfResource", "dynamodb:ListTagsOfResource"),
    (EVERYTHING, "lambda CreateFunction", "lambda:CreateFunction"),
    (EVERYTHING, "lambda CreateEventSourceMapping", "lambda:CreateEventSourceMapping"),
    (EVERYTHING, "logs CreateLogGroup", "logs:CreateLogGroup"),
    (EVERYTHING, "glue CreateDatabase", "glue:CreateDatabase"),
    (EVERYTHING, "glue CreateTable", "glue:CreateTable"),
    (EVERYTHING, "redshift-data BatchExecuteStatement", "redshift-data:BatchExecuteStatement"),
    (CREATED, "redshift-serverless CreateWorkgroup", "redshift-serverless:CreateWorkgroup"),
    (FARGATE, "ec2 CreateSecurityGroup", "ec2:CreateSecurityGroup"),
    (FARGATE, "ec2 DescribeSecurityGroups", "ec2:DescribeSecurityGroups"),
    (FARGATE, "ecs CreateCluster", "ecs:CreateCluster"),
    (FARGATE, "ecs DescribeClusters", "ecs:DescribeClusters"),
    (FARGATE, "ecs RegisterTaskDefinition", "ecs:RegisterTaskDefinition"),
    (FARGATE, "ecs ListTaskDefinitions", "ecs:ListTaskDefinitions"),
];

const WHILE_DELETING: [(&str, &str, &str); 23] = [
    (EVERYTHING, "kinesis DeleteStream", "kinesis:DeleteStream"),
    (EVERYTHING, "kinesis DescribeStreamSummary", "kinesis:DescribeStreamSummary"),
    (EVERYTHING, "kinesis ListTagsForStream", "kinesis:ListTagsForStream"),
    (EVERYTHING, "firehose DeleteDeliveryStream", "firehose:DeleteDeliveryStream"),
    (EVERYTHING, "firehose DescribeDeliveryStream", "firehose:DescribeDeliveryStream"),
    (EVERYTHING, "s3 DeleteBucket", "s3:DeleteBucket"),
    (EVERYTHING, "s3 DeleteObjects", "s3:DeleteObject"),
    (EVERYTHING, "s3 ListObjectVersions", "s3:ListBucketVersions"),
    (EVERYTHING, "s3 GetBucketTagging", "s3:GetBucketTagging"),
    (EVERYTHING, "iam DeleteRole", "iam:DeleteRole"),
    (EVERYTHING, "iam DeleteRolePolicy", "iam:DeleteRolePolicy"),
    (EVERYTHING, "dynamodb DeleteTable", "dynamodb:DeleteTable"),
    (EVERYTHING, "lambda DeleteFunction", "lambda:DeleteFunction"),
    (EVERYTHING, "lambda DeleteEventSourceMapping", "lambda:DeleteEventSourceMapping"),
    (EVERYTHING, "logs DeleteLogGroup", "logs:DeleteLogGroup"),
    (EVERYTHING, "glue DeleteTable", "glue:DeleteTable"),
    (CREATED, "redshift-serverless DeleteWorkgroup", "redshift-serverless:DeleteWorkgroup"),
    (CREATED, "redshift-serverless DeleteNamespace", "redshift-serverless:DeleteNamespace"),
    (FARGATE, "ec2 DeleteSecurityGroup", "ec2:DeleteSecurityGroup"),
    (FARGATE, "ecs DeleteCluster", "ecs:DeleteCluster"),
    (FARGATE, "ecs ListTasks", "ecs:ListTasks"),
    (FARGATE, "ecs DeregisterTaskDefinition", "ecs:DeregisterTaskDefinition"),
    (FARGATE, "ecs DeleteTaskDefinitions", "ecs:DeleteTaskDefinitions"),
];

/// As services write it that do not say who and what.
fn denied(call: &str) -> Fault {
    let code = match call.split(' ').next() {
        Some("s3" | "iam") => "AccessDenied",
        Some("ec2") => "UnauthorizedOperation",
        _ => "AccessDeniedException",
    };
    Fault::Answer { status: 403, code, message: "Access Denied".to_owned() }
}

fn names_what_and_who(errors: &[ProviderError], call: &str, action: &str) {
    let error = errors.iter().find(|error| error.call == call).unwrap_or_else(|| panic!("{call}: {errors:#?}"));
    assert_eq!(error.cause, Cause::Permission, "{error}");
    assert!(error.advice.contains(&format!("allow {action}")), "{error}");
    assert!(error.message.contains("called as arn:aws:"), "{error}");
}

/// What `up` fails with; at its second time, where it looks at what it has made.
async fn refused(ground: &Ground) -> Vec<ProviderError> {
    match make(ground).await {
        Ok(_) => up_fails(ground).await,
        Err(error) => errors(error),
    }
}

#[tokio::test(start_paused = true)]
async fn up_names_the_action_that_is_missing() {
    for (stack, call, action) in WHILE_MAKING {
        let ground = ground(stack).await;
        ground.wire.faults(call, usize::MAX, denied(call));
        names_what_and_who(&refused(&ground).await, call, action);
        ground.wire.heal();
        up(&ground).await;
        ends_clean(&ground).await;
    }
}

/// What was made before the refusal goes without another `up`.
#[tokio::test(start_paused = true)]
async fn what_is_half_made_is_taken_down() {
    for (stack, call, _) in WHILE_MAKING {
        let ground = ground(stack).await;
        ground.wire.faults(call, usize::MAX, denied(call));
        refused(&ground).await;
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn down_goes_past_what_it_may_not_and_says_so() {
    for (stack, call, action) in WHILE_DELETING {
        let ground = ground(stack).await;
        up(&ground).await;
        ground.land().await;
        ground.wire.faults(call, usize::MAX, denied(call));
        let down = down(&ground).await;
        assert!(!down.is_clean(), "{call}");
        let failed: Vec<ProviderError> = down.failed.into_iter().map(|(_, error)| error).collect();
        names_what_and_who(&failed, call, action);
        assert!(!down.removed.is_empty(), "{call}: what it may delete is deleted");
        ends_clean(&ground).await;
    }
}
