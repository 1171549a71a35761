//! What a stack's resources are called: all of it follows from the stack and its id.

use crate::{
    engine::StackId,
    spec::{Name, Stack},
};

/// The names of everything that a stack may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The Kinesis data stream.
    pub stream: String,
    /// The schedule that ends it, where it has a time to live.
    pub schedule: String,
    /// The role that the scheduler assumes.
    pub schedule_role: String,
    /// The bucket, which every delivery and the journal's mirror need.
    pub bucket: Option<String>,
    /// The role that Firehose assumes.
    pub role: String,
    /// The path that the stack's roles lie under.
    pub role_path: String,
    /// The delivery stream.
    pub delivery: String,
    /// The Glue database.
    pub database: Option<String>,
    /// The Glue table.
    pub table: Option<String>,
    /// The Athena workgroup.
    pub workgroup: String,
    /// What the delivery to Redshift has.
    pub redshift: Option<RedshiftNames>,
    /// What the delivery to DynamoDB has.
    pub dynamodb: Option<DynamoDbNames>,
}

/// The names of a delivery to Redshift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedshiftNames {
    /// The delivery stream that lands records in S3 or, with Firehose's own destination, in Redshift.
    pub delivery: String,
    /// The role that it assumes.
    pub role: String,
    /// The namespace and the workgroup, where they are ours.
    pub workgroup: String,
    /// The role that COPY assumes, where the workgroup is ours.
    pub copy_role: String,
    /// The schema.
    pub schema: String,
    /// The table in it.
    pub table: String,
}

/// The names of a delivery to DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamoDbNames {
    /// The table.
    pub table: String,
    /// The Lambda function.
    pub function: String,
    /// The role that it assumes.
    pub role: String,
    /// Its log group.
    pub log_group: String,
}

impl Names {
    /// The names of this stack.
    pub fn of(stack: &Stack, id: &StackId) -> Self {
        let s3 = stack.deliver.s3.as_ref();
        let catalog = s3.and_then(|s3| s3.catalog.as_ref());
        Self {
            stream: joined(&stack.stream.name, id, '-'),
            schedule: id.to_string(),
            schedule_role: format!("{id}-scheduler"),
            bucket: (stack.mirror || !stack.deliver.is_empty()).then(|| bucket(stack, id)),
            role: format!("{id}-firehose"),
            role_path: role_path(id),
            delivery: id.to_string(),
            database: catalog.map(|catalog| joined(&catalog.database, id, '_')),
            table: catalog.map(|catalog| catalog.table.clone()),
            workgroup: id.to_string(),
            redshift: stack.deliver.redshift.as_ref().map(|to| RedshiftNames {
                delivery: format!("{id}-redshift"),
                role: format!("{id}-redshift"),
                workgroup: id.to_string(),
                copy_role: format!("{id}-copy"),
                schema: joined(&to.schema, id, '_'),
                table: to.table.clone(),
            }),
            dynamodb: stack.deliver.dynamodb.as_ref().map(|to| DynamoDbNames {
                table: joined(&to.table, id, '-'),
                function: id.to_string(),
                role: format!("{id}-function"),
                log_group: log_group(id),
            }),
        }
    }
}

fn bucket(stack: &Stack, id: &StackId) -> String {
    match &stack.deliver.s3 {
        Some(s3) => joined(&s3.bucket, id, '-'),
        None => joined(&Name::Stem(stack.name.clone()), id, '-'),
    }
}

/// The path that all roles lie under.
pub(super) const ROLES: &str = "/demo/";

/// The path that a stack's roles lie under: the tagging API lists no roles, ListRoles lists a path.
pub fn role_path(id: &StackId) -> String {
    format!("{ROLES}{id}/")
}

/// What the log groups of all functions begin with.
pub(super) const LOG_GROUPS: &str = "/aws/lambda/";

/// The log group of a stack's function: the one that Lambda would make itself.
pub(super) fn log_group(id: &StackId) -> String {
    format!("{LOG_GROUPS}{id}")
}

fn joined(name: &Name, id: &StackId, by: char) -> String {
    match name {
        Name::Stem(stem) => format!("{stem}{by}{}", id.suffix()),
        Name::Exact(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_take_the_suffix_and_exact_names_stay() {
        let id: StackId = "store-sales-7f3a91c2".parse().expect("an id");
        assert_eq!(joined(&Name::Stem("tpcds".into()), &id, '_'), "tpcds_7f3a91c2");
        assert_eq!(joined(&Name::Stem("store-sales".into()), &id, '-'), "store-sales-7f3a91c2");
        assert_eq!(joined(&Name::Exact("mine".into()), &id, '-'), "mine");
        assert_eq!(role_path(&id), "/demo/store-sales-7f3a91c2/");
    }
}
