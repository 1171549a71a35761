//! Open connections, so many that files can still be opened beside them: where one more comes in, the one that has been idle
//! for longest goes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

/// Where the system sets no limit on open files.
const MOST: usize = 10_000;

/// All connections of a server.
pub(crate) struct Connections {
    most: usize,
    all: Mutex<HashMap<u64, Arc<Connection>>>,
}

/// One of them.
pub(crate) struct Connection {
    calls: AtomicUsize,
    used: Mutex<Instant>,
    close: Notify,
}

/// A connection for as long as it is open.
pub(crate) struct Opened {
    number: u64,
    of: Arc<Connections>,
    pub(crate) connection: Arc<Connection>,
}

impl Connections {
    /// Half of the files that this process may have open are for connections.
    pub(crate) fn new() -> Arc<Self> {
        let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
        Self::at_most(files.map_or(MOST, |files| (files / 2).clamp(1, MOST)))
    }

    fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self { most, all: Mutex::default() })
    }

    /// Makes room for a connection and keeps it.
    pub(crate) fn open(self: &Arc<Self>, number: u64) -> Opened {
        let connection =
            Arc::new(Connection { calls: AtomicUsize::new(0), used: Mutex::new(Instant::now()), close: Notify::new() });
        let mut all = self.all();
        if all.len() >= self.most {
            let idle = all.iter().filter(|(_, one)| one.calls.load(Ordering::Relaxed) == 0);
            let longest = idle.min_by_key(|(_, one)| one.used()).map(|(number, _)| *number);
            if let Some(closed) = longest.and_then(|number| all.remove(&number)) {
                closed.close.notify_one();
            }
        }
        all.insert(number, connection.clone());
        Opened { number, of: self.clone(), connection }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.of.all().remove(&self.number);
    }
}

impl Connection {
    /// Carries out a call, during which it is not idle.
    pub(crate) async fn during<T>(&self, call: impl Future<Output = T>) -> T {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = call.await;
        *self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Instant::now();
        self.calls.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    /// Waits until another one needs its place.
    pub(crate) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_longest_idle_makes_room() {
        let connections = Connections::at_most(2);
        let (first, second) = (connections.open(1), connections.open(2));
        first.connection.during(async {}).await;
        let third = connections.open(3);
        let closed = |opened: &Opened| opened.connection.told_to_close().now_or_never().is_some();
        assert_eq!([&first, &second, &third].map(closed), [false, true, false]);
        drop(second);
        let busy = first.connection.clone();
        let fourth = busy.during(async { connections.open(4) }).await;
        assert_eq!([&first, &third, &fourth].map(closed), [false, true, false]);
    }
}
