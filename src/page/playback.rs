//! A recorded run played back to one browser, at its own place and speed.

use std::{collections::VecDeque, convert::Infallible, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    board::Board,
    frame::{STILL_HERE, placed},
};
use crate::{
    record::{RecordError, follower::News, reader},
    report::{
        recorded::Recorded,
        second::{Moment, Second},
    },
};

/// Times as fast as it was.
pub(super) const FASTEST: f64 = 100.0;
/// How often rows are told.
const STEP: Duration = Duration::from_millis(250);
const SILENCE: Duration = Duration::from_secs(15);

/// A playback under way.
pub(super) struct Playback {
    board: Board,
    /// What is still to come, the earliest first.
    rows: VecDeque<Second>,
    moments: VecDeque<Moment>,
    /// The result, until it is told.
    result: Option<Box<Recorded>>,
    at: f64,
    speed: f64,
    told: Told,
}

enum Told {
    Nothing,
    /// Everything that was before this moment of the playback.
    Until(Instant),
    Everything,
}

impl Playback {
    /// Of the record in a folder, from this second of the run on.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn open(folder: PathBuf, at: f64, speed: f64) -> Result<Self, RecordError> {
        let read = spawn_blocking(move || reader::read(&folder)).await.expect("reading a record does not panic");
        Ok(Self::of(read?, at, speed))
    }

    fn of(mut run: Recorded, at: f64, speed: f64) -> Self {
        let (rows, moments) = (std::mem::take(&mut run.seconds).into(), std::mem::take(&mut run.moments).into());
        let mut board = Board::default();
        board.begin(&run.about);
        let mut playback = Self { board, rows, moments, result: Some(Box::new(run)), at, speed, told: Told::Nothing };
        playback.until_now();
        playback
    }

    /// The events of the browser.
    pub(super) fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
        stream::unfold(self, |mut playback| async {
            let event = playback.next().await;
            Some((Ok(event), playback))
        })
    }

    /// There is always a next one: a browser would connect again after an end, and see it all once more.
    async fn next(&mut self) -> Bytes {
        loop {
            let begun = match self.told {
                Told::Nothing => {
                    self.told = Told::Until(Instant::now());
                    return placed(&self.board.state(), self.at);
                }
                Told::Everything => {
                    sleep(SILENCE).await;
                    return STILL_HERE;
                }
                Told::Until(begun) => begun,
            };
            sleep(STEP).await;
            self.at += begun.elapsed().as_secs_f64() * self.speed;
            self.told = Told::Until(Instant::now());
            let mut events = self.until_now();
            if self.rows.is_empty() && self.moments.is_empty() {
                self.told = Told::Everything;
                events.extend(self.result.take().and_then(|result| self.board.take(News::Run(result))));
            }
            if let Some(last) = events.pop() {
                events.push(placed(&last, self.at));
                return Bytes::from(events.concat());
            }
        }
    }

    /// Takes what was until the present place of the playback, and returns its events.
    fn until_now(&mut self) -> Vec<Bytes> {
        let mut events = Vec::new();
        while let Some(moment) = self.moments.pop_front_if(|moment| moment.at <= self.at) {
            events.extend(self.board.take(News::Moment(moment)));
        }
        while let Some(row) = self.rows.pop_front_if(|row| row.at <= self.at) {
            events.extend(self.board.take(News::Second(Box::new(row))));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;
    use crate::report::recorded::tests::recorded;

    #[tokio::test(start_paused = true)]
    async fn it_goes_at_its_speed_to_the_end_and_stays_there() {
        let begun = Instant::now();
        let mut events = std::pin::pin!(Playback::of(recorded(), 10.0, 10.0).events());
        let mut next =
            async || String::from_utf8(events.next().await.expect("more").expect("sent").to_vec()).expect("text");
        let first = next().await;
        assert!(
            first.starts_with("id: 10.000\nevent: state\n") && first.contains("\"latest\":{\"at\":10.0,"),
            "{first}"
        );
        let mut rows = 0;
        let last = loop {
            let text = next().await;
            rows += text.matches("event: row\n").count();
            if text.contains("\"is_over\":true") {
                break text;
            }
        };
        assert_eq!(rows, 20, "of 30 seconds, those after the tenth");
        assert!((2.0..2.6).contains(&begun.elapsed().as_secs_f64()), "{:?}", begun.elapsed());
        assert!(last.contains("\"name\":\"acknowledged\",\"value\":\"12,001\""), "{last}");
        assert_eq!(next().await, STILL_HERE);
    }
}
