//! What each kind of resource needs. Which actions know resources, and which conditions, is in the Service Authorization
//! Reference, "Actions, resources, and condition keys" of each service.

use serde::de::DeserializeOwned;

use crate::{
    aws::{
        bucket, database, delivery, function, item_table, log_group, mapping, mark, object,
        permission::{On, Statement},
        redshift::{self, At, Database},
        role, schedule, stream, table, workgroup,
    },
    engine::{Node, StackId},
};

/// What is looked at whatever the stack is: limits, and lists in which `down` searches for what is left.
pub(super) fn always() -> Vec<Statement> {
    const LISTS: [&str; 15] = [
        "athena:ListWorkGroups",
        "dynamodb:ListTables",
        "firehose:ListDeliveryStreams",
        "iam:GetAccountSummary",
        "iam:ListRoles",
        "kinesis:DescribeLimits",
        "kinesis:ListStreams",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "logs:DescribeLogGroups",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
        "sts:GetCallerIdentity",
    ];
    let databases = ["catalog", "database/*"].map(|resource| On::resource("glue", resource));
    vec![Statement::new(&LISTS, [On::anything()]), Statement::new(&["glue:GetDatabases"], databases)]
}

/// What one resource of the graph needs, from its making to its end.
pub(super) fn of(node: &Node, id: &StackId) -> Vec<Statement> {
    match node.key.kind.as_str() {
        schedule::KIND => schedule(&desired::<schedule::Desired>(node).name),
        stream::KIND => stream(&desired::<stream::Desired>(node).name),
        bucket::KIND => bucket(&desired::<bucket::Desired>(node).name),
        role::KIND => role(&desired(node)),
        delivery::KIND => delivery(&desired::<delivery::Desired>(node).route.name),
        database::KIND => database(&desired::<database::Desired>(node).name),
        table::KIND => table(&desired(node)),
        workgroup::KIND => workgroup(&desired::<workgroup::Desired>(node).name),
        item_table::KIND => items(&desired::<item_table::Desired>(node).name),
        log_group::KIND => log_group(&desired::<log_group::Desired>(node).name),
        function::KIND => function(&desired::<function::Desired>(node).name),
        mapping::KIND => mapping(&desired::<mapping::Desired>(node).function),
        object::KIND => Vec::new(),
        redshift::namespace::KIND => namespace(&desired::<redshift::namespace::Desired>(node).name, id),
        redshift::workgroup::KIND => redshift_workgroup(id),
        redshift::schema::KIND => sql(&desired::<redshift::schema::Desired>(node).database),
        redshift::table::KIND => sql(&desired::<redshift::table::Desired>(node).database),
        redshift::delivery::KIND => redshift_delivery(&desired(node)),
        kind => unreachable!("the pipeline makes no {kind}"),
    }
}

fn desired<T: DeserializeOwned>(node: &Node) -> T {
    serde_json::from_value(node.desired.clone()).expect("a node of the pipeline is made of its kind's own type")
}

fn schedule(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 4] =
        ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"];
    vec![Statement::new(&ACTIONS, [On::resource("scheduler", format!("schedule/{}/{name}", schedule::GROUP))])]
}

/// CreateStream takes tags by `kinesis:AddTagsToStream` alone (Kinesis API reference, CreateStream).
fn stream(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 14] = [
        "kinesis:AddTagsToStream",
        "kinesis:CreateStream",
        "kinesis:DecreaseStreamRetentionPeriod",
        "kinesis:DeleteStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:IncreaseStreamRetentionPeriod",
        "kinesis:ListShards",
        "kinesis:ListTagsForStream",
        "kinesis:PutRecords",
        "kinesis:UpdateMaxRecordSize",
        "kinesis:UpdateShardCount",
        "kinesis:UpdateStreamMode",
    ];
    vec![Statement::new(&ACTIONS, [On::Stream(name.to_owned())])]
}

/// What each of S3's operations asks for is told in the S3 user guide, "Required permissions for Amazon S3 API operations".
/// Query results, a large function's code, manifests and the journal's mirror are written by who is calling.
fn bucket(name: &str) -> Vec<Statement> {
    const BUCKET: [&str; 15] = [
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:GetBucketLocation",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketTagging",
        "s3:GetEncryptionConfiguration",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutEncryptionConfiguration",
        "s3:TagResource",
    ];
    const OBJECTS: [&str; 5] =
        ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"];
    let objects = On::Objects { bucket: name.to_owned(), prefix: String::new() };
    vec![Statement::new(&BUCKET, [On::Bucket(name.to_owned())]), Statement::new(&OBJECTS, [objects])]
}

