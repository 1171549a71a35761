//! Where the workers of a load meet their coordinator, and what starts them.

use std::{sync::Arc, time::Duration};

use crate::fleet::{Launcher, Rendezvous};

/// Where workers and coordinator meet, and what starts workers.
pub(super) struct Meeting {
    pub(super) place: Arc<dyn Rendezvous>,
    pub(super) launcher: Box<dyn Launcher>,
    /// How often they look for what is new.
    pub(super) poll: Duration,
    /// How often workers write their logs there.
    pub(super) logged: Duration,
}
