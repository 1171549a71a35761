//! A coordinator and workers by the dozen, in simulated time: nothing is lost, and what is sent twice is counted.

#[path = "../../benches/fleet/bucket.rs"]
mod bucket;
#[path = "../../benches/fleet/scenario.rs"]
#[expect(dead_code, reason = "the bench prints more than is tested")]
mod scenario;
#[path = "../../benches/fleet/tasks.rs"]
mod tasks;
#[path = "../../benches/fleet/worker.rs"]
mod worker;

use std::time::Duration;

use self::{
    bucket::Asked,
    scenario::{Outcome, Scenario},
    tasks::Deaths,
};

const PLAIN: Scenario = Scenario {
    workers: 40,
    documents_per_second: 1_000,
    seconds: 90,
    shards: 20,
    deaths: Deaths::None,
    has_hot_keys: false,
};

/// Requests to the bucket of each worker in a second, its coordinator's for it included.
fn requests(outcome: &Outcome) -> f64 {
    let sum = Asked::sum(&outcome.while_sending);
    (sum.gets + sum.puts) as f64 / outcome.while_sending.len() as f64 / f64::from(PLAIN.workers)
}

#[test]
fn others_go_on_with_what_dead_workers_leave_and_all_is_counted() {
    let outcome = Scenario { deaths: Deaths::OneIn(10), ..PLAIN }.run();
    outcome.check();
    assert_eq!((outcome.went_on, outcome.warnings.len()), (4, 4), "{outcome:?}");
    assert!(outcome.twice > 0, "what no log had was sent again: {outcome:?}");
    assert!(outcome.begins_after < Duration::from_secs(70), "not before all are there: {outcome:?}");
}

#[test]
fn a_worker_asks_its_bucket_as_seldom_among_many() {
    let (few, many) = (Scenario { workers: 10, ..PLAIN }.run(), PLAIN.run());
    for outcome in [&few, &many] {
        outcome.check();
        assert!(outcome.warnings.is_empty() && outcome.went_on == 0 && outcome.twice == 0, "{outcome:?}");
    }
    assert!(requests(&many) < 4.0, "{}", requests(&many));
}

#[test]
fn what_shards_got_is_said_until_it_is_too_much() {
    let quick = Scenario { seconds: 10, ..PLAIN };
    let (said, omitted) = (Scenario { shards: 2_500, ..quick }.run(), Scenario { shards: 2_501, ..quick }.run());
    [&said, &omitted].into_iter().for_each(Outcome::check);
    assert!(said.warnings.is_empty() && said.message_bytes() > 5 * omitted.message_bytes(), "{said:?}");
    let told = "40 workers do not say what each of 2501 shards got: it would be too much";
    assert_eq!(omitted.warnings, [told]);
}
