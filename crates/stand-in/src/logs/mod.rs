//! CloudWatch Logs: groups with tags and retention, streams, and their events, the newest of them on disk.
//!
//! Not covered: metric filters, subscriptions, queries, keys, and filter patterns other than plain words.

mod events;
mod group;
mod groups;
mod journal;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::journal::Event;
use self::{
    group::{Group, Ledger},
    journal::Journal,
};
use super::{durable::Durable, kept::Kept, service_error::ServiceError};

/// The service.
pub struct Logs {
    folder: PathBuf,
    ledger: Durable<Ledger>,
    /// By the id of the group.
    journals: Mutex<HashMap<u64, Arc<Journal>>>,
}

impl Logs {
    /// Opens the groups that lie in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or its ledger is not one.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("groups"))?;
        let ledger = Durable::<Ledger>::open(&folder.join("ledger.json"))?;
        let logs = Self { folder: folder.to_owned(), ledger, journals: Mutex::default() };
        logs.remove_strays()?;
        Ok(Arc::new(logs))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        let ledger = self.ledger.read();
        ledger.groups.iter().try_for_each(|(name, group)| kept.note("log group", name, group))
    }

    /// One call of the wire protocol: `operation` as in `X-Amz-Target` after the dot, a JSON body in and out.
    ///
    /// # Errors
    /// What AWS would answer: its code and text.
    pub async fn call(self: &Arc<Self>, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        let (logs, operation) = (self.clone(), operation.to_owned());
        tokio::task::spawn_blocking(move || logs.run(&operation, &body)).await.map_err(ServiceError::internal)?
    }

    fn run(&self, operation: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        match operation {
            "CreateLogGroup" => self.create_group(parse(body)?),
            "DescribeLogGroups" => self.describe_groups(parse(body)?),
            "DeleteLogGroup" => self.delete_group(parse(body)?),
            "PutRetentionPolicy" => self.put_retention(parse(body)?),
            "DeleteRetentionPolicy" => self.delete_retention(parse(body)?),
            "TagResource" => self.tag(parse(body)?),
            "UntagResource" => self.untag(parse(body)?),
            "ListTagsForResource" => self.list_tags(parse(body)?),
            "CreateLogStream" => self.create_stream(parse(body)?),
            "DescribeLogStreams" => self.describe_streams(parse(body)?),
            "PutLogEvents" => self.put_events(parse(body)?),
            "GetLogEvents" => self.get_events(parse(body)?),
            "FilterLogEvents" => self.filter_events(parse(body)?),
            other => Err(ServiceError::client(
                "UnknownOperationException",
                format!("CloudWatch Logs operation {other} is not covered by the stand-in"),
            )),
        }
    }

    /// Appends what another service of the stand-in has to say, to a stream that is made where it is missing. Says `false`
    /// where there is no such group: nothing is kept then.
    ///
    /// Writes files on the calling thread.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn append(&self, group: &str, stream: &str, events: &[Event]) -> io::Result<bool> {
        let found = self.ledger.read().groups.get(group).map(|group| (group.id, group.streams.contains_key(stream)));
        let Some((id, known)) = found else { return Ok(false) };
        if !known {
            self.ledger.change(|ledger| {
                let group = ledger.groups.get_mut(group);
                group.into_iter().for_each(|group| group.add_stream(stream, now()));
                Ok::<_, io::Error>(())
            })?;
        }
        self.journal(id)?.append(stream, now(), events)?;
        Ok(true)
    }

    fn journal(&self, id: u64) -> io::Result<Arc<Journal>> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = journals.get(&id) {
            return Ok(journal.clone());
        }
        let journal = Arc::new(Journal::open(&self.group_folder(id))?);
        journals.insert(id, journal.clone());
        Ok(journal)
    }

    fn forget_journal(&self, id: u64) -> io::Result<()> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        journals.remove(&id);
        match fs::remove_dir_all(self.group_folder(id)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Result<Group, ServiceError> {
        self.ledger.read().groups.get(name).cloned().ok_or_else(no_group)
    }

    fn group_folder(&self, id: u64) -> PathBuf {
        self.folder.join("groups").join(id.to_string())
    }

    /// Removes the folders of groups that were deleted.
    fn remove_strays(&self) -> io::Result<()> {
        let known: Vec<PathBuf> = self.ledger.read().groups.values().map(|group| self.group_folder(group.id)).collect();
        for entry in fs::read_dir(self.folder.join("groups"))? {
            let path = entry?.path();
            if !known.contains(&path) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| ServiceError::client("SerializationException", e.to_string()))
}

fn answer(value: &impl Serialize) -> Result<Bytes, ServiceError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(ServiceError::internal)
}

fn no_group() -> ServiceError {
    ServiceError::client("ResourceNotFoundException", "The specified log group does not exist.")
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

/// Milliseconds since the epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64)
}
