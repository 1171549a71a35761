//! A hand on a load that goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::spec::Action;

/// Acts on a load from outside; clones act on the same.
#[derive(Clone)]
pub struct Control {
    actions: mpsc::UnboundedSender<Asked>,
    is_paused: Arc<AtomicBool>,
}

/// The load's end of it.
pub struct Controls {
    actions: mpsc::UnboundedReceiver<Asked>,
    is_paused: Arc<AtomicBool>,
}

/// An action that somebody waits for.
pub struct Asked {
    /// What is to be done.
    pub action: Action,
    answer: oneshot::Sender<Done>,
}

/// An action, and when it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Seconds since the load began.
    pub at: f64,
    /// What.
    pub action: Action,
}

/// The load is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the load is over")]
pub struct LoadOver;

/// A control, and what a load is to be given of it.
pub fn control() -> (Control, Controls) {
    let (actions, asked) = mpsc::unbounded_channel();
    let is_paused = Arc::new(AtomicBool::new(false));
    (Control { actions, is_paused: is_paused.clone() }, Controls { actions: asked, is_paused })
}

impl Control {
    /// Does something to the load, and returns when it is done.
    ///
    /// # Errors
    /// There is no load any more.
    pub async fn act(&self, action: Action) -> Result<Done, LoadOver> {
        let (answer, answered) = oneshot::channel();
        self.actions.send(Asked { action, answer }).map_err(|_| LoadOver)?;
        answered.await.map_err(|_| LoadOver)
    }

    /// Stops the load, without waiting for it. One that is over need not be stopped.
    pub fn stop(&self) {
        let (answer, _) = oneshot::channel();
        let _ = self.actions.send(Asked { action: Action::Stop, answer });
    }

    /// Whether the load is paused.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Relaxed)
    }
}

impl Controls {
    /// Waits for an action; for ever once nobody can ask for one. May be dropped while it waits.
    pub async fn next(&mut self) -> Asked {
        match self.actions.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }

    /// An action that waits already.
    pub(super) fn waiting(&mut self) -> Option<Asked> {
        self.actions.try_recv().ok()
    }

    /// Tells whoever looks at the load.
    pub(super) fn tell_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Relaxed);
    }

    /// What tells whether it is paused.
    pub(super) fn paused(&self) -> Arc<AtomicBool> {
        self.is_paused.clone()
    }
}

impl Asked {
    /// Tells whoever asked, who may be gone.
    pub fn answer(self, done: Done) {
        let _ = self.answer.send(done);
    }
}
