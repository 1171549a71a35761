//! What a load of many workers asks of its coordinator and of the bucket where they meet, in simulated time; and how many
//! tasks and shards rates take, and what they cost.
//!
//! ```text
//! cargo bench --bench fleet                      # both
//! cargo bench --bench fleet -- workers 4000      # the first, of another number of workers
//! cargo bench --bench fleet -- rates             # the second
//! ```

#![expect(unreachable_pub, reason = "nothing outside a program can reach it; here `pub` means: for the other modules")]

mod bucket;
mod scenario;
mod sizing;
mod tasks;
mod worker;

use std::time::{Duration, Instant};

use self::{
    bucket::{Asked, Requests},
    scenario::{Outcome, Scenario},
    tasks::Deaths,
};

const PLAIN: Scenario = Scenario {
    workers: 1_000,
    documents_per_second: 1_000,
    seconds: 120,
    shards: 100,
    deaths: Deaths::OneIn(50),
    has_hot_keys: false,
};

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|given| given != "--bench").collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match given[..] {
        [] => {
            workers(&[10, 100, 1_000, 2_000]);
            shards();
            sizing::print();
        }
        ["workers"] => workers(&[10, 100, 1_000, 2_000]),
        ["workers", number] => workers(&[number.parse().expect("a number of workers")]),
        ["shards"] => shards(),
        ["rates"] => sizing::print(),
        _ => panic!("what is {given:?}? See {}", file!()),
    }
}

fn workers(numbers: &[u32]) {
    println!(
        "Workers by tasks, 100 shards, 120 s, one in 50 dies; requests to S3 a second: mean while sending (most, at any time)\n"
    );
    println!(
        "| workers | begin after | start skew | GET | PUT | of the coordinator | message | CPU a message | CPU a second \
         | longest at once | died, replaced | not acknowledged | sent twice (possible) | ends after | real time |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for workers in numbers {
        let began = Instant::now();
        let scenario = Scenario { workers: *workers, ..PLAIN };
        row(&scenario, &scenario.run(), began);
    }
    println!();
}

fn row(scenario: &Scenario, outcome: &Outcome, began: Instant) {
    let seconds = outcome.while_sending.len().max(1) as u64;
    let sum = Asked::sum(&outcome.while_sending);
    let all = outcome.asked.seconds();
    let most = |of: fn(&Requests) -> u64| all.iter().map(of).max().unwrap_or_default();
    let coordinator = Asked::sum(&outcome.asked.coordinator);
    let dies = match scenario.deaths {
        Deaths::None => 0,
        Deaths::OneIn(many) => scenario.workers.div_ceil(many),
    };
    println!(
        "| {} | {:.0} s | {:.0} ms | {} ({}) | {} ({}) | {} GET, {} PUT in all | {:.1} KB | {:.0} µs | {:.0} ms | {:.0} ms | {dies}, {} | {} | {} ({}) | {:.1} s | {:.0} s |",
        scenario.workers,
        outcome.begins_after.as_secs_f64(),
        ms(outcome.skew),
        sum.gets / seconds,
        most(|second| second.gets),
        sum.puts / seconds,
        most(|second| second.puts),
        coordinator.gets,
        coordinator.puts,
        outcome.message_bytes() as f64 / 1e3,
        outcome.cpu_per_message(scenario.workers).as_nanos() as f64 / 1e3,
        ms(outcome.cpu) / seconds as f64,
        ms(outcome.longest_poll),
        outcome.went_on,
        outcome.documents - outcome.logged,
        outcome.twice,
        outcome.possible_duplicates,
        outcome.ends_after.as_secs_f64(),
        began.elapsed().as_secs_f64(),
    );
    outcome.check();
}

fn shards() {
    println!("What a message has, and what it costs, by shards; 200 workers, 30 s, none dies\n");
    println!("| shards | keys that hold up | said by shard | message | CPU a message | CPU a second |");
    println!("|---|---|---|---|---|---|");
    for (shards, has_hot_keys) in [(10, false), (100, false), (500, false), (501, false), (10_000, false), (10, true)] {
        let seconds = 30;
        let scenario = Scenario { workers: 200, shards, seconds, deaths: Deaths::None, has_hot_keys, ..PLAIN };
        let outcome = scenario.run();
        let is_said = if outcome.warnings.is_empty() { "yes" } else { "no" };
        println!(
            "| {shards} | {} | {is_said} | {:.1} KB | {:.0} µs | {:.0} ms |",
            if has_hot_keys { "20 of each worker" } else { "none" },
            outcome.message_bytes() as f64 / 1e3,
            outcome.cpu_per_message(scenario.workers).as_nanos() as f64 / 1e3,
            ms(outcome.cpu) / outcome.while_sending.len().max(1) as f64,
        );
    }
    println!();
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
