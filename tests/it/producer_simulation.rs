//! The producer before many shards, in simulated time: all of their capacity, hardly a refusal, and nothing lost.

#[path = "../../benches/producer/simulation/model.rs"]
mod model;
#[path = "../../benches/producer/simulation/scenario.rs"]
mod scenario;

use self::{
    model::Counting,
    scenario::{Keys, Outcome, Scenario},
};

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
