//! Records packed together by shard.

use kinesis_producer::{BuildError, Record};
use tokio::time::timeout;

use super::{
    PATIENCE, assert_adds_up, put_all, quick, record,
    sink::{Sink, Step},
};
use crate::stream_model::hash_key;

const COUNT: usize = 5_000;

async fn packed(script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Sink {
    let sink = Sink::with_shards(8, script);
    let producer = quick(&sink).aggregation(true).build().await.expect("settings");
    let pending = put_all(&producer, COUNT).await;
    for pending in pending {
        let receipt = timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
        assert!(receipt.shard_id().starts_with("shardId-"));
    }
    let closed = producer.close(PATIENCE).await;
    assert_adds_up(closed.metrics, COUNT, 0);
    assert_eq!(sink.written(), COUNT);
    let stream = sink.stream();
    for (shard, landed) in stream.landed() {
        let range = stream.range_of(shard).expect("open");
        assert!(
            landed.iter().all(|landed| range.contains(&hash_key(&landed.record))),
            "a consumer would pass over some"
        );
    }
    drop(stream);
    sink
}

#[tokio::test]
async fn records_travel_together_to_their_own_shard() {
    let sink = packed(|_| Step::Refuse(|_, _| false)).await;
    let sent: usize = sink.calls().iter().map(|call| call.records).sum();
    assert!(sent * 10 < COUNT, "{sent} Kinesis records");
    assert_eq!(sink.extra_copies(), 0);
}

#[tokio::test]
async fn refused_aggregates_are_sent_again_whole() {
    let sink = packed(|_| Step::Refuse(|request, position| (request + position) % 3 == 0)).await;
    assert_eq!(sink.extra_copies(), 0);
}

#[tokio::test]
async fn answers_that_are_lost_double_what_they_were_of() {
    let sink = packed(|request| if request % 3 == 0 { Step::Reset } else { Step::Refuse(|_, _| false) }).await;
    assert!(sink.extra_copies() > 0);
}

#[tokio::test]
async fn an_aggregate_keeps_its_bounds_and_one_alone_travels_plain() {
    let sink = Sink::with_shards(1, |_| Step::Refuse(|_, _| false));
    let producer = quick(&sink)
        .aggregation(true)
        .aggregation_max_records(10)
        .aggregation_max_bytes(1_000)
        .build()
        .await
        .expect("settings");
    let mut pending = put_all(&producer, 95).await;
    pending.push(producer.put(record(95, 5_000)).await.expect("taken"));
    timeout(PATIENCE, producer.flush()).await.expect("flushed");
    let alone = producer.put(Record::new("00000096", "key").with_explicit_hash_key(7)).await.expect("taken");
    let receipt = timeout(PATIENCE, alone).await.expect("an end").expect("acknowledged");
    assert_eq!(receipt.sub_sequence_number(), None);
    assert!(sink.calls().iter().all(|call| call.bytes <= 12 * 1_000 + 5_000));
    let alone = sink.stream().landed()["shardId-000000000000"].iter().filter(|landed| !landed.is_packed()).count();
    assert_eq!(alone, 2, "the large one and the lonely one");
    let subs: Vec<_> = futures::future::join_all(pending).await.into_iter().flatten().collect();
    assert!(subs.iter().filter_map(|receipt| receipt.sub_sequence_number()).all(|sub| sub < 10));
    assert_eq!(sink.written(), 97);
}

#[tokio::test]
async fn without_shards_nothing_can_be_packed() {
    let built = quick(&Sink::new(|_| Step::Hang)).aggregation(true).build().await;
    assert!(matches!(built.map(|_| ()).expect_err("no shards"), BuildError::NoShards));
}
