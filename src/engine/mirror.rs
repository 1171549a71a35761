//! The journal's mirror: a copy where other machines find it, replaced only by who has seen what it replaces.
//!
//! So two machines never make things for one stack: the one that writes second finds a text that its own does not
//! begin with, and its `up` stops. A `down` only removes, and goes on without the mirror. Taking a stack over is writing
//! one line more.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::Utc;

use super::{
    home::Home,
    id::StackId,
    journal::{self, Entry, Journal, JournalError},
    provider::ProviderError,
    state::{Fingerprint, State},
};

/// How often a put is tried again where its own text, or an older one, is found to lie there.
const TRIES: usize = 3;

/// A place for one text, which is replaced as a whole.
#[async_trait]
pub trait Mirror: Send + Sync {
    /// For people, such as `s3://bucket/key`.
    fn title(&self) -> String;

    /// What lies there; none where nothing does, or where there is no such place.
    async fn get(&self) -> Result<Option<Reflected>, ProviderError>;

    /// Puts a text in place of that version of it, or where nothing is.
    async fn put(&self, text: &[u8], replaces: Option<&str>) -> Result<Put, ProviderError>;
}

/// A text in a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reflected {
    /// JSON lines.
    pub text: Vec<u8>,
    /// What tells this version from others, such as an ETag.
    pub version: String,
}

/// What came of a put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It lies there, in this version.
    Done(String),
    /// Something else lies there than what was to be replaced.
    Beaten,
    /// There is no such place, not yet or not any more.
    Nowhere,
}

/// Why a mirror could not be written or taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Another machine has written it.
    #[error(
        "the journal in {place} was written by another machine, which is working on this stack\n  \
         wait until it has ended; then `demo down {stack}` looks what is left"
    )]
    Taken {
        /// The mirror.
        place: String,
        /// The stack's id.
        stack: String,
    },
    /// A call.
    #[error("the journal could not be kept in {place}: {why}")]
    Call {
        /// The mirror.
        place: String,
        /// Why.
        why: Box<ProviderError>,
    },
    /// The stack lives elsewhere.
    #[error("the stack of the journal in {place} lives in {lives}, but this would act in {here}")]
    Elsewhere {
        /// The mirror.
        place: String,
        /// What the journal says.
        lives: Box<Fingerprint>,
        /// Where this would act.
        here: Box<Fingerprint>,
    },
    /// There is no journal.
    #[error("there is no journal in {place}; `mirror: true` in the stack file keeps one there")]
    Empty {
        /// The mirror.
        place: String,
    },
    /// The journal is another stack's.
    #[error("the journal in {place} is that of {found}, not of {asked}")]
    Another {
        /// The mirror.
        place: String,
        /// Whose journal it is.
        found: String,
        /// Whose it should be.
        asked: String,
    },
}

/// A journal's mirror and what is known to lie there.
pub(super) struct Reflection {
    mirror: Arc<dyn Mirror>,
    last: tokio::sync::Mutex<Last>,
    failed: Mutex<Option<MirrorError>>,
}

#[derive(Debug, Default)]
struct Last {
    version: Option<String>,
    bytes: usize,
}

impl std::fmt::Debug for Reflection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reflection in {}", self.mirror.title())
    }
}

impl Reflection {
    pub(super) fn new(mirror: Arc<dyn Mirror>) -> Self {
        Self { mirror, last: Default::default(), failed: Mutex::default() }
    }

    /// Puts what the journal holds now, unless it lies there already.
    pub(super) async fn put(&self, journal: &Journal) -> Result<(), JournalError> {
        let mut last = self.last.lock().await;
        let text = journal.text()?;
        if text.len() > last.bytes {
            self.replace(&mut last, &text, journal.id().as_str()).await?;
        }
        Ok(())
    }

