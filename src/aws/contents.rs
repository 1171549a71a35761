//! What lies in a bucket: whose it is, and deleting it.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_s3::{
    operation::{list_multipart_uploads::ListMultipartUploadsOutput, list_object_versions::ListObjectVersionsOutput},
    types::{Delete, ObjectIdentifier},
};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    folders,
    ownership::unless_gone,
    retry::classify,
};
use crate::engine::{Cause, Foreign, Progress, ProviderError};

/// Objects a DeleteObjects call takes (S3 API reference, DeleteObjects).
const KEYS_A_CALL: i32 = 1000;
/// Where the search for what is not ours ends: nobody reads more.
const MOST_FOREIGN: usize = 100;
/// The version of an object that has none (S3 user guide, "How S3 Versioning works").
const UNVERSIONED: &str = "null";

/// The contents of a stack's bucket.
pub(super) struct Contents<'a> {
    pub(super) clients: &'a Clients,
    pub(super) bucket: &'a str,
    pub(super) stack: &'a str,
}

/// Which objects are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The stack's, but for those whose keys begin so.
    Ours {
        /// The beginning of the keys.
        but: Option<&'static str>,
    },
    /// Everybody else's.
    Others,
}

impl Contents<'_> {
    /// Objects, old versions, delete markers and open uploads that neither we nor a service wrote for the stack.
    pub(super) async fn foreign(&self) -> Result<Vec<Foreign>, ProviderError> {
        let found = async { Ok([self.foreign_objects().await?, self.foreign_uploads().await?].concat()) };
        Ok(unless_gone(found.await)?.unwrap_or_default())
    }

    async fn foreign_objects(&self) -> Result<Vec<Foreign>, ProviderError> {
        let mut versions = BTreeSet::new();
        let mut markers = Markers::default();
        loop {
            let page = self.versions(markers).await?;
            let foreign = listed(&page).filter(|(key, _)| self.is(Whose::Others, key));
            versions.extend(
                foreign.map(|(key, id)| (key.to_owned(), id.filter(|id| *id != UNVERSIONED).map(str::to_owned))),
            );
            if page.is_truncated() != Some(true) || versions.len() >= MOST_FOREIGN {
                break;
            }
            markers = Markers { key: page.next_key_marker, id: page.next_version_id_marker };
        }
        Ok(versions.into_iter().map(|(key, version)| self.foreign_object(&key, version.as_deref())).collect())
    }

    fn foreign_object(&self, key: &str, version: Option<&str>) -> Foreign {
        let bucket = self.bucket;
        let (what, command) = match version {
            None => (format!("object {key}"), format!("s3 rm {}", quoted(&format!("s3://{bucket}/{key}")))),
            Some(id) => (
                format!("object {key} (version {id})"),
                format!("s3api delete-object --bucket {bucket} --version-id {id} --key {}", quoted(key)),
            ),
        };
        Foreign { what, command: self.clients.cli(&command), only_by_hand: false }
    }

    async fn foreign_uploads(&self) -> Result<Vec<Foreign>, ProviderError> {
        let mut found = Vec::new();
        let mut markers = Markers::default();
        loop {
            let page = self.uploads(markers).await?;
            found.extend(page.uploads().iter().filter_map(|upload| {
                let (key, id) = (upload.key().filter(|key| self.is(Whose::Others, key))?, upload.upload_id()?);
                let command = format!("s3api abort-multipart-upload --bucket {} --upload-id {id}", self.bucket);
                let command = self.clients.cli(&format!("{command} --key {}", quoted(key)));
                Some(Foreign { what: format!("unfinished upload {key}"), command, only_by_hand: false })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            markers = Markers { key: page.next_key_marker, id: page.next_upload_id_marker };
        }
    }

    /// Deletes every version, delete marker and open upload of theirs that one pass over the lists finds; says how many.
    pub(super) async fn empty(&self, whose: Whose, progress: &Progress<'_>) -> Result<usize, ProviderError> {
        let mut found = 0;
        let mut markers = Markers::default();
        loop {
            let page = self.versions(markers).await?;
            let theirs = listed(&page).filter(|(key, _)| self.is(whose, key));
            let batch: Vec<_> = theirs.filter_map(|(key, id)| identifier(key, id)).collect();
            found += batch.len();
            if !batch.is_empty() {
                progress.wait(&format!("deleting {found} objects"), Duration::ZERO).await?;
                self.delete_batch(batch).await?;
            }
            if page.is_truncated() != Some(true) {
                return Ok(found + self.abort_uploads(whose).await?);
            }
            markers = Markers { key: page.next_key_marker, id: page.next_version_id_marker };
        }
    }

    fn is(&self, whose: Whose, key: &str) -> bool {
        let is_ours = folders::is_ours(key, self.stack);
        match whose {
            Whose::Ours { but } => is_ours && but.is_none_or(|prefix| !key.starts_with(prefix)),
            Whose::Others => !is_ours,
        }
    }

    async fn versions(&self, from: Markers) -> Result<ListObjectVersionsOutput, ProviderError> {
        let call = self.clients.s3.list_object_versions().bucket(self.bucket).max_keys(KEYS_A_CALL);
        let call = call.set_key_marker(from.key).set_version_id_marker(from.id);
        call.send().await.map_err(|error| failure("s3 ListObjectVersions", self.bucket, &error))
    }

    async fn uploads(&self, from: Markers) -> Result<ListMultipartUploadsOutput, ProviderError> {
        let call = self.clients.s3.list_multipart_uploads().bucket(self.bucket);
        let call = call.set_key_marker(from.key).set_upload_id_marker(from.id);
        call.send().await.map_err(|error| failure("s3 ListMultipartUploads", self.bucket, &error))
    }

    async fn delete_batch(&self, batch: Vec<ObjectIdentifier>) -> Result<(), ProviderError> {
        const CALL: &str = "s3 DeleteObjects";
        let delete = Delete::builder().set_objects(Some(batch)).quiet(true).build();
        let delete = delete.map_err(|error| broken(Cause::Other, CALL, self.bucket, error.to_string(), ""))?;
        let answer = self.clients.s3.delete_objects().bucket(self.bucket).delete(delete).send().await;
        let answer = answer.map_err(|error| failure(CALL, self.bucket, &error))?;
        let lasting = answer.errors().iter().find(|error| !passes(error.code().unwrap_or_default()));
        let Some(error) = lasting else { return Ok(()) };
        let [code, message, key] = [error.code(), error.message(), error.key()].map(|text| text.unwrap_or_default());
        let cause = classify("s3", code, message).cause();
        let message = format!("{code}: {message} (object {key})");
        Err(broken(cause, CALL, self.bucket, message, "make the object deletable, then run `demo down` again"))
    }

    async fn abort_uploads(&self, whose: Whose) -> Result<usize, ProviderError> {
        let mut found = 0;
        let mut markers = Markers::default();
        loop {
            let page = self.uploads(markers).await?;
            for upload in page.uploads().iter().filter(|upload| upload.key().is_some_and(|key| self.is(whose, key))) {
                let call = self.clients.s3.abort_multipart_upload().bucket(self.bucket);
                let call = call.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
                match call.send().await {
                    Ok(_) => found += 1,
                    Err(error) if is(&error, &["NoSuchUpload"]) => {}
                    Err(error) => return Err(failure("s3 AbortMultipartUpload", self.bucket, &error)),
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            markers = Markers { key: page.next_key_marker, id: page.next_upload_id_marker };
        }
    }
}

/// Where the next page of a list begins.
#[derive(Default)]
struct Markers {
    key: Option<String>,
    /// Of a version, or of an upload.
    id: Option<String>,
}

/// The key and version of every version and delete marker of a page.
fn listed(page: &ListObjectVersionsOutput) -> impl Iterator<Item = (&str, Option<&str>)> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let deleted = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    versions.chain(deleted).filter_map(|(key, id)| Some((key?, id)))
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Errors of single keys that the next pass may not see again.
fn passes(code: &str) -> bool {
    matches!(code, "InternalError" | "SlowDown" | "ServiceUnavailable" | "NoSuchKey" | "NoSuchVersion")
}

fn identifier(key: &str, version: Option<&str>) -> Option<ObjectIdentifier> {
    ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build().ok()
}
