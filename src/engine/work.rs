//! What `up` and `down` share: one resource's work, told to the observer, and why it stops.

use std::sync::Arc;

use super::{
    cancel::Cancel,
    graph::{Node, ResourceKey},
    journal::{Entry, Journal, JournalError},
    provider::{Doing, Observer, Progress, Provider, ProviderError, Providers},
    state::Phase,
};

/// What work on a resource needs.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) providers: &'a Providers,
    pub(super) journal: &'a Journal,
    pub(super) observer: &'a dyn Observer,
    pub(super) cancel: &'a Cancel,
}

/// Why work on one resource ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl<'a> Work<'a> {
    pub(super) fn begin(&self, node: &'a Node, doing: Doing) -> Progress<'a> {
        Progress::begin(node, doing, self.observer, self.cancel)
    }

    pub(super) fn provider(&self, node: &Node) -> Result<&'a Arc<dyn Provider>, ProviderError> {
        self.providers.of(&node.key)
    }

    /// Writes down what the next call does, or what the last one did.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), JournalError> {
        self.journal.record(entry)?;
        self.journal.reflect().await
    }

    /// The same where a mirror that cannot be written is no reason to stop.
    pub(super) async fn note(&self, entry: Entry) -> Result<(), JournalError> {
        self.journal.record(entry)?;
        self.journal.try_reflect().await
    }

    pub(super) fn phase(&self, key: &ResourceKey) -> Option<Phase> {
        self.journal.with_state(|state| state.phase(key))
    }
}
