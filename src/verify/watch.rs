//! Looks at what arrives in a destination while the load goes on.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    destination::{Destination, DestinationReader, VerifyError},
    expected::Expected,
};

/// What has arrived in a destination since the load began, as far as somebody has looked. Nothing of it is computed from what
/// was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Documents, or rows.
    pub documents: Option<u64>,
    /// Objects, where they are what arrives.
    pub objects: Option<Objects>,
    /// How long the latest tracked document took, from its intended send time until it could be read.
    pub latest: Option<Duration>,
}

/// Objects that have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// How many.
    pub count: u64,
    /// Their bytes, as they are stored.
    pub bytes: u64,
    /// How many of them nobody has read yet: their documents are not among those that are counted.
    pub unread: u64,
}

/// Looks at a destination beside a load.
#[async_trait]
pub trait Watch: Send {
    /// Which one.
    fn destination(&self) -> Destination;

    /// Looks once. Returns what has arrived, and how long to wait before the next look: so that calls are few and the load
    /// has the processors. May be dropped at any point.
    ///
    /// # Errors
    /// The destination cannot be read; the next look may be able to.
    async fn look(&mut self) -> Result<(Arrived, Duration), VerifyError>;

    /// What finds the documents of the destination again, and need not read again what was read here; none where nothing
    /// was read that helps.
    fn into_reader(self: Box<Self>, _expected: &Arc<Expected>) -> Option<Box<dyn DestinationReader>> {
        None
    }
}
