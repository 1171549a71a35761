//! The producer before many shards, in simulated time: all of their capacity, hardly a refusal, and nothing lost.

#[path = "../../crates/producer/benches/producer/simulation/model.rs"]
mod model;
#[path = "../../crates/producer/benches/producer/simulation/scenario.rs"]
mod scenario;

use std::time::Duration;

use kinesis_producer::{HotKey, Producer, ShardView, Snapshot};
use md5::{Digest, Md5};

use self::{
    model::Model,
    scenario::{Keys, Outcome, Scenario},
};
use crate::stream_model::{Counting, Throughput};

const PLAIN: Scenario = Scenario {
    shards: 20,
    counting: Counting::Bucket,
    left: 1.0,
    is_map_known: true,
    keys: Keys::Uniform,
    record_bytes: 100,
    in_flight: 2_000,
    warm_up: 1,
    seconds: 3,
};

/// What must hold whatever happens.
fn run(scenario: Scenario) -> Outcome {
    let outcome = scenario.run();
    let metrics = &outcome.metrics;
    assert_eq!(
        (metrics.acknowledged, metrics.failed, metrics.in_flight_records),
        (metrics.offered, 0, 0),
        "{outcome:?}"
    );
    assert_eq!((outcome.lost, outcome.doubled), (0, 0), "{outcome:?}");
    outcome
}

#[test]
fn all_capacity_is_used_however_shards_count() {
    for counting in [Counting::Bucket, Counting::Windows] {
        let outcome = run(Scenario { counting, ..PLAIN });
        assert!(outcome.used >= 0.98 && outcome.throttled <= 0.001, "{counting:?}: {outcome:?}");
    }
}

#[test]
fn what_another_leaves_is_used() {
    for counting in [Counting::Bucket, Counting::Windows] {
        let outcome = run(Scenario { counting, left: 0.5, warm_up: 2, ..PLAIN });
        assert!(outcome.used >= 0.93 && outcome.throttled <= 0.02, "{counting:?}: {outcome:?}");
    }
}

#[test]
fn the_hottest_key_is_named_and_its_shard_is_hardly_asked_too_much() {
    let outcome = run(Scenario { keys: Keys::Zipf(100_000), ..PLAIN });
    assert!(outcome.is_hottest_named, "{outcome:?}");
    assert!(outcome.throttled <= 0.005, "{outcome:?}");
}

#[test]
fn without_a_shard_map_nothing_is_lost() {
    let outcome = run(Scenario { is_map_known: false, ..PLAIN });
    assert!(outcome.used > 0.5, "{outcome:?}");
}

/// What is seen of a stream, most of which idles.
struct Seen {
    hot_keys: Vec<HotKey>,
    shards: Vec<ShardView>,
    metrics: Snapshot,
}

/// For so many simulated seconds, twice what a shard takes of one key, and as much again of a thousand others.
async fn with_a_hot_key(seconds: u64) -> Seen {
    let model = Model::new(50, Counting::Windows, Throughput::SHARD, true);
    let producer = Producer::with_transport(model.clone()).build().await.expect("settings");
    for number in 0..4_000 * seconds {
        let key = if number % 2 == 0 { "hot".to_owned() } else { format!("{}", number % 1_999) };
        drop(producer.put(Model::record(number, 100, key)).await.expect("taken"));
        if number % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let (hot_keys, shards) = (producer.hot_keys(), producer.shards());
    producer.flush().await;
    let metrics = producer.close(Duration::from_secs(1)).await.metrics;
    assert_eq!(model.lost_and_doubled(4_000 * seconds), (0, 0));
    Seen { hot_keys, shards, metrics }
}

#[test]
fn a_hot_key_of_a_mostly_idle_stream_is_named_and_its_shard_shows_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let seen = runtime.expect("a runtime").block_on(with_a_hot_key(5));
    assert_eq!(seen.hot_keys[0].partition_key, "hot", "{:?}", seen.hot_keys);
    let hot = u128::from_be_bytes(Md5::digest("hot").into());
    let (hot, others): (Vec<_>, Vec<_>) = seen.shards.into_iter().partition(|shard| shard.hash_keys.contains(&hot));
    let [hot] = hot.as_slice() else { panic!("one shard") };
    assert!(hot.throttled > 0 && hot.queued > 1_000 && hot.share < 0.99, "{hot:?}");
    assert!(hot.acknowledged > 3_000, "{hot:?}");
    assert!(others.iter().all(|shard| shard.throttled == 0 && shard.share >= 0.99), "{others:?}");
    let others: u64 = others.iter().map(|shard| shard.acknowledged).sum();
    assert!(others > 8_000, "they are not held up: {others}");
    assert_eq!((seen.metrics.acknowledged, seen.metrics.failed), (20_000, 0));
}
