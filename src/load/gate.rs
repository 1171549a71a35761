//! The start of a load that begins together with others.

use std::time::Instant;

use tokio::{
    sync::oneshot,
    time::{Instant as At, sleep_until},
};

use crate::engine::Cancel;

/// Holds a load back until its start.
pub struct Gate {
    /// Told when the first documents are made.
    pub ready: oneshot::Sender<()>,
    /// Says when the load starts, or started: what is due by then is late.
    pub start: oneshot::Receiver<Instant>,
}

impl Gate {
    /// Returns when the load starts, once it does; at once where it is cancelled, or nobody will say.
    pub(super) async fn pass(self, cancel: &Cancel) -> Instant {
        // Nobody need wait for it.
        let _ = self.ready.send(());
        let start = self.start;
        let started = async {
            let Ok(start) = start.await else { return Instant::now() };
            sleep_until(At::from_std(start)).await;
            start
        };
        cancel.unless_raised(started).await.unwrap_or_else(|_| Instant::now())
    }
}
