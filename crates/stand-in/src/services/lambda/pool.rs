//! The processes of one function: as many as are at work at once, the idle ones kept for the next invocation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{
    Logs, ServiceError,
    process::{Invocation, Launch, Process},
};

/// Processes of one function at once; further invocations wait their turn.
const MOST_PROCESSES: usize = 16;

/// Dropping it ends the processes; one that is at work ends with its invocation.
pub(super) struct Pool {
    launch: Arc<Launch>,
    logs: Arc<Logs>,
    permits: Semaphore,
    idle: Mutex<Vec<Process>>,
}

impl Pool {
    pub(super) fn new(launch: Launch, logs: Arc<Logs>) -> Self {
        let (permits, idle) = (Semaphore::new(MOST_PROCESSES), Mutex::default());
        Self { launch: Arc::new(launch), logs, permits, idle }
    }

    /// Runs one invocation to its end, which comes early where its process is to be killed. Dropping the future ends the
    /// process that it runs in.
    pub(super) async fn invoke(&self, payload: Bytes, killed: bool) -> Result<Invocation, ServiceError> {
        let _permit = self.permits.acquire().await.map_err(ServiceError::internal)?;
        let idle = self.take_idle();
        let mut process = match idle {
            Some(process) => process,
            None => Process::start(self.launch.clone(), self.logs.clone()).await?,
        };
        let invocation = process.invoke(payload, killed).await;
        if process.is_usable() {
            self.idle().push(process);
        }
        Ok(invocation)
    }

    /// Ends the processes that have nothing to do.
    pub(super) fn end_idle(&self) {
        self.idle().clear();
    }

    /// An idle process that has not ended meanwhile.
    fn take_idle(&self) -> Option<Process> {
        loop {
            let mut process = self.idle().pop()?;
            if process.is_usable() {
                return Some(process);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
