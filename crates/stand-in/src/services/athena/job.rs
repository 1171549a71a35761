//! A statement as it is run.

use std::sync::Arc;

use super::{catalog::GlueCatalog, end::FirstEnd, failure::Failure, store::Location};

/// A statement, and what is around it.
pub(super) struct Job {
    pub(super) catalog: GlueCatalog,
    /// That of its plain names.
    pub(super) database: String,
    pub(super) sql: String,
    /// What stands for its question marks.
    pub(super) parameters: Vec<String>,
    /// Bucket and key of its result; those of what it writes begin with it.
    pub(super) output: (String, String),
    /// What it must have before it makes visible what it has written.
    pub(super) end: Arc<FirstEnd>,
    /// Whether the workgroup alone says where results go.
    pub(super) is_output_enforced: bool,
}

impl Job {
    /// Refuses a bucket that does not exist.
    pub(super) fn check_bucket(&self, bucket: &str) -> Result<(), Failure> {
        if self.catalog.store.exists(bucket) {
            return Ok(());
        }
        Err(Failure::user(format!("HIVE_FILESYSTEM_ERROR: s3://{bucket}: the bucket does not exist")))
    }

    /// Refuses a place where something lies already.
    pub(super) async fn check_empty(&self, location: &Location, what: &str) -> Result<(), Failure> {
        let listed = self.catalog.store.list(&location.bucket, &location.prefix).await;
        let objects = listed.map_err(|error| Failure::user(format!("HIVE_FILESYSTEM_ERROR: {location}: {error}")))?;
        if objects.is_empty() {
            return Ok(());
        }
        let (bucket, key) = &self.output;
        Err(Failure::user(format!(
            "HIVE_PATH_ALREADY_EXISTS: Target directory for {what} already exists: {location}. You may need to manually clean the data at location 's3://{bucket}/{key}' before retrying. Athena will not delete data in your account."
        )))
    }

    /// Refuses a database that does not exist.
    pub(super) fn check_database(&self, database: &str) -> Result<(), Failure> {
        if self.catalog.glue.table_names(database).is_some() {
            return Ok(());
        }
        Err(Failure::user(format!("SCHEMA_NOT_FOUND: Schema '{database}' does not exist")))
    }
}
