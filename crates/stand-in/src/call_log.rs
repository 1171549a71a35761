//! Logs each call in one line: every call that changes something, and a call that carries records only where the stand-in fails.

use std::time::Instant;

use http::Method;

use crate::service_error::ServiceError;

/// Calls that carry or look for records: as many as the load is high.
const DATA_CALLS: [&str; 16] = [
    "PutRecords",
    "PutRecord",
    "PutRecordBatch",
    "GetRecords",
    "GetShardIterator",
    "SubscribeToShard",
    "PutItem",
    "GetItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "PutLogEvents",
    "FilterLogEvents",
];

pub(super) fn log(service: &str, operation: &str, error: Option<&ServiceError>, started: Instant) {
    let milliseconds = started.elapsed().as_millis();
    match error {
        Some(error) if error.status >= 500 => tracing::error!("{service} {operation}: {error} ({milliseconds} ms)"),
        error if DATA_CALLS.contains(&operation) => {
            tracing::trace!(?error, "{service} {operation} ({milliseconds} ms)")
        }
        Some(error) => tracing::info!("{service} {operation}: {error} ({milliseconds} ms)"),
        None => tracing::info!("{service} {operation} ({milliseconds} ms)"),
    }
}

/// Method and path; never the query, which in a presigned URL is a secret.
pub(super) struct S3Operation {
    pub(super) method: Method,
    pub(super) path: String,
}

impl S3Operation {
    fn changes_a_bucket(&self) -> bool {
        let is_bucket = !self.path.trim_matches('/').contains('/');
        is_bucket && self.method != Method::GET && self.method != Method::HEAD
    }

    pub(super) fn log(&self, status: u16, started: Instant) {
        let milliseconds = started.elapsed().as_millis();
        let (method, path) = (&self.method, &self.path);
        match status {
            500.. => tracing::error!("s3 {method} {path}: {status} ({milliseconds} ms)"),
            _ if self.changes_a_bucket() => tracing::info!("s3 {method} {path}: {status} ({milliseconds} ms)"),
            _ => tracing::trace!("s3 {method} {path}: {status} ({milliseconds} ms)"),
        }
    }
}
