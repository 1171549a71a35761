//! Refuses what this machine's disk has no room for, before anything is created or sent.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::documents::{Documents, DocumentsError};
use crate::{
    engine::{
        FolderError, Home,
        home::local_in,
        room::{PLENTY, free},
    },
    load::Part,
    pipeline::load_bytes::{LoadBytes, of_load},
    report::numbers::{bytes, grouped},
    spec::{Stack, Target},
};

/// Why there is no room, or none that is known of.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// No variable says where the state folder is.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The disk cannot be asked.
    #[error("cannot read the free space on the disk of {}: {source}", .folder.display())]
    Unknown {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A stack needs more than is free.
    #[error(
        "the disk of {} is full: {} free, and a stack needs {}; nothing was changed\n  {}",
        .root.display(), bytes(*.free as f64), bytes(PLENTY as f64), what_to_remove(.root)
    )]
    Full {
        /// The state folder.
        root: PathBuf,
        /// Bytes that are free on its disk.
        free: u64,
    },
    /// A load would store more than is free.
    #[error(
        "the load does not fit on the disk of {}: the stand-in stores at least {} of it, and of the {} that are free, {} stay \
         free; nothing was changed\n  {}\n  free space there, lower `load.records` or `load.duration`, or set \
         KINESIS_DEMO_HOME to a folder on a larger disk",
        .folder.display(), bytes(.load.total()), bytes(*.free as f64), bytes(PLENTY as f64), stored(.load)
    )]
    Load {
        /// The stand-in's folder.
        folder: PathBuf,
        /// Bytes that are free on its disk.
        free: u64,
        /// What the stand-in stores of the load.
        load: LoadBytes,
    },
    /// The documents cannot be measured.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
}

/// What a person may remove to free space on the disk of a state folder.
pub fn what_to_remove(root: &Path) -> String {
    format!(
        "`demo ls` lists your stacks, `demo down STACK` removes one with its data; or run `demo local stop` and delete {} with \
         all that the stand-in holds",
        local_in(root).display()
    )
}

/// Refuses a full disk, whoever filled it.
pub(super) fn refuse_full_disk() -> Result<(), RoomError> {
    let root = Home::root_from_env()?;
    match free_at(&root)? {
        free if free < PLENTY => Err(RoomError::Full { root, free }),
        _ => Ok(()),
    }
}

/// Refuses a load of known size into the stand-in that its disk has no room for.
pub(super) async fn refuse_load(
    stack: &Stack,
    documents: &Documents,
    endpoint_url: Option<&str>,
    part: Part,
) -> Result<(), RoomError> {
    if stack.target != Target::Local || endpoint_url.is_some() {
        return Ok(());
    }
    let folder = local_in(&Home::root_from_env()?);
    let Some(load) = of_load(stack, documents.mean_bytes(stack).await?) else { return Ok(()) };
    let (load, free) = (load.share(part.of), free_at(&folder)?);
    if load.total() + PLENTY as f64 <= free as f64 {
        return Ok(());
    }
    Err(RoomError::Load { folder, free, load })
}

fn free_at(folder: &Path) -> Result<u64, RoomError> {
    free(folder).map_err(|source| RoomError::Unknown { folder: folder.to_owned(), source })
}

fn stored(load: &LoadBytes) -> String {
    let documents = grouped(load.documents.round() as u64);
    let places = load.places.iter().map(|(place, stored)| format!("{} in {place}", bytes(*stored)));
    format!("{documents} documents of {:.0} bytes: {}", load.mean_bytes, places.collect::<Vec<_>>().join(", "))
}