/// Handing a role to a service is `iam:PassRole`, bound to the services that the role is for.
fn role(role: &role::Desired) -> Vec<Statement> {
    const ACTIONS: [&str; 11] = [
        "iam:CreateRole",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:PutRolePolicy",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
    ];
    let on = On::Role(format!("{}{}", role.path, role.name));
    let pass = Statement::new(&["iam:PassRole"], [on.clone()]);
    let services = role.services.iter().cloned();
    vec![Statement::new(&ACTIONS, [on]), pass.when("StringEquals", "iam:PassedToService", services)]
}

fn delivery(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 6] = [
        "firehose:CreateDeliveryStream",
        "firehose:DeleteDeliveryStream",
        "firehose:DescribeDeliveryStream",
        "firehose:ListTagsForDeliveryStream",
        "firehose:TagDeliveryStream",
        "firehose:UpdateDestination",
    ];
    vec![Statement::new(&ACTIONS, [On::resource("firehose", format!("deliverystream/{name}"))])]
}

/// Deleting a database asks for the tables and functions in it too.
fn database(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 5] =
        ["glue:CreateDatabase", "glue:DeleteDatabase", "glue:GetDatabase", "glue:TagResource", "glue:UpdateDatabase"];
    let on =
        ["catalog", &format!("database/{name}"), &format!("table/{name}/*"), &format!("userDefinedFunction/{name}/*")];
    vec![Statement::new(&ACTIONS, on.map(|resource| On::resource("glue", resource)))]
}

/// Athena reads the table and its partitions as whoever asks, and the database `default` besides (Athena user guide,
/// "Configure access to databases and tables in the AWS Glue Data Catalog").
fn table(table: &table::Desired) -> Vec<Statement> {
    const ACTIONS: [&str; 9] = [
        "glue:BatchCreatePartition",
        "glue:BatchGetPartition",
        "glue:CreateTable",
        "glue:DeleteTable",
        "glue:GetPartition",
        "glue:GetPartitions",
        "glue:GetTable",
        "glue:GetTables",
        "glue:UpdateTable",
    ];
    let table::Desired { database, .. } = table;
    let on = ["catalog", &format!("database/{database}"), &format!("table/{database}/*")];
    let default = ["catalog", "database/default"].map(|resource| On::resource("glue", resource));
    vec![
        Statement::new(&ACTIONS, on.map(|resource| On::resource("glue", resource))),
        Statement::new(&["glue:GetDatabase"], default),
    ]
}

fn workgroup(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 9] = [
        "athena:CreateWorkGroup",
        "athena:DeleteWorkGroup",
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:GetWorkGroup",
        "athena:ListTagsForResource",
        "athena:StartQueryExecution",
        "athena:TagResource",
        "athena:UpdateWorkGroup",
    ];
    vec![Statement::new(&ACTIONS, [On::resource("athena", format!("workgroup/{name}"))])]
}

fn items(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 8] = [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:ListTagsOfResource",
        "dynamodb:Scan",
        "dynamodb:TagResource",
        "dynamodb:UpdateTable",
    ];
    vec![Statement::new(&ACTIONS, [On::Items(name.to_owned())])]
}

/// Tags are of the group's ARN without `:*`, all else of that with it (CloudWatch Logs API reference, LogGroup).
fn log_group(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 3] = ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy"];
    const TAGS: [&str; 2] = ["logs:ListTagsForResource", "logs:TagResource"];
    let bare = On::resource("logs", format!("log-group:{name}"));
    vec![Statement::new(&ACTIONS, [On::Log(name.to_owned())]), Statement::new(&TAGS, [bare])]
}

fn function(name: &str) -> Vec<Statement> {
    const ACTIONS: [&str; 6] = [
        "lambda:CreateFunction",
        "lambda:DeleteFunction",
        "lambda:GetFunction",
        "lambda:TagResource",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
    ];
    vec![Statement::new(&ACTIONS, [On::resource("lambda", format!("function:{name}"))])]
}

/// Lambda names a mapping itself; whose function it feeds is a condition.
fn mapping(function: &str) -> Vec<Statement> {
    const CHANGE: [&str; 2] = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"];
    const TAGS: [&str; 2] = ["lambda:ListTags", "lambda:TagResource"];
    let mappings = On::resource("lambda", "event-source-mapping:*");
    let of_function = |statement: Statement| {
        statement.when("ArnLike", "lambda:FunctionArn", [format!("arn:*:lambda:*:*:function:{function}")])
    };
    vec![
        of_function(Statement::new(&["lambda:CreateEventSourceMapping"], [On::anything()])),
        of_function(Statement::new(&CHANGE, [mappings.clone()])),
        Statement::new(&TAGS, [mappings]),
    ]
}

