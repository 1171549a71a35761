//! How long the dispatcher works before other tasks of its thread get their turn.

use std::time::{Duration, Instant};

/// Half of the 200 µs for which the producer may hold a thread: there is work between two readings of the clock, too.
const LENGTH: Duration = Duration::from_micros(100);

/// Bytes processed between two readings of the clock: the slowest processors hash them in 100 µs.
pub(super) const SLICE: usize = 32 * 1024;

/// A task's turn on its thread.
#[derive(Debug)]
pub(super) struct Turn {
    began: Instant,
    /// Bytes processed since the clock was read.
    bytes: usize,
}

impl Turn {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), bytes: 0 }
    }

    /// So much was done: others get their turn now, if this one was long enough.
    pub(super) async fn worked(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes < SLICE {
            return;
        }
        self.bytes = 0;
        if self.began.elapsed() >= LENGTH {
            tokio::task::yield_now().await;
            self.began = Instant::now();
        }
    }
}
