//! How often an API may be asked: one measure for everything that this process does at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

/// An operation whose calls AWS counts for the whole account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Api {
    name: &'static str,
    a_second: u32,
}

impl Api {
    /// By the Kinesis API reference, as are the next ones.
    pub(super) const DESCRIBE_STREAM_SUMMARY: Self = Self { name: "kinesis DescribeStreamSummary", a_second: 20 };
    pub(super) const CREATE_STREAM: Self = Self { name: "kinesis CreateStream", a_second: 5 };
    pub(super) const DELETE_STREAM: Self = Self { name: "kinesis DeleteStream", a_second: 5 };
    pub(super) const DELETE_CHANNEL: Self = Self { name: "kinesis DeleteChannel", a_second: 5 };
    pub(super) const LIST_CHANNELS: Self = Self { name: "kinesis ListChannels", a_second: 5 };
    pub(super) const LIST_STREAMS: Self = Self { name: "kinesis ListStreams", a_second: 5 };
    pub(super) const LIST_TAGS_FOR_STREAM: Self = Self { name: "kinesis ListTagsForStream", a_second: 5 };
    /// Every control operation of Firehose by itself (Firehose developer guide, "Quota").
    pub(super) const DESCRIBE_DELIVERY_STREAM: Self = Self { name: "firehose DescribeDeliveryStream", a_second: 5 };
    pub(super) const CREATE_DELIVERY_STREAM: Self = Self { name: "firehose CreateDeliveryStream", a_second: 5 };
    pub(super) const DELETE_DELIVERY_STREAM: Self = Self { name: "firehose DeleteDeliveryStream", a_second: 5 };
    pub(super) const LIST_DELIVERY_STREAMS: Self = Self { name: "firehose ListDeliveryStreams", a_second: 5 };
    pub(super) const LIST_TAGS_FOR_DELIVERY_STREAM: Self =
        Self { name: "firehose ListTagsForDeliveryStream", a_second: 5 };
}

/// When each API may be asked next. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates(Arc<Mutex<HashMap<Api, Instant>>>);

impl Rates {
    /// Waits for a turn. A second's calls may come at once after a rest; then they come evenly.
    pub(super) async fn turn(&self, api: Api) {
        tokio::time::sleep_until(self.book(api)).await;
    }

    fn book(&self, api: Api) -> Instant {
        let (now, apart) = (Instant::now(), Duration::from_secs(1) / api.a_second);
        let mut booked = self.0.lock().expect("no panic while it is held");
        // The time until which all turns are taken, were they apart from the first to the last.
        let taken = booked.entry(api).or_insert(now);
        let turn = (*taken).max(now);
        *taken = turn + apart;
        turn.checked_sub(apart * (api.a_second - 1)).map_or(now, |turn| turn.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_calls_are_apart() {
        let (rates, api) = (Rates::default(), Api::DESCRIBE_DELIVERY_STREAM);
        let began = Instant::now();
        let turns = (0..15).map(|_| async {
            rates.clone().turn(api).await;
            began.elapsed().as_millis()
        });
        let mut turns = futures::future::join_all(turns).await;
        turns.sort_unstable();
        assert!(turns[..5].iter().all(|at| *at < 10), "{turns:?}");
        assert!((1990..2100).contains(&turns[14]), "{turns:?}");
        let mut seconds = turns.chunk_by(|a, b| a / 1000 == b / 1000).map(<[u128]>::len);
        assert!(seconds.all(|calls| calls <= 10), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_api_does_not_wait_for_another() {
        let (rates, began) = (Rates::default(), Instant::now());
        for _ in 0..5 {
            rates.turn(Api::CREATE_STREAM).await;
            rates.turn(Api::DELETE_STREAM).await;
        }
        assert!(began.elapsed() < Duration::from_millis(10));
    }
}
