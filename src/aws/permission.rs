//! What a role or a person may do, by the names of a stack's own resources; their ARNs are made where the account is known.

use std::collections::BTreeMap;

use demo_formats::partition;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clients::Clients;
use crate::engine::ProviderError;

/// Conditions as IAM writes them: operator, then key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Some actions on some resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// For example `kinesis:GetRecords`.
    pub actions: Vec<String>,
    /// On what.
    pub on: Vec<On>,
    /// Only where these hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: Conditions,
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
    /// A role: path and name, `/demo/…/name`.
    Role(String),
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

/// What the ARNs of one place have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// `*` for any.
    pub region: String,
    /// The account's number; `*` for any.
    pub account: String,
}

impl Realm {
    /// Where these clients call.
    pub async fn of(clients: &Clients) -> Result<Self, ProviderError> {
        Ok(Self { region: clients.region().to_owned(), account: clients.caller().await?.account.clone() })
    }
}

impl Statement {
    /// From literals.
    pub fn new(actions: &[&str], on: impl IntoIterator<Item = On>) -> Self {
        let actions = actions.iter().map(|&action| action.to_owned()).collect();
        Self { actions, on: on.into_iter().collect(), when: Conditions::new() }
    }

    /// The same, only where a key has one of these values.
    pub fn when(mut self, operator: &str, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.when.entry(operator.to_owned()).or_default().insert(key.to_owned(), values.into_iter().collect());
        self
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
        let on = ["catalog".to_owned(), format!("database/{database}"), format!("table/{database}/{table}")];
        let on = on.map(|resource| On::resource("glue", resource));
        Self::new(&["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], on)
    }

    /// Writing objects into one bucket as Firehose does (Firehose developer guide, "Controlling access").
    pub fn write_bucket(bucket: &str) -> [Self; 2] {
        const FIND: [&str; 3] = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
        const WRITE: [&str; 3] = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
        let objects = On::Objects { bucket: bucket.to_owned(), prefix: String::new() };
        [Self::new(&FIND, [On::Bucket(bucket.to_owned())]), Self::new(&WRITE, [objects])]
    }

    fn written(&self, realm: &Realm) -> Value {
        let arns: Vec<String> = self.on.iter().map(|on| on.arn(realm)).collect();
        let mut written = json!({"Effect": "Allow", "Action": self.actions, "Resource": arns});
        if !self.when.is_empty() {
            written["Condition"] = json!(self.when);
        }
        written
    }
}

/// The policy document that allows these.
pub fn document(statements: &[Statement], realm: &Realm) -> Value {
    let written: Vec<Value> = statements.iter().map(|statement| statement.written(realm)).collect();
    json!({"Version": "2012-10-17", "Statement": written})
}

impl On {
    /// Something in the account and region, for example of service `kinesis` and resource `stream/name`.
    pub fn resource(service: &str, resource: impl Into<String>) -> Self {
        Self::Resource { service: service.to_owned(), resource: resource.into() }
    }

    /// A secret, by its name or its ARN. One that is named has six characters more in its ARN (Secrets Manager user guide,
    /// "What's in a secret").
    pub fn secret(secret: &str) -> Self {
        if secret.starts_with("arn:") {
            return Self::Arn(secret.to_owned());
        }
        Self::resource("secretsmanager", format!("secret:{secret}-??????"))
    }

    /// For actions that know no resources.
    pub fn anything() -> Self {
        Self::Arn("*".to_owned())
    }

    /// As a policy names it.
    pub fn arn(&self, realm: &Realm) -> String {
        let Realm { region, account } = realm;
        let partition = partition::of(region);
        let regional =
            |service: &str, resource: &str| format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        match self {
            Self::Stream(name) => regional("kinesis", &format!("stream/{name}")),
            Self::Bucket(name) => format!("arn:{partition}:s3:::{name}"),
            Self::Objects { bucket, prefix } => format!("arn:{partition}:s3:::{bucket}/{prefix}*"),
            Self::Items(table) => regional("dynamodb", &format!("table/{table}")),
            Self::Log(group) => regional("logs", &format!("log-group:{group}:*")),
            Self::Role(role) => format!("arn:{partition}:iam::{account}:role{role}"),
            Self::Resource { service, resource } => regional(service, resource),
            Self::Arn(arn) => arn.clone(),
        }
    }
}
