//! What a run's rows say over time, as lines to draw.

use super::plot::Line;
use crate::{
    load::LoadSecond,
    report::second::{DestinationSecond, Second, Usage},
};

/// Points that a line has at most: more would only make the page larger.
const POINTS: usize = 600;

/// How several rows become one point.
#[derive(Clone, Copy)]
enum Fold {
    Mean,
    Max,
}

/// What the schedule had, what was offered, and what was acknowledged, in documents a second.
pub(super) fn rates(rows: &[Second]) -> Vec<Line> {
    let rate = |of: fn(&LoadSecond) -> Option<u64>| {
        move |row: &Second| {
            let load = row.load.as_ref().filter(|load| load.seconds > 0.0)?;
            Some(of(load)? as f64 / load.seconds)
        }
    };
    vec![
        Line { is_wide: true, ..line("schedule", rows, Fold::Mean, rate(|load| load.scheduled)) },
        line("offered", rows, Fold::Mean, rate(|load| Some(load.offered))),
        line("acknowledged", rows, Fold::Mean, rate(|load| Some(load.acknowledged))),
    ]
}

/// Both latencies, in milliseconds.
pub(super) fn latencies(rows: &[Second]) -> Vec<Line> {
    let of = |value: fn(&LoadSecond) -> Option<f64>| move |row: &Second| row.load.as_ref().and_then(value);
    vec![
        line("p50 from the intended time", rows, Fold::Max, of(|load| Some(load.ack_latency_ms?.p50))),
        line("p99 from the intended time", rows, Fold::Max, of(|load| Some(load.ack_latency_ms?.p99))),
        line("p50 of the service", rows, Fold::Max, of(|load| Some(load.service_ms?.p50))),
        line("p99 of the service", rows, Fold::Max, of(|load| Some(load.service_ms?.p99))),
    ]
}

/// What had to be sent again, a second; nothing where nothing had.
pub(super) fn retries(rows: &[Second]) -> Vec<Line> {
    let loads = || rows.iter().filter_map(|row| row.load.as_ref());
    if loads().all(|load| load.retried == 0 && load.failed == 0) {
        return Vec::new();
    }
    let of = |value: fn(&LoadSecond) -> u64| move |row: &Second| row.load.as_ref().map(|load| value(load) as f64);
    vec![
        line("retried", rows, Fold::Max, of(|load| load.retried)),
        line("throttled", rows, Fold::Max, of(|load| load.throttled)),
        line("failed", rows, Fold::Max, of(|load| load.failed)),
    ]
}

/// Documents that have not ended.
pub(super) fn in_flight(rows: &[Second]) -> Vec<Line> {
    vec![line("in flight", rows, Fold::Max, |row| row.load.as_ref().map(|load| load.in_flight as f64))]
}

/// Documents that each destination lacks while it is searched; nothing where all were there at once.
pub(super) fn behind(rows: &[Second]) -> Vec<Line> {
    if rows.iter().flat_map(|row| &row.destinations).all(|destination| destination.behind.unwrap_or(0) == 0) {
        return Vec::new();
    }
    of_destinations(rows, |destination| destination.behind.map(|behind| behind as f64))
}

/// How long the tracked documents took until they could be read, in milliseconds.
pub(super) fn freshness(rows: &[Second]) -> Vec<Line> {
    of_destinations(rows, |destination| destination.freshness_ms)
}

/// Processors in use.
pub(super) fn processors(rows: &[Second]) -> Vec<Line> {
    of_processes(rows, |usage| usage.cpu)
}

/// Bytes of memory in use.
pub(super) fn memory(rows: &[Second]) -> Vec<Line> {
    of_processes(rows, |usage| usage.memory as f64)
}

fn of_destinations(rows: &[Second], value: fn(&DestinationSecond) -> Option<f64>) -> Vec<Line> {
    let mut names: Vec<&str> = Vec::new();
    for destination in rows.iter().flat_map(|row| &row.destinations) {
        if value(destination).is_some() && !names.contains(&destination.name.as_str()) {
            names.push(&destination.name);
        }
    }
    let of = |name: &str| {
        line(name, rows, Fold::Max, |row| {
            row.destinations.iter().find(|destination| destination.name == name).and_then(value)
        })
    };
    names.into_iter().map(of).collect()
}

fn of_processes(rows: &[Second], value: fn(&Usage) -> f64) -> Vec<Line> {
    vec![
        line("demo", rows, Fold::Mean, |row| row.demo.as_ref().map(value)),
        line("stand-in", rows, Fold::Mean, |row| row.stand_in.as_ref().map(value)),
    ]
    .into_iter()
    .filter(|line| !line.pieces.is_empty())
    .collect()
}

/// A line of one value of each row; a row without it is a gap.
fn line(name: &str, rows: &[Second], fold: Fold, value: impl Fn(&Second) -> Option<f64>) -> Line {
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut is_gap = true;
    for together in rows.chunks(rows.len().div_ceil(POINTS).max(1)) {
        let values: Vec<f64> = together.iter().filter_map(&value).collect();
        let at = together.last().map_or(0.0, |row| row.at);
        let folded = match fold {
            _ if values.is_empty() => {
                is_gap = true;
                continue;
            }
            Fold::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Fold::Max => values.iter().copied().fold(0.0, f64::max),
        };
        if std::mem::take(&mut is_gap) {
            pieces.push(Vec::new());
        }
        pieces.last_mut().expect("a piece was begun").push((at, folded));
    }
    Line { name: name.to_owned(), is_wide: false, pieces }
}

/// Documents that each shard acknowledged and times that it wanted a record later, the busiest first.
pub(super) fn shards(rows: &[Second]) -> Vec<(String, u64, u64)> {
    let mut all: Vec<(String, u64, u64)> = Vec::new();
    for shards in rows.iter().filter_map(|row| row.load.as_ref()).map(|load| &load.shards) {
        all.extend(shards.first_seen.iter().map(|id| (id.clone(), 0, 0)));
        for (shard, documents) in all.iter_mut().zip(&shards.acknowledged) {
            shard.1 += documents;
        }
        for (shard, times) in all.iter_mut().zip(&shards.throttled) {
            shard.2 += times;
        }
    }
    all.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_value_is_a_gap_and_many_rows_are_one_point() {
        let row = |at: usize, cpu: Option<f64>| Second {
            at: at as f64,
            demo: cpu.map(|cpu| Usage { cpu, memory: 1 }),
            ..Second::default()
        };
        let rows = [row(1, Some(1.0)), row(2, None), row(3, Some(2.0)), row(4, Some(3.0))];
        assert_eq!(processors(&rows)[0].pieces, [vec![(1.0, 1.0)], vec![(3.0, 2.0), (4.0, 3.0)]]);
        let rows: Vec<Second> = (0..3_600).map(|at| row(at, Some(1.0))).collect();
        assert_eq!(processors(&rows)[0].pieces[0].len(), POINTS);
    }
}
