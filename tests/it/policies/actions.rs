//! Which IAM actions a call asks for (Service Authorization Reference; S3 user guide, "Required permissions for Amazon S3
//! API operations").

/// Calls that need no permission, or whose refusal only makes a note.
pub const NEEDLESS: [(&str, &str); 1] =
    [("iam SimulatePrincipalPolicy", "a refusal is noted; who may ask it sees what others may do")];

/// What is allowed and may be called in these lives, or not, with the reason.
pub const SELDOM: [(&str, &str); 2] = [
    ("ecs:DescribeTasks", "tasks that run for longer than it takes until somebody looks at them"),
    ("ecs:StopTask", "tasks that have not stopped by themselves when their part has ended"),
];

/// What is allowed and no call of these lives shows, with the reason.
pub const UNSEEN: [(&str, &str); 36] = [
    ("athena:UpdateWorkGroup", "a changed stack file"),
    ("dynamodb:UpdateTable", "a changed stack file"),
    ("firehose:UpdateDestination", "a changed stack file"),
    ("glue:UpdateDatabase", "a changed stack file"),
    ("glue:UpdateTable", "a changed stack file"),
    ("iam:UpdateAssumeRolePolicy", "a changed stack file"),
    ("kinesis:DecreaseStreamRetentionPeriod", "a changed stack file"),
    ("kinesis:IncreaseStreamRetentionPeriod", "a changed stack file"),
    ("kinesis:UpdateMaxRecordSize", "a changed stack file"),
    ("kinesis:UpdateShardCount", "a changed stack file"),
    ("kinesis:UpdateStreamMode", "a changed stack file"),
    ("lambda:UpdateEventSourceMapping", "a changed stack file"),
    ("lambda:UpdateFunctionCode", "a changed stack file"),
    ("lambda:UpdateFunctionConfiguration", "a changed stack file"),
    ("scheduler:UpdateSchedule", "a changed stack file"),
    ("s3:PutBucketTagging", "a changed stack file"),
    ("athena:GetNamedQuery", "a query that somebody has saved in the workgroup"),
    ("kinesis:DeleteChannel", "a channel that somebody has attached to the stream"),
    ("kinesis:ListChannels", "a channel that somebody has attached to the stream"),
    ("kinesis:ListTagsForResource", "a channel that somebody has attached to the stream"),
    ("logs:FilterLogEvents", "why the function gave documents up"),
    ("iam:DetachRolePolicy", "what somebody else has attached to the role"),
    ("s3:AbortMultipartUpload", "uploads that nobody has ended"),
    ("servicequotas:GetAWSDefaultServiceQuota", "quotas that were never applied to the account"),
    ("ec2:DescribeAccountAttributes", "Redshift looks up the default VPC in the caller's name"),
    ("ec2:DescribeAvailabilityZones", "Redshift looks up the default VPC in the caller's name"),
    ("ec2:DescribeVpcs", "Redshift looks up the default VPC in the caller's name"),
    ("iam:CreateServiceLinkedRole", "the first Redshift or cluster of an account"),
    ("secretsmanager:CreateSecret", "Redshift keeps its admin's password in the caller's name"),
    ("secretsmanager:DeleteSecret", "Redshift keeps its admin's password in the caller's name"),
    ("secretsmanager:GetRandomPassword", "Redshift keeps its admin's password in the caller's name"),
    ("secretsmanager:RotateSecret", "Redshift keeps its admin's password in the caller's name"),
    ("secretsmanager:TagResource", "Redshift keeps its admin's password in the caller's name"),
    ("secretsmanager:UpdateSecret", "Redshift keeps its admin's password in the caller's name"),
    ("glue:GetPartition", "Athena reads a table's partitions as whoever asks"),
    ("glue:BatchGetPartition", "Athena reads a table's partitions as whoever asks"),
];

/// The actions of a call, such as `s3 HeadBucket`.
pub fn of(call: &str) -> Vec<String> {
    let (service, operation) = call.split_once(' ').expect("service and operation");
    let actions: &[&str] = match call {
        "s3 HeadBucket" | "s3 ListObjectsV2" => &["ListBucket"],
        "s3 ListBuckets" => &["ListAllMyBuckets"],
        "s3 ListObjectVersions" => &["ListBucketVersions"],
        "s3 ListMultipartUploads" => &["ListBucketMultipartUploads"],
        "s3 HeadObject" => &["GetObject"],
        "s3 DeleteObjects" => &["DeleteObject", "DeleteObjectVersion"],
        "s3 CreateMultipartUpload" | "s3 UploadPart" | "s3 CompleteMultipartUpload" => &["PutObject"],
        "s3 PutBucketEncryption" => &["PutEncryptionConfiguration"],
        "s3 GetBucketEncryption" => &["GetEncryptionConfiguration"],
        "s3 PutPublicAccessBlock" => &["PutBucketPublicAccessBlock"],
        "s3 GetPublicAccessBlock" => &["GetBucketPublicAccessBlock"],
        _ => &[operation],
    };
    actions.iter().map(|action| format!("{service}:{action}")).collect()
}

/// What AWS checks besides, which the stand-in does not: tags with a creation, roles that are handed over, and what is done in
/// the caller's name.
pub fn besides(call: &str) -> Vec<String> {
    let actions: &[&str] = match call {
        "athena CreateWorkGroup" => &["athena:TagResource", "athena:ListTagsForResource"],
        "athena StartQueryExecution" => &["s3:GetBucketLocation", "glue:GetTable", "glue:GetDatabase"],
        "dynamodb CreateTable" => &["dynamodb:TagResource"],
        "ec2 CreateSecurityGroup" => &["ec2:CreateTags"],
        "ecs CreateCluster" => &["ecs:TagResource"],
        "ecs RegisterTaskDefinition" => &["ecs:TagResource", "iam:PassRole"],
        "firehose CreateDeliveryStream" => &["firehose:TagDeliveryStream", "iam:PassRole"],
        "glue CreateDatabase" => &["glue:TagResource"],
        "iam CreateRole" => &["iam:TagRole"],
        "kinesis CreateStream" => &["kinesis:AddTagsToStream"],
        "lambda CreateEventSourceMapping" => &["lambda:TagResource"],
        "lambda CreateFunction" => &["lambda:TagResource", "iam:PassRole"],
        "logs CreateLogGroup" => &["logs:TagResource"],
        "redshift-data BatchExecuteStatement" => &[
            "redshift:GetClusterCredentials",
            "redshift-serverless:GetCredentials",
            "secretsmanager:GetSecretValue",
            "secretsmanager:DescribeSecret",
        ],
        "redshift-serverless CreateNamespace" => &["redshift-serverless:TagResource", "iam:PassRole"],
        "redshift-serverless CreateWorkgroup" => &["redshift-serverless:TagResource"],
        "s3 CreateBucket" => &["s3:TagResource", "s3:PutBucketOwnershipControls"],
        "scheduler CreateSchedule" => &["iam:PassRole"],
        _ => &[],
    };
    actions.iter().map(|&action| action.to_owned()).collect()
}
