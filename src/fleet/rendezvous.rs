//! Where a coordinator and its workers meet: objects by name, written by who has seen what they replace.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::engine::{
    ProviderError,
    mirror::{Put, Reflected},
};

/// How often an object is put again where an older one of the same writer lies.
const TRIES: usize = 3;

/// A place for small objects.
#[async_trait]
pub trait Rendezvous: Send + Sync {
    /// For people, such as `s3://bucket/folder`.
    fn title(&self) -> String;

    /// An object, if there is one of this name.
    async fn get(&self, name: &str) -> Result<Option<Reflected>, RendezvousError>;

    /// Puts an object in place of that version of it, or where nothing is.
    async fn put(&self, name: &str, text: Vec<u8>, replaces: Option<&str>) -> Result<Put, RendezvousError>;

    /// The names of all objects, in their order.
    async fn list(&self) -> Result<Vec<String>, RendezvousError>;

    /// Removes all objects, and the place itself where it is nothing else's.
    async fn clear(&self) -> Result<(), RendezvousError>;
}

/// Why an object was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum RendezvousError {
    /// The folder.
    #[error("cannot {doing} {path}: {source}")]
    Folder {
        /// What was to be done.
        doing: &'static str,
        /// The file or folder.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] ProviderError),
    /// An object is not what it should be.
    #[error("{name} in {place} is not what this version of `demo` writes: {source}")]
    Invalid {
        /// The object.
        name: String,
        /// Where it lies.
        place: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The place is gone, and so is whoever made it.
    #[error("{0} is gone: the run has ended")]
    Gone(String),
    /// Another worker has the seat's part by now.
    #[error("another worker has part {0} by now")]
    Replaced(String),
    /// Another process has written an object.
    #[error("another process wrote {name} in {place}; end one of them")]
    Taken {
        /// The object.
        name: String,
        /// Where it lies.
        place: String,
    },
}

/// An object read, if it is there.
pub(super) async fn read<T: DeserializeOwned>(
    place: &dyn Rendezvous,
    name: &str,
) -> Result<Option<T>, RendezvousError> {
    let Some(Reflected { text, .. }) = place.get(name).await? else { return Ok(None) };
    let invalid = |source| RendezvousError::Invalid { name: name.to_owned(), place: place.title(), source };
    serde_json::from_slice(&text).map(Some).map_err(invalid)
}

/// Writes an object that nobody replaces.
pub(super) async fn write_once(
    place: &dyn Rendezvous,
    name: impl Into<String>,
    value: &impl Serialize,
) -> Result<(), RendezvousError> {
    Slot::new(name).write(place, value).await
}

/// An object that this process alone writes, again and again.
pub(super) struct Slot {
    name: String,
    version: Option<String>,
    /// What lies there in that version.
    text: Vec<u8>,
    /// What may lie there in its place: a write may be dropped while it waits.
    attempted: Vec<u8>,
}

impl Slot {
    /// One that is not there yet.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: None, text: Vec::new(), attempted: Vec::new() }
    }

    /// Takes over what another process wrote there.
    pub(super) async fn take_over(place: &dyn Rendezvous, name: &str) -> Result<Self, RendezvousError> {
        let Some(Reflected { text, version }) = place.get(name).await? else {
            return Err(RendezvousError::Gone(place.title()));
        };
        Ok(Self { name: name.to_owned(), version: Some(version), attempted: text.clone(), text })
    }

    pub(super) async fn write(
        &mut self,
        place: &dyn Rendezvous,
        value: &impl Serialize,
    ) -> Result<(), RendezvousError> {
        self.write_text(place, serde_json::to_vec(value).expect("a message is JSON")).await
    }

    pub(super) async fn write_text(&mut self, place: &dyn Rendezvous, text: Vec<u8>) -> Result<(), RendezvousError> {
        let before = std::mem::replace(&mut self.attempted, text.clone());
        for _ in 0..TRIES {
            match place.put(&self.name, text.clone(), self.version.as_deref()).await? {
                Put::Done(version) => {
                    (self.version, self.text) = (Some(version), text);
                    return Ok(());
                }
                Put::Nowhere => return Err(RendezvousError::Gone(place.title())),
                Put::Beaten => {}
            }
            match place.get(&self.name).await? {
                // Its own, whose answer was lost.
                Some(found) if found.text == text => {
                    (self.version, self.text) = (Some(found.version), text);
                    return Ok(());
                }
                Some(found) if found.text == self.text || found.text == before => self.version = Some(found.version),
                Some(_) => break,
                None if self.version.is_none() => {}
                None => return Err(RendezvousError::Gone(place.title())),
            }
        }
        Err(RendezvousError::Taken { name: self.name.clone(), place: place.title() })
    }
}
