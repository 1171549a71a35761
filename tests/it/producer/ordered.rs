//! Records of one key stay in their order.

use std::{collections::HashMap, time::Duration};

use kinesis_producer::Severity;
use tokio::time::timeout;

use super::{
    PATIENCE, assert_adds_up, put_all, quick,
    sink::{Sink, Step},
};
use crate::stream_model::{Landed, name};

const COUNT: usize = 3_000;

/// One position in five is refused, and one request in eleven as a whole; nothing is written twice.
fn failing(request: usize) -> Step {
    match request % 11 {
        10 => Step::Fail(Severity::Unavailable),
        9 => Step::Slow(Duration::from_millis(3)),
        _ => Step::Refuse(|request, position| (request * 7 + position) % 5 == 0),
    }
}

/// How often a record of a key lies behind one that was put after it.
fn out_of_order(sink: &Sink) -> usize {
    let mut wrong = 0;
    for shard in sink.stream().landed().values() {
        let mut last = HashMap::new();
        for Landed { record, .. } in shard {
            let before = last.insert(&record.partition_key, name(record));
            wrong += usize::from(before.is_some_and(|before| before > name(record)));
        }
    }
    wrong
}

async fn order_holds(shards: usize, aggregation: bool) {
    let sink = Sink::with_shards(shards, failing);
    let producer = quick(&sink).pace(false).ordered(true).aggregation(aggregation).build().await.expect("settings");
    let pending = put_all(&producer, COUNT).await;
    for pending in pending {
        timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
    }
    let closed = producer.close(PATIENCE).await;
    assert_adds_up(closed.metrics, COUNT, 0);
    assert_eq!((sink.written(), sink.extra_copies(), out_of_order(&sink)), (COUNT, 0, 0));
    assert!(closed.metrics.retried > 0, "{:?}", closed.metrics);
}

#[tokio::test]
async fn order_holds_by_key_while_a_fifth_fails() {
    for shards in [1, 8] {
        order_holds(shards, false).await;
    }
}

#[tokio::test]
async fn order_holds_in_aggregates_while_a_fifth_fails() {
    for shards in [1, 8] {
        order_holds(shards, true).await;
    }
}

#[tokio::test]
async fn without_being_told_to_it_does_not_hold() {
    let sink = Sink::with_shards(8, failing);
    let producer = quick(&sink).build().await.expect("settings");
    drop(put_all(&producer, COUNT).await);
    timeout(PATIENCE, producer.flush()).await.expect("flushed");
    assert!(out_of_order(&sink) > 0, "or the tests above prove nothing");
}
