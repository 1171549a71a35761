//! A run as it goes: one board for all browsers, and events for each.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::{
    sync::broadcast,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{board::Board, frame::STILL_HERE};
use crate::{
    engine::Cancel,
    record::{
        RecordError,
        follower::{Follower, News},
    },
};

/// Events that a browser may lag behind; then it gets the state again.
const LAG: usize = 32;
/// How often the record is looked at.
const POLL: Duration = Duration::from_millis(200);
/// Between two events of a connection at most.
const SILENCE: Duration = Duration::from_secs(15);

/// A run and the browsers that watch it.
pub(super) struct Live(Mutex<Inner>);

struct Inner {
    board: Board,
    /// None once nothing more is told.
    browsers: Option<broadcast::Sender<Bytes>>,
}

impl Live {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { board: Board::default(), browsers: Some(broadcast::channel(LAG).0) })))
    }

    /// Takes what is new, and tells every browser; waits for none.
    pub(super) fn take(&self, news: News) {
        let mut inner = self.inner();
        let event = inner.board.take(news);
        inner.tell(event);
    }

    /// The id of the run's stack, once it is known.
    pub(super) fn stack(&self) -> Option<String> {
        self.inner().board.stack().map(str::to_owned)
    }

    pub(super) fn is_over(&self) -> bool {
        self.inner().board.is_over()
    }

    /// Nothing more is told: browsers get what they have not got yet, and their connections end.
    pub(super) fn close(&self) {
        self.inner().browsers = None;
    }

    fn warn(&self, text: String) {
        let mut inner = self.inner();
        let event = inner.board.warn(text);
        inner.tell(Some(event));
    }

    /// The state, and what is told from then on.
    fn join(&self) -> (Bytes, Option<broadcast::Receiver<Bytes>>) {
        let inner = self.inner();
        (inner.board.state(), inner.browsers.as_ref().map(broadcast::Sender::subscribe))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Nobody need watch.
    fn tell(&self, event: Option<Bytes>) {
        if let (Some(event), Some(browsers)) = (event, &self.browsers) {
            let _ = browsers.send(event);
        }
    }
}

/// The events of one browser.
pub(super) fn events(live: Arc<Live>) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let browser = Browser { live, told: Told::Nothing };
    stream::unfold(browser, |mut browser| async {
        let event = browser.next().await?;
        Some((Ok(event), browser))
    })
}

struct Browser {
    live: Arc<Live>,
    told: Told,
}

enum Told {
    Nothing,
    State(broadcast::Receiver<Bytes>),
    Everything,
}

impl Browser {
    /// The next event; none when nothing more comes.
    async fn next(&mut self) -> Option<Bytes> {
        match &mut self.told {
            Told::Nothing => Some(self.state()),
            Told::Everything => None,
            Told::State(events) => match timeout(SILENCE, events.recv()).await {
                Ok(Ok(event)) => Some(event),
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => Some(self.state()),
                Ok(Err(broadcast::error::RecvError::Closed)) => None,
                Err(_) => Some(STILL_HERE),
            },
        }
    }

    fn state(&mut self) -> Bytes {
        let (state, events) = self.live.join();
        self.told = events.map_or(Told::Everything, Told::State);
        state
    }
}

/// Follows the record in a folder until its run is over, or until `ending` is raised; what was written by then is told.
pub(super) async fn follow(folder: &Path, live: Arc<Live>, ending: Cancel) {
    let mut follower = Follower::new(folder);
    while !live.is_over() {
        let is_ending = ending.is_raised();
        let (read, result) = read(follower, live.clone()).await;
        follower = read;
        if let Err(error) = result {
            return live.warn(format!("the page shows nothing new: {error}"));
        }
        if is_ending {
            return;
        }
        tokio::select! {
            () = sleep(POLL) => {}
            () = ending.raised() => {}
        }
    }
}

async fn read(mut follower: Follower, live: Arc<Live>) -> (Follower, Result<(), RecordError>) {
    let reading = spawn_blocking(move || {
        let result = follower.read(&mut |news| live.take(news));
        (follower, result)
    });
    reading.await.expect("reading a record does not panic")
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;
    use crate::report::second::Second;

    fn row(at: f64) -> News {
        News::Second(Box::new(Second { at, ..Second::default() }))
    }

    fn name(event: &Bytes) -> String {
        let text = String::from_utf8_lossy(event);
        text.lines().next().and_then(|line| line.strip_prefix("event: ")).unwrap_or(&text).to_owned()
    }

    #[tokio::test]
    async fn a_browser_gets_the_state_and_then_each_row() {
        let live = Live::new();
        live.take(row(1.0));
        let mut browser = std::pin::pin!(events(live.clone()));
        assert_eq!(name(&browser.next().await.expect("an event").expect("sent")), "state");
        live.take(row(2.0));
        let event = browser.next().await.expect("an event").expect("sent");
        assert!(name(&event) == "row" && String::from_utf8_lossy(&event).contains("{\"at\":2.0,"), "{event:?}");
        live.close();
        assert!(browser.next().await.is_none());
    }

    #[tokio::test]
    async fn a_browser_that_lags_skips_and_gets_the_state_and_nobody_waits_for_it() {
        let live = Live::new();
        let mut slow = std::pin::pin!(events(live.clone()));
        slow.next().await.expect("the state").expect("sent");
        (1..=3 * LAG).for_each(|at| live.take(row(at as f64)));
        let event = slow.next().await.expect("an event").expect("sent");
        let latest = format!("\"latest\":{{\"at\":{}.0", 3 * LAG);
        assert!(name(&event) == "state" && String::from_utf8_lossy(&event).contains(&latest), "{event:?}");
        live.take(row(1_000.0));
        assert_eq!(name(&slow.next().await.expect("an event").expect("sent")), "row", "and goes on from there");
    }

    #[tokio::test]
    async fn who_comes_after_the_end_gets_the_last_state_and_no_more() {
        let live = Live::new();
        live.take(row(7.0));
        live.close();
        let all: Vec<_> = events(live).collect().await;
        assert!(all.len() == 1 && String::from_utf8_lossy(all[0].as_ref().expect("sent")).contains("\"at\":7.0"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_happens_is_kept() {
        let live = Live::new();
        let mut browser = std::pin::pin!(events(live));
        browser.next().await.expect("the state").expect("sent");
        assert_eq!(browser.next().await.expect("an event").expect("sent"), STILL_HERE);
    }
}
