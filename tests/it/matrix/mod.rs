//! The kill matrix: every stack that ships, killed at every API call of its `up` and of its `down`, before the call, after it
//! without its answer, and after its answer; then brought up again and taken down, or taken down at once. Kills that leave
//! the same, as [`crate::inside::Count`] has it, are one point.
//!
//! Whatever happened, nothing of the stack may be left in the stand-in's own store, what belongs to others must be there
//! byte for byte, and a second `down` has nothing to do.

pub mod case;
mod collisions;
pub mod ground;
mod others;
pub mod point;

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use self::point::Column;
pub use self::{
    case::{Case, schema_of},
    ground::{Ground, in_memory},
};

/// Of a column that is broken, so many points are told.
const TOLD: usize = 3;

/// What came of some points.
#[derive(Default)]
struct Tally {
    points: usize,
    /// How many kills these points stand for.
    kills: usize,
    calls: usize,
    took: Duration,
    broken: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.points += other.points;
        self.kills += other.kills;
        self.calls += other.calls;
        self.took += other.took;
        self.broken.extend(other.broken);
    }
}

#[test]
fn whoever_pulls_the_plug_wherever_nothing_is_left() {
    let begun = Instant::now();
    let cases = Case::all();
    let columns = cases.iter().flat_map(|case| Column::ALL.map(|column| (case.clone(), column)));
    let (waiting, tallies) = (Mutex::new(columns.collect::<VecDeque<_>>()), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((case, column)) = take(&waiting) {
                    let tally = tried(&case, column);
                    let mut tallies = tallies.lock().expect("no panic while it is held");
                    tallies.entry(case.name.clone()).or_insert_with(Tally::default).add(tally);
                }
            });
        }
    });
    let tallies = tallies.into_inner().expect("no panic while it was held");
    tell(&tallies, begun.elapsed());
    let broken: Vec<&String> = tallies.values().flat_map(|tally| &tally.broken).collect();
    assert!(broken.is_empty(), "{} points or more are broken:\n{broken:#?}", broken.len());
    assert_eq!(tallies.len(), cases.len());
}

fn take<T>(waiting: &Mutex<VecDeque<T>>) -> Option<T> {
    waiting.lock().expect("no panic while it is held").pop_front()
}

/// Every point of one column, one after the other over one stand-in, until a life outlives its kill.
fn tried(case: &Case, column: Column) -> Tally {
    let begun = Instant::now();
    let mut tally = simulated(async {
        let mut tally = Tally::default();
        let mut ground = Ground::of(case).await;
        for number in 1.. {
            let (point, tried) = (column.at(number), column.at(number).try_on(&mut ground).await);
            tally.calls += ground.calls();
            match tried {
                Ok(None) => tally.points += 1,
                Ok(Some(calls)) => {
                    tally.kills = calls;
                    break;
                }
                Err(why) => {
                    tally.points += 1;
                    tally.broken.push(format!("{}, {point}: {why}", case.name));
                    if tally.broken.len() >= TOLD {
                        break;
                    }
                    ground = Ground::of(case).await;
                }
            }
        }
        tally
    });
    tally.took = begun.elapsed();
    tally
}

/// Runs on a clock that stands still but for who waits.
pub fn simulated<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

/// Past the test harness, which keeps what a test prints that goes well.
fn tell(tallies: &BTreeMap<String, Tally>, took: Duration) {
    let mut all = Tally::default();
    let mut text = String::from("\nthe kill matrix:\n");
    let mut line = |name: &str, tally: &Tally, seconds: f64| {
        text += &format!(
            "  {name:36} {:6} points {:6} kills {:8} calls {seconds:7.1} s\n",
            tally.points, tally.kills, tally.calls
        );
    };
    for (name, tally) in tallies {
        line(name, tally, tally.took.as_secs_f64());
        all.points += tally.points;
        all.kills += tally.kills;
        all.calls += tally.calls;
    }
    line("in all", &all, took.as_secs_f64());
    std::io::stderr().write_all(text.as_bytes()).expect("stderr");
}
