//! The documents of a stack, before anything is created: checks their file or template and reads their columns.

use demo_formats::schema::{self, InferError, Schema};
use tokio::task::{JoinError, spawn_blocking};

use crate::{
    deliveries::{self, parts::Unfit},
    load::{OpenError, OpenWorkload},
    spec::{Stack, Workload},
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
    /// A delivery cannot deliver them.
    #[error(transparent)]
    Unfit(#[from] Unfit),
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
        let identity = opened.source.identity();
        deliveries::of(&stack.deliver).iter().try_for_each(|delivery| delivery.check_identity(&identity))?;
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

/// The columns. Only tables need them: without a table, documents may have any keys.
fn columns(stack: &Stack, opened: &OpenWorkload) -> Result<Schema, DocumentsError> {
    let deliveries = deliveries::of(&stack.deliver);
    let schema = match opened.schema() {
        Err(_) if !deliveries.iter().any(|delivery| delivery.has_columns()) => opened.fields(),
        schema => schema?,
    };
    deliveries.iter().try_for_each(|delivery| delivery.check_columns(&schema))?;
    Ok(schema)
}
