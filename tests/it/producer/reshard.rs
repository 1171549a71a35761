//! Shards are split and merged while records are sent.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    PATIENCE, assert_adds_up, quick, record,
    sink::{Sink, Step},
};

const COUNT: usize = 6_000;

/// A split and a merge in the middle; then every record is in a shard in whose range it is or was.
async fn resharded(aggregation: bool, ordered: bool) {
    let sink = Sink::with_shards(4, |request| match request % 3 {
        0 => Step::Slow(Duration::from_millis(1)),
        _ => Step::Refuse(|request, position| (request + position) % 5 == 0),
    });
    let producer = quick(&sink).pace(false).aggregation(aggregation).ordered(ordered).build().await.expect("settings");
    let mut pending = Vec::new();
    for number in 0..COUNT {
        match number {
            2_000 => sink.stream().split(1),
            4_000 => sink.stream().merge(),
            _ => {}
        }
        pending.push(timeout(PATIENCE, producer.put(record(number, 100))).await.expect("room").expect("taken"));
        if number % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for pending in pending {
        timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
    }
    let four = async {
        while producer.shards().len() != 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, four).await.expect("five shards after the split, four after the merge");
    let closed = producer.close(PATIENCE).await;
    assert_adds_up(closed.metrics, COUNT, 0);
    assert_eq!(sink.written(), COUNT);
    assert!(sink.extra_copies() as u64 <= closed.metrics.possible_duplicates, "{:?}", closed.metrics);
    assert!(aggregation || closed.metrics.possible_duplicates == 0);
    assert_eq!(sink.stream().unseen(), 0, "a consumer of each shard's range sees every record");
}

#[tokio::test]
async fn plain_records_follow_the_shards() {
    resharded(false, false).await;
}

#[tokio::test]
async fn aggregates_are_made_anew_for_the_shards_that_are() {
    resharded(true, false).await;
}

#[tokio::test]
async fn ordered_records_follow_the_shards() {
    resharded(false, true).await;
    resharded(true, true).await;
}
