//! How workers are started.

use std::io;

use super::message::Seat;

/// Starts workers.
pub trait Launcher: Send + Sync {
    /// Starts one that takes this seat.
    ///
    /// # Errors
    /// It cannot be started.
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>>;

    /// The acknowledgement log of a worker that is gone, where it is on this machine; it says as much as the worker's last
    /// copy, or more. None where there is only that copy.
    fn log(&self, _seat: Seat) -> Option<String> {
        None
    }
}

/// A worker that was started; dropping it ends it.
pub trait Running: Send {
    /// How it ended, once that is known.
    fn ended(&mut self) -> Option<String>;

    /// Ends it for good; it does nothing more when this has returned.
    fn kill(&mut self);
}
