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

use async_trait::async_trait;
use serde::de::DeserializeOwned;

pub(crate) use self::journal::Event;
use self::{
    group::{Group, Ledger},
    journal::Journal,
};
use crate::{
    durable::Durable,
    inventory::Inventory,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Service},
    service_error::ServiceError,
};

/// CloudWatch Logs over one folder.
pub(crate) struct Logs {
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
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder.join("groups"))?;
        let ledger = Durable::<Ledger>::open(&folder.join("ledger.json"))?;
        let logs = Self { folder: folder.to_owned(), ledger, journals: Mutex::default() };
        logs.remove_strays()?;
        Ok(Arc::new(logs))
    }

    /// Appends what another service of the stand-in has to say, to a stream that is made where it is missing. Says `false`
    /// where there is no such group: nothing is kept then.
    ///
    /// Writes files on the calling thread.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn append(&self, group: &str, stream: &str, events: &[Event]) -> io::Result<bool> {
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

static OPERATIONS: Operations<Logs> = Operations(&[
    ("CreateLogGroup", Immediate(|logs, call| logs.create_group(parse(&call.body)?))),
    ("DescribeLogGroups", Immediate(|logs, call| logs.describe_groups(parse(&call.body)?))),
    ("DeleteLogGroup", Immediate(|logs, call| logs.delete_group(parse(&call.body)?))),
    ("PutRetentionPolicy", Immediate(|logs, call| logs.put_retention(parse(&call.body)?))),
    ("DeleteRetentionPolicy", Immediate(|logs, call| logs.delete_retention(parse(&call.body)?))),
    ("TagResource", Immediate(|logs, call| logs.tag(parse(&call.body)?))),
    ("UntagResource", Immediate(|logs, call| logs.untag(parse(&call.body)?))),
    ("ListTagsForResource", Immediate(|logs, call| logs.list_tags(parse(&call.body)?))),
    ("CreateLogStream", Immediate(|logs, call| logs.create_stream(parse(&call.body)?))),
    ("DescribeLogStreams", Immediate(|logs, call| logs.describe_streams(parse(&call.body)?))),
    ("PutLogEvents", Immediate(|logs, call| logs.put_events(parse(&call.body)?))),
    ("GetLogEvents", Immediate(|logs, call| logs.get_events(parse(&call.body)?))),
    ("FilterLogEvents", Immediate(|logs, call| logs.filter_events(parse(&call.body)?))),
]);

#[async_trait]
impl Service for Logs {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("Logs_20140328"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run_blocking(self, call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let ledger = self.ledger.read();
        ledger.groups.iter().try_for_each(|(name, group)| into.add("log group", name, group))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    crate::json::parse(body).map_err(|e| ServiceError::client("SerializationException", crate::json::problem(&e)))
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
