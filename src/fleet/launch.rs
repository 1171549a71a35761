//! How workers are started.

use std::{io, time::Duration};

use async_trait::async_trait;

use super::message::Seat;

/// What starts at once and says nothing for so long is taken for dead.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Starts workers.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts one that takes this seat.
    ///
    /// # Errors
    /// It cannot be started.
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>>;

    /// How long a worker may take until it is heard of.
    fn starts_within(&self) -> Duration {
        STARTS_WITHIN
    }

    /// Workers that another process started in these seats, in their order; one that is not found
    /// may still start. None where they end with whoever started them.
    ///
    /// # Errors
    /// It cannot be found out which of them run.
    async fn adopt(&self, _seats: &[Seat]) -> io::Result<Option<Vec<Box<dyn Running>>>> {
        Ok(None)
    }

    /// The acknowledgement log of a worker that is gone, where it is on this machine; it says as much as the worker's last
    /// copy, or more. None where there is only that copy.
    fn log(&self, _seat: Seat) -> Option<String> {
        None
    }

    /// Waits until nothing of all that was started and ended is under way any more. Says what could not be ended.
    async fn close(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A worker that was started; dropping it ends it.
pub trait Running: Send {
    /// How it ended, once that is known.
    fn ended(&mut self) -> Option<String>;

    /// Ends it for good; it does nothing more when this has returned.
    fn kill(&mut self);

    /// Leaves it to itself, if it goes on when whoever started it has ended.
    fn release(self: Box<Self>) {}
}
