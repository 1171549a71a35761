//! How a statement that writes ends: either it is stopped, or what it has written is made visible.

use std::sync::OnceLock;

/// An end that leaves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Committed,
    Stopped,
}

/// The end that came first.
#[derive(Debug, Default)]
pub(super) struct FirstEnd(OnceLock<End>);

impl FirstEnd {
    /// Ends the statement so, unless it has another end already. Returns whether this is its end.
    pub(super) fn is(&self, end: End) -> bool {
        *self.0.get_or_init(|| end) == end
    }
}
