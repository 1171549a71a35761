//! What a statement has written, made visible with what the catalog says of it.

use std::{io::Write, sync::Arc};

use super::super::{
    end::{End, FirstEnd},
    failure::Failure,
    results::QueryResult,
    store::{Location, Store},
};
use crate::{service_error::ServiceError, services::s3::Draft};

/// Objects that are whole, and that nobody sees yet.
#[derive(Default)]
pub(in crate::services::athena) struct Written {
    pub(in crate::services::athena) rows: u64,
    /// Bucket, key and data.
    pub(super) drafts: Vec<(String, String, Draft)>,
    /// The values of each partition that has rows, and its folder.
    pub(in crate::services::athena) partitions: Vec<(Vec<String>, Location)>,
}

impl Written {
    /// Makes the objects visible, all at once, with a list of them beside `output`; then changes the catalog. Where that fails, the
    /// objects are taken back. A statement that was stopped makes nothing visible.
    pub(in crate::services::athena) async fn commit(
        mut self,
        store: Arc<dyn Store>,
        output: &(String, String),
        end: Arc<FirstEnd>,
        change: impl FnOnce() -> Result<(), ServiceError> + Send + 'static,
    ) -> Result<QueryResult, Failure> {
        let manifest = (output.0.clone(), format!("{}-manifest.csv", output.1));
        let rows = self.rows;
        // On a thread that is not ended with the statement, so that nothing is done by halves.
        let committing = tokio::task::spawn_blocking(move || {
            if !end.is(End::Committed) {
                return Err(ServiceError::client(
                    "QueryStopped",
                    "the query was stopped before it had written anything",
                ));
            }
            let places: Vec<_> = self.drafts.iter().map(|(bucket, key, _)| (bucket.clone(), key.clone())).collect();
            if places.is_empty() {
                return change().map(|()| None);
            }
            let mut list = store.draft()?;
            for (bucket, key) in &places {
                writeln!(list, "s3://{bucket}/{key}")?;
            }
            self.drafts.push((manifest.0.clone(), manifest.1.clone(), list));
            store.publish(self.drafts)?;
            change().inspect_err(|_| take_back(store.as_ref(), places.iter().chain([&manifest])))?;
            Ok(Some(format!("s3://{}/{}", manifest.0, manifest.1)))
        });
        let committed = committing.await.map_err(|error| Failure::system(error.to_string()))?;
        match committed {
            Ok(manifest) => Ok(QueryResult::of_written(rows, manifest)),
            Err(error) => Err(Failure::user(format!("HIVE_WRITER_CLOSE_ERROR: {error}"))),
        }
    }
}

fn take_back<'a>(store: &dyn Store, places: impl Iterator<Item = &'a (String, String)>) {
    for (bucket, key) in places {
        if let Err(error) = store.delete(bucket, key) {
            tracing::error!("s3://{bucket}/{key}, which a failed query wrote, could not be deleted: {error}");
        }
    }
}
