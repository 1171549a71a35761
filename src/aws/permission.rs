//! What a role may do, by the names of a stack's own resources; their ARNs are made where the account is known.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clients::Clients;
use crate::engine::ProviderError;

/// Some actions on some resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// For example `kinesis:GetRecords`.
    pub actions: Vec<String>,
    /// On what.
    pub on: Vec<On>,
}

/// A resource that actions are allowed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A Kinesis data stream.
    Stream(String),
    /// A bucket itself.
    Bucket(String),
    /// The objects of a bucket under a key prefix; all of them when it is empty.
    Objects {
        /// The bucket.
        bucket: String,
        /// The key prefix.
        prefix: String,
    },
    /// A DynamoDB table.
    Items(String),
    /// The streams of a log group.
    Log(String),
    /// Something in the account and region, by service and resource, for example `glue` and `table/a/b`.
    Resource {
        /// As an ARN names it.
        service: String,
        /// As an ARN names it.
        resource: String,
    },
    /// An ARN as it is; `*` for actions that know no resources.
    Arn(String),
}

impl Statement {
    /// From literals.
    pub fn new(actions: &[&str], on: impl IntoIterator<Item = On>) -> Self {
        Self { actions: actions.iter().map(|&action| action.to_owned()).collect(), on: on.into_iter().collect() }
    }

    /// Reading one stream by polling.
    pub fn read_stream(stream: &str) -> Self {
        const ACTIONS: [&str; 4] =
            ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"];
        Self::new(&ACTIONS, [On::Stream(stream.to_owned())])
    }

    /// Reading the columns of one Glue table (Firehose developer guide, "Grant Firehose access to AWS Glue for data format
    /// conversion").
    pub fn read_table(database: &str, table: &str) -> Self {
        let glue = |resource: String| On::Resource { service: "glue".to_owned(), resource };
        let on = ["catalog".to_owned(), format!("database/{database}"), format!("table/{database}/{table}")];
        Self::new(&["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], on.map(glue))
    }

    /// Writing objects into one bucket as Firehose does (Firehose developer guide, "Controlling access").
    pub fn write_bucket(bucket: &str) -> [Self; 2] {
        const FIND: [&str; 3] = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
        const WRITE: [&str; 3] = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
        let objects = On::Objects { bucket: bucket.to_owned(), prefix: String::new() };
        [Self::new(&FIND, [On::Bucket(bucket.to_owned())]), Self::new(&WRITE, [objects])]
    }
}

/// The policy document of these statements.
pub(super) async fn policy(statements: &[Statement], clients: &Clients) -> Result<Value, ProviderError> {
    let mut written = Vec::new();
    for statement in statements {
        let mut arns = Vec::new();
        for on in &statement.on {
            arns.push(on.arn(clients).await?);
        }
        written.push(json!({"Effect": "Allow", "Action": statement.actions, "Resource": arns}));
    }
    Ok(json!({"Version": "2012-10-17", "Statement": written}))
}

impl On {
    async fn arn(&self, clients: &Clients) -> Result<String, ProviderError> {
        match self {
            Self::Stream(name) => clients.arn("kinesis", &format!("stream/{name}")).await,
            Self::Bucket(name) => Ok(clients.bucket_arn(name)),
            Self::Objects { bucket, prefix } => Ok(format!("{}/{prefix}*", clients.bucket_arn(bucket))),
            Self::Items(table) => clients.arn("dynamodb", &format!("table/{table}")).await,
            Self::Log(group) => clients.arn("logs", &format!("log-group:{group}:*")).await,
            Self::Resource { service, resource } => clients.arn(service, resource).await,
            Self::Arn(arn) => Ok(arn.clone()),
        }
    }
}
