//! A flag that says stop, and whom to wake.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// Raised once (Ctrl-C), seen by every clone.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<bool>>);

/// The wait ended because someone raised the flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Cancel {
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Raises the flag.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is raised.
    pub async fn raised(&self) {
        let mut seen = self.0.subscribe();
        seen.wait_for(|raised| *raised).await.expect("the sender lives in self");
    }

    /// What a future comes to, unless the flag is raised first: then it is left where it waits, so it must change nothing.
    pub async fn unless_raised<T>(&self, future: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            () = self.raised() => Err(Interrupted),
            come = future => Ok(come),
        }
    }

    /// Sleeps, unless the flag is raised first.
    pub async fn sleep(&self, time: Duration) -> Result<(), Interrupted> {
        self.unless_raised(tokio::time::sleep(time)).await
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}
