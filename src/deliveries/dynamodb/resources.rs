//! The delivery to DynamoDB: table, function and what feeds it.

use demo_formats::schema::Type;
use demo_function::{KEY_VARIABLE, KIND_KEY, TABLE_VARIABLE};

use super::{DynamoDbDelivery, DynamoDbNames};
use crate::{
    aws::{
        bucket::Buckets,
        folders,
        function::{self, Functions},
        item_table::{self, ItemTables, KeyAttribute, KeyKind},
        kind::{Kind, node},
        log_group::{self, LogGroups},
        mapping::{self, Mappings},
        packaging::Package,
        permission::{On, Statement},
        role::{self, Roles},
        stream::Streams,
    },
    deliveries::parts::Parts,
    engine::Node,
};

/// The shortest that CloudWatch Logs offers: the group goes with its stack.
const LOG_DAYS: i32 = 1;

/// Why a delivery to DynamoDB cannot be made into resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DynamoDbError {
    /// A key of the table that no document has.
    #[error("deliver.dynamodb.key: documents have no top-level field '{0}'; use a field that they have")]
    KeyMissing(String),
    /// A key of the table that is no key.
    #[error("deliver.dynamodb.key: field '{0}' is neither a whole number nor text, so it cannot be a key")]
    KeyKind(String),
    /// There is no code for the function.
    #[error("no code for the function; pass the binary demo-function with --function-binary FILE")]
    NoCode,
}

/// Table, log group, role, function and mapping; the mapping needs the others, so it goes first.
pub(super) fn nodes(to: &DynamoDbDelivery, parts: &Parts) -> Result<Vec<Node>, DynamoDbError> {
    let names = &to.names(&parts.names.id);
    let package = parts.materials.function.ok_or(DynamoDbError::NoCode)?;
    Ok(vec![
        table_node(to, names, parts)?,
        log_node(names, parts),
        role_node(names, parts),
        function_node(to, names, package, parts),
        mapping_node(to, names, parts),
    ])
}

fn table_node(to: &DynamoDbDelivery, names: &DynamoDbNames, parts: &Parts) -> Result<Node, DynamoDbError> {
    let text = |name: &str| KeyAttribute { name: name.to_owned(), kind: KeyKind::Text };
    let attribute = |name: &str| match parts.materials.schema.column(name).map(|column| &column.kind) {
        _ if name == KIND_KEY => Ok(text(name)),
        Some(Type::BigInt | Type::Decimal) => Ok(KeyAttribute { name: name.to_owned(), kind: KeyKind::Number }),
        Some(Type::String) => Ok(text(name)),
        Some(_) => Err(DynamoDbError::KeyKind(name.to_owned())),
        None => Err(DynamoDbError::KeyMissing(name.to_owned())),
    };
    let names_of_key = to.key.attributes();
    let key = names_of_key.iter().map(|name| attribute(name)).collect::<Result<_, _>>()?;
    let desired = item_table::Desired { name: names.table.clone(), key, ownership: parts.ownership.clone() };
    Ok(node::<ItemTables>(&names.table, &[], &desired, format!("by {}", names_of_key.join(", "))))
}

fn log_node(names: &DynamoDbNames, parts: &Parts) -> Node {
    let (name, ownership) = (names.log_group.clone(), parts.ownership.clone());
    let desired = log_group::Desired { name, retention_days: LOG_DAYS, ownership };
    node::<LogGroups>(&names.log_group, &[], &desired, String::new())
}

fn role_node(names: &DynamoDbNames, parts: &Parts) -> Node {
    parts.role_node(&parts.role(&names.role, &[role::LAMBDA], statements(names, parts)))
}

/// What the function does, and what Lambda does for it (Lambda developer guide, "Required execution role permissions").
fn statements(names: &DynamoDbNames, parts: &Parts) -> Vec<Statement> {
    let bucket = parts.bucket().to_owned();
    vec![
        Statement::read_stream(&parts.names.stream),
        Statement::new(&["kinesis:DescribeStreamSummary"], [On::Stream(parts.names.stream.clone())]),
        Statement::new(&["dynamodb:BatchWriteItem"], [On::Items(names.table.clone())]),
        Statement::new(&["logs:CreateLogStream", "logs:PutLogEvents"], [On::Log(names.log_group.clone())]),
        Statement::new(&["s3:ListBucket"], [On::Bucket(bucket.clone())]),
        Statement::new(&["s3:PutObject"], [On::Objects { bucket, prefix: folders::GIVEN_UP.to_owned() }]),
    ]
}

fn function_node(to: &DynamoDbDelivery, names: &DynamoDbNames, package: &Package, parts: &Parts) -> Node {
    let through = (package.size > function::DIRECT_BYTES).then(|| parts.bucket().to_owned());
    let variables = [(TABLE_VARIABLE, names.table.clone()), (KEY_VARIABLE, to.key.to_string())];
    let desired = function::Desired {
        name: names.function.clone(),
        role: format!("{}{}", parts.names.role_path, names.role),
        binary: package.binary.clone(),
        digest: package.digest.clone(),
        architecture: package.architecture,
        through: through.clone(),
        memory_mib: to.function.memory_mib,
        timeout_seconds: to.function.timeout.as_secs() as u32,
        variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        ownership: parts.ownership.clone(),
    };
    let mut on = vec![Roles::key(&names.role), LogGroups::key(&names.log_group)];
    on.extend(through.as_deref().map(Buckets::key));
    let detail = format!("{} MiB, {}, {} kB", to.function.memory_mib, package.architecture.name(), package.size / 1000);
    node::<Functions>(&names.function, &on, &desired, detail)
}

fn mapping_node(to: &DynamoDbDelivery, names: &DynamoDbNames, parts: &Parts) -> Node {
    let (stream, bucket) = (&parts.names.stream, parts.bucket());
    let desired = mapping::Desired {
        function: names.function.clone(),
        stream: stream.clone(),
        bucket: bucket.to_owned(),
        batch: to.mapping.batch,
        window_seconds: to.mapping.window.as_secs() as u32,
        parallel: to.mapping.parallel,
        retries: to.mapping.retries,
        max_age_seconds: to.mapping.max_age.as_secs() as u32,
        ownership: parts.ownership.clone(),
    };
    let on = [
        Streams::key(stream),
        Buckets::key(bucket),
        ItemTables::key(&names.table),
        Roles::key(&names.role),
        Functions::key(&names.function),
    ];
    node::<Mappings>(&names.function, &on, &desired, format!("stream → {}", names.table))
}
