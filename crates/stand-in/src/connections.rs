//! Open connections, so many that files can still be opened beside them: where one more comes in, the one that has been idle
//! for longest goes.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::protocol::Body;

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
    /// When it was opened, or its last call ended.
    idle_since: Mutex<Instant>,
    answered: AtomicUsize,
    close: Notify,
}

/// A call of a connection, which is not idle meanwhile.
pub(crate) struct Call(Arc<Connection>);

/// The body of an answer, whose call lasts until it is written.
struct Held {
    body: Body,
    _call: Call,
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
        let connection = Arc::new(Connection::new());
        let mut all = self.all();
        if all.len() >= self.most {
            let idle = all.iter().filter(|(_, one)| one.calls.load(Ordering::Relaxed) == 0);
            let longest = idle.min_by_key(|(_, one)| one.idle_since()).map(|(number, _)| *number);
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
    fn new() -> Self {
        Self {
            calls: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            answered: AtomicUsize::new(0),
            close: Notify::new(),
        }
    }

    /// Begins a call.
    pub(crate) fn begin(self: &Arc<Self>) -> Call {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Call(self.clone())
    }

    /// Waits until another one needs its place.
    pub(crate) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    /// Whether it has never brought a whole request.
    pub(crate) fn is_unused(&self) -> bool {
        self.calls.load(Ordering::Relaxed) == 0 && self.answered.load(Ordering::Relaxed) == 0
    }

    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Call {
    /// Gives the call's answer, with which it ends.
    pub(crate) fn answer(self, answer: Response<Body>) -> Response<Body> {
        answer.map(|body| Held { body, _call: self }.boxed_unsync())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        *self.0.idle_since.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Instant::now();
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use http_body_util::Full;

    use super::*;

    fn is_told_to_close(opened: &Opened) -> bool {
        opened.connection.told_to_close().now_or_never().is_some()
    }

    #[test]
    fn the_longest_idle_makes_room() {
        let connections = Connections::at_most(2);
        let (first, second) = (connections.open(1), connections.open(2));
        drop(first.connection.begin());
        let third = connections.open(3);
        assert_eq!([&first, &second, &third].map(is_told_to_close), [false, true, false]);
        assert_eq!([&first, &second].map(|opened| opened.connection.is_unused()), [false, true]);
    }

    #[test]
    fn an_answer_that_is_still_written_keeps_its_connection() {
        let connections = Connections::at_most(1);
        let first = connections.open(1);
        let body: Body = Full::new(Bytes::from_static(b"slow")).map_err(|never| match never {}).boxed_unsync();
        let answer = first.connection.begin().answer(Response::new(body));
        assert_eq!(answer.body().size_hint().exact(), Some(4));
        let second = connections.open(2);
        assert_eq!([&first, &second].map(is_told_to_close), [false, false]);
        drop(answer);
        let third = connections.open(3);
        assert_eq!([&first, &second, &third].map(is_told_to_close), [false, true, false], "it was idle for longer");
    }
}