    /// The same where a mirror is no reason to stop: after the first failure it is left alone.
    pub(super) async fn try_put(&self, journal: &Journal) -> Result<(), JournalError> {
        if self.failure().is_some() {
            return Ok(());
        }
        match self.put(journal).await {
            Err(JournalError::Mirror(error)) => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(())
            }
            result => result,
        }
    }

    pub(super) fn failure(&self) -> Option<MirrorError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn replace(&self, last: &mut Last, text: &[u8], stack: &str) -> Result<(), MirrorError> {
        let place = self.mirror.title();
        let call = |why| MirrorError::Call { place: place.clone(), why: Box::new(why) };
        for _ in 0..TRIES {
            match self.mirror.put(text, last.version.as_deref()).await.map_err(call)? {
                Put::Nowhere => return Ok(()),
                Put::Done(version) => {
                    *last = Last { version: Some(version), bytes: text.len() };
                    return Ok(());
                }
                Put::Beaten => {}
            }
            match self.mirror.get().await.map_err(call)? {
                // Our own, whose answer was lost, or of an earlier process of ours.
                Some(found) if text.starts_with(&found.text) => {
                    *last = Last { version: Some(found.version), bytes: found.text.len() };
                    if last.bytes == text.len() {
                        return Ok(());
                    }
                }
                None if last.version.is_none() => {}
                _ => break,
            }
        }
        Err(MirrorError::Taken { place, stack: stack.to_owned() })
    }
}

/// Takes a stack over: its journal, as it lies in the mirror, into this state folder, and the mirror for this machine.
/// A journal that is here and says otherwise is set aside.
///
/// `asked` is the stack's id or its name, `here` where this machine acts.
pub async fn take_over(
    home: &Home,
    asked: &str,
    here: &Fingerprint,
    mirror: Arc<dyn Mirror>,
) -> Result<Journal, JournalError> {
    let place = mirror.title();
    let found = mirror.get().await;
    let found = found.map_err(|why| MirrorError::Call { place: place.clone(), why: Box::new(why) })?;
    let text = found.ok_or_else(|| MirrorError::Empty { place: place.clone() })?.text;
    let state = journal::parse(Path::new(&place), &text)?;
    let id = fits(&state, asked, here, place)?;
    bring_in(&home.journal(&id), &text)?;
    let journal = Journal::open(home, &id)?;
    journal.reflect_in(mirror);
    let text = format!("taken over by process {} of another machine", std::process::id());
    journal.record(Entry::Note { text })?;
    journal.reflect().await?;
    Ok(journal)
}

/// The journal of a stack as it lies in the mirror; nothing is changed here or there.
///
/// `asked` is the stack's id or its name, `here` where this machine acts.
pub async fn look(asked: &str, here: &Fingerprint, mirror: &dyn Mirror) -> Result<State, JournalError> {
    let place = mirror.title();
    let found = mirror.get().await;
    let found = found.map_err(|why| MirrorError::Call { place: place.clone(), why: Box::new(why) })?;
    let text = found.ok_or_else(|| MirrorError::Empty { place: place.clone() })?.text;
    let state = journal::parse(Path::new(&place), &text)?;
    fits(&state, asked, here, place)?;
    Ok(state)
}

/// The id of the stack, if it is the one that is meant.
fn fits(state: &State, asked: &str, here: &Fingerprint, place: String) -> Result<StackId, MirrorError> {
    let (Some(id), Some(opened)) = (state.id(), state.opened()) else { return Err(MirrorError::Empty { place }) };
    if id.as_str() != asked && id.name() != asked {
        return Err(MirrorError::Another { place, found: id.to_string(), asked: asked.to_owned() });
    }
    if opened.target != *here {
        let (lives, here) = (Box::new(opened.target.clone()), Box::new(here.clone()));
        return Err(MirrorError::Elsewhere { place, lives, here });
    }
    Ok(id.clone())
}

/// Makes a journal here begin with that text.
fn bring_in(path: &Path, text: &[u8]) -> Result<(), JournalError> {
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(known) if known.starts_with(text) => return Ok(()),
        Ok(known) if text.starts_with(&known) => {}
        Ok(_) => {
            let aside = format!("before-{}", Utc::now().format("%Y%m%dT%H%M%SZ"));
            fs::rename(path, path.with_extension(aside)).map_err(io)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let folder = path.parent().expect("a journal lies in its stack's folder");
    let fresh = path.with_extension("fresh");
    fs::create_dir_all(folder).and_then(|()| fs::write(&fresh, text)).map_err(io)?;
    fs::rename(&fresh, path).map_err(io)
}

#[cfg(test)]
mod tests;
