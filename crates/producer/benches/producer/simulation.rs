//! How much of a large stream's capacity the producer uses, in simulated time.

mod model;
mod scenario;

use std::time::Instant;

use self::scenario::{Keys, Outcome, Scenario};
use crate::stream_model::Counting;

const PLAIN: Scenario = Scenario {
    shards: 500,
    counting: Counting::Bucket,
    left: 1.0,
    is_map_known: true,
    keys: Keys::Uniform,
    record_bytes: 200,
    in_flight: 50_000,
    warm_up: 3,
    seconds: 7,
};

/// Runs every scenario before a stream of 500 shards, and prints a table of what came of it.
pub fn run() {
    let windows = Scenario { counting: Counting::Windows, ..PLAIN };
    let both = [PLAIN, windows];
    println!("500 shards in simulated time, answers after 5 to 20 ms, records put as fast as they are taken");
    println!(
        "| scenario | shards count by | capacity used | throttled | lost | doubled | hottest key named | records a request | real time |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for base in both {
        print("uniform keys, 200 B", base);
        print("uniform keys, 5 kB", Scenario { record_bytes: 5_000, ..base });
        print("half taken by another", Scenario { left: 0.5, ..base });
        print("shard map not known", Scenario { is_map_known: false, ..base });
        print("Zipf, 100,000 keys", Scenario { keys: Keys::Zipf(100_000), ..base });
    }
}

fn print(name: &str, scenario: Scenario) {
    let began = Instant::now();
    let Outcome { metrics, used, throttled, lost, doubled, is_hottest_named } = scenario.run();
    let hottest = match (scenario.keys, is_hottest_named) {
        (Keys::Uniform, _) => "–",
        (Keys::Zipf(_), true) => "yes",
        (Keys::Zipf(_), false) => "no",
    };
    println!(
        "| {name} | {:?} | {:.2} % | {:.3} % | {lost} | {doubled} | {hottest} | {:.0} | {:.1} s |",
        scenario.counting,
        used * 100.0,
        throttled * 100.0,
        metrics.acknowledged as f64 / metrics.requests as f64,
        began.elapsed().as_secs_f64(),
    );
}
