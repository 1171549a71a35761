//! The journal's mirror: a copy where other machines find it, replaced only by who has seen what it replaces.
//!
//! So two machines never make things for one stack: the one that writes second finds a text that its own does not
//! begin with, and its `up` stops. A `down` only removes, and goes on without the mirror. Taking a stack over is writing
//! one line more.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{entry::Fingerprint, provider::ProviderError};

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
        "another machine is working on this stack: it wrote the journal in {place}\n  \
         wait until it ends, then run `demo down {stack}` to see what is left"
    )]
    Taken {
        /// The mirror.
        place: String,
        /// The stack's id.
        stack: String,
    },
    /// A call.
    #[error("cannot write the journal to {place}: {why}")]
    Call {
        /// The mirror.
        place: String,
        /// Why.
        why: Box<ProviderError>,
    },
    /// The stack lives elsewhere.
    #[error("the stack of the journal in {place} is in {lives}, but this command would act in {here}")]
    Elsewhere {
        /// The mirror.
        place: String,
        /// What the journal says.
        lives: Box<Fingerprint>,
        /// Where this would act.
        here: Box<Fingerprint>,
    },
    /// There is no journal.
    #[error("no journal in {place}; `mirror: true` in the stack file keeps one there")]
    Empty {
        /// The mirror.
        place: String,
    },
    /// The journal is another stack's.
    #[error("the journal in {place} belongs to {found}, not to {asked}")]
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

    /// Puts the text of a stack's journal, unless it lies there already.
    pub(super) async fn put<E: From<MirrorError>>(
        &self,
        stack: &str,
        text: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let mut last = self.last.lock().await;
        let text = text()?;
        if text.len() > last.bytes {
            self.replace(&mut last, &text, stack).await?;
        }
        Ok(())
    }

    /// Notes that the mirror is no copy any more; it is then left alone.
    pub(super) fn fail(&self, error: MirrorError) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
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
