//! The documents of a stack, before anything is created: checks their file or template and reads their columns.

use demo_formats::schema::{self, Field, InferError, Schema};
use demo_function::{ARRIVED, PROCESSED};
use demo_workload::Identity;
use tokio::task::{JoinError, spawn_blocking};

use crate::{
    load::{OpenError, OpenWorkload},
    spec::{Format, Stack, Workload},
};

/// What a stack sends.
#[derive(Clone)]
pub struct Documents {
    /// The columns of its tables.
    pub schema: Schema,
    /// The user's own documents, checked. Those of `store_sales` need no check, and are opened when they are sent.
    pub opened: Option<OpenWorkload>,
}

/// Why a stack's documents cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The file or the template is wrong.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The documents have no columns that a table could have.
    #[error(transparent)]
    Columns(#[from] InferError),
    /// Parquet keeps values, not lines, so its documents need a key.
    #[error(
        "`deliver.s3.format: parquet` does not keep lines as they were sent, so lines cannot identify documents; \
         declare the fields that do, for example `key: [id]` in the workload"
    )]
    NoKey,
    /// A field is called as a partition key.
    #[error(
        "the documents have a field `{0}`, and `deliver.s3.prefix` has a partition key of the same name; \
         rename one of them"
    )]
    PartitionKey(String),
    /// A field is called as an attribute that the function adds.
    #[error(
        "the documents have a field `{0}`, and the function that writes to DynamoDB adds an attribute of that \
         name to every item; rename the field"
    )]
    AddedAttribute(String),
    /// The check panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

impl Documents {
    /// Checks a user's own documents.
    pub async fn check(stack: &Stack) -> Result<Self, DocumentsError> {
        if matches!(stack.load.workload, Workload::StoreSales { .. }) {
            return Ok(Self { schema: schema::store_sales().clone(), opened: None });
        }
        let of = stack.clone();
        let opened = spawn_blocking(move || OpenWorkload::of(&of)).await??;
        check_identity(stack, &opened.source.identity())?;
        let schema = columns(stack, &opened)?;
        Ok(Self { schema, opened: Some(opened) })
    }

    /// Opens the documents to send.
    pub async fn open(&self, stack: &Stack) -> Result<OpenWorkload, DocumentsError> {
        match &self.opened {
            Some(opened) => Ok(opened.clone()),
            None => {
                let of = stack.clone();
                Ok(spawn_blocking(move || OpenWorkload::of(&of)).await??)
            }
        }
    }
}

/// Checks that documents can be identified.
fn check_identity(stack: &Stack, identity: &Identity) -> Result<(), DocumentsError> {
    let parquet = stack.deliver.s3.as_ref().is_some_and(|s3| s3.format == Format::Parquet);
    if parquet && *identity == Identity::Line { Err(DocumentsError::NoKey) } else { Ok(()) }
}

/// The columns. Only tables need them: without a table, documents may have any keys.
fn columns(stack: &Stack, opened: &OpenWorkload) -> Result<Schema, DocumentsError> {
    let catalog = stack.deliver.s3.as_ref().filter(|s3| s3.catalog.is_some());
    let schema = match opened.schema() {
        Err(_) if catalog.is_none() && stack.deliver.redshift.is_none() => opened.fields(),
        schema => schema?,
    };
    let partitions = catalog.map(|s3| s3.partition_columns()).unwrap_or_default();
    let taken = schema.columns.iter().find(|column| partitions.contains(&column.name.to_lowercase()));
    if let Some(Field { name, .. }) = taken {
        return Err(DocumentsError::PartitionKey(name.clone()));
    }
    let added = schema.columns.iter().find(|column| [ARRIVED, PROCESSED].contains(&column.name.as_str()));
    match added.filter(|_| stack.deliver.dynamodb.is_some()) {
        Some(Field { name, .. }) => Err(DocumentsError::AddedAttribute(name.clone())),
        None => Ok(schema),
    }
}