/// Redshift names a namespace's ARN itself; ours has our mark. Its admin's secret is made in the caller's name (Redshift
/// management guide, "Managing Amazon Redshift admin passwords using AWS Secrets Manager").
fn namespace(name: &str, id: &StackId) -> Vec<Statement> {
    const SECRET: [&str; 5] = [
        "secretsmanager:CreateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:RotateSecret",
        "secretsmanager:TagResource",
        "secretsmanager:UpdateSecret",
    ];
    let mut statements = serverless("Namespace", "namespace/*", id);
    statements.extend([
        Statement::new(&SECRET, [admin_secret(name)]),
        Statement::new(&["secretsmanager:GetRandomPassword"], [On::anything()]),
    ]);
    statements
}

/// It is put into the default VPC, which is looked up in the caller's name, as a role of Redshift's own is made where
/// there is none yet (Redshift management guide, "Using service-linked roles").
fn redshift_workgroup(id: &StackId) -> Vec<Statement> {
    const NETWORK: [&str; 5] = [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ];
    let linked = On::Role("/aws-service-role/redshift.amazonaws.com/AWSServiceRoleForRedshift".to_owned());
    let linked = Statement::new(&["iam:CreateServiceLinkedRole"], [linked]);
    let mut statements = serverless("Workgroup", "workgroup/*", id);
    statements.extend([
        Statement::new(&NETWORK, [On::anything()]),
        linked.when("StringEquals", "iam:AWSServiceName", ["redshift.amazonaws.com".to_owned()]),
    ]);
    statements
}

/// Making with our mark, deleting what has it, and looking.
fn serverless(what: &str, resource: &str, id: &StackId) -> Vec<Statement> {
    let [create, delete, get] = ["Create", "Delete", "Get"].map(|verb| format!("redshift-serverless:{verb}{what}"));
    let on = On::resource("redshift-serverless", resource);
    let marked = |statement: Statement, key: &str| {
        statement.when("StringLike", &format!("{key}/{}", mark::STACK), [id.to_string()])
    };
    vec![
        marked(Statement::new(&[create.as_str(), "redshift-serverless:TagResource"], [on.clone()]), "aws:RequestTag"),
        marked(Statement::new(&[delete.as_str(), "redshift-serverless:TagResource"], [on.clone()]), "aws:ResourceTag"),
        Statement::new(&[get.as_str(), "redshift-serverless:ListTagsForResource"], [on]),
    ]
}

/// Statements are the caller's own (Redshift management guide, "Authorizing access to the Amazon Redshift Data API").
fn sql(database: &Database) -> Vec<Statement> {
    const OWN: [&str; 2] = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult"];
    let own = Statement::new(&OWN, [On::anything()]);
    let own = own.when("StringEquals", "redshift-data:statement-owner-iam-userid", ["${aws:userid}".to_owned()]);
    let execute = Statement::new(&["redshift-data:BatchExecuteStatement"], [warehouse(&database.at)]);
    let mut statements = vec![own, execute, credentials(database)];
    if let At::Workgroup(_) = &database.at {
        statements.push(Statement::new(&["redshift-serverless:GetWorkgroup"], [warehouse(&database.at)]));
    }
    statements
}

/// A workgroup's ARN has an id of Redshift's own.
fn warehouse(at: &At) -> On {
    match at {
        At::Workgroup(_) | At::Ours(_) => On::resource("redshift-serverless", "workgroup/*"),
        At::Cluster { identifier, .. } => On::resource("redshift", format!("cluster:{identifier}")),
    }
}

/// How who is calling becomes a user of the database.
fn credentials(Database { at, name, secret }: &Database) -> Statement {
    const READ: [&str; 2] = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];
    let redshift = |resource: String| On::resource("redshift", resource);
    match (secret, at) {
        (Some(secret), At::Workgroup(_) | At::Cluster { .. }) => Statement::new(&READ, [On::secret(secret)]),
        (_, At::Ours(namespace)) => Statement::new(&READ, [admin_secret(namespace)]),
        (None, At::Workgroup(_)) => Statement::new(&["redshift-serverless:GetCredentials"], [warehouse(at)]),
        (None, At::Cluster { identifier, user: Some(user) }) => {
            let on = [format!("dbuser:{identifier}/{user}"), format!("dbname:{identifier}/{name}")];
            Statement::new(&["redshift:GetClusterCredentials"], on.map(redshift))
        }
        (None, At::Cluster { identifier, user: None }) => {
            let on = redshift(format!("dbname:{identifier}/{name}"));
            Statement::new(&["redshift:GetClusterCredentialsWithIAM"], [on])
        }
    }
}

fn admin_secret(namespace: &str) -> On {
    On::resource("secretsmanager", format!("secret:redshift!{namespace}-*"))
}

fn redshift_delivery(to: &redshift::delivery::Desired) -> Vec<Statement> {
    let mut statements = delivery(&to.route.name);
    statements.push(Statement::new(&["secretsmanager:DescribeSecret"], [On::secret(&to.secret)]));
    statements
}
