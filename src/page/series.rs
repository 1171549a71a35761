//! The course of a run in a bounded number of points.

use serde::Serialize;

use crate::load::LoadSecond;

/// Points of a whole run, however long it is: a screen has no more columns for a plot.
const MOST: usize = 600;
/// The last row of a load may be too short to have a rate; it is a part of the point before.
const SHORT: f64 = 0.5;

/// What a load did in some time. Rates are by the second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Point {
    /// Its end, in seconds since the load began.
    pub(super) at: f64,
    /// How long it was.
    pub(super) seconds: f64,
    pub(super) scheduled: Option<f64>,
    pub(super) offered: f64,
    pub(super) acknowledged: f64,
    pub(super) bytes: f64,
    pub(super) retried: f64,
    pub(super) throttled: f64,
    pub(super) failed: f64,
    /// Documents a second that the open shards take, by what a document has on average.
    pub(super) capacity: Option<f64>,
    /// Milliseconds; of several rows the highest.
    pub(super) p50: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p99: Option<f64>,
}

impl Point {
    pub(super) fn of(load: &LoadSecond, capacity: Option<f64>) -> Self {
        let seconds = if load.seconds > 0.0 { load.seconds } else { 1.0 };
        let rate = |count: u64| count as f64 / seconds;
        let latency = load.ack_latency_ms;
        Self {
            at: load.at,
            seconds,
            scheduled: load.scheduled.map(rate),
            offered: rate(load.offered),
            acknowledged: rate(load.acknowledged),
            bytes: rate(load.bytes),
            retried: rate(load.retried),
            throttled: rate(load.throttled),
            failed: rate(load.failed),
            capacity,
            p50: latency.map(|ms| ms.p50),
            p90: latency.map(|ms| ms.p90),
            p99: latency.map(|ms| ms.p99),
        }
    }

    /// One point for both, of which the other is the later.
    fn with(&self, other: &Self) -> Self {
        let seconds = self.seconds + other.seconds;
        let mean = |of: fn(&Self) -> f64| (of(self) * self.seconds + of(other) * other.seconds) / seconds;
        let highest = |of: fn(&Self) -> Option<f64>| match (of(self), of(other)) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let scheduled = self.scheduled.zip(other.scheduled);
        Self {
            at: other.at,
            seconds,
            scheduled: scheduled.map(|(a, b)| (a * self.seconds + b * other.seconds) / seconds),
            offered: mean(|point| point.offered),
            acknowledged: mean(|point| point.acknowledged),
            bytes: mean(|point| point.bytes),
            retried: mean(|point| point.retried),
            throttled: mean(|point| point.throttled),
            failed: mean(|point| point.failed),
            capacity: other.capacity.or(self.capacity),
            p50: highest(|point| point.p50),
            p90: highest(|point| point.p90),
            p99: highest(|point| point.p99),
        }
    }
}

/// Points in the order of their times; `series.js` keeps them in the same way.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Series(Vec<Point>);

impl Series {
    pub(super) fn push(&mut self, point: Point) {
        match self.0.last_mut() {
            Some(last) if point.seconds < SHORT => *last = last.with(&point),
            _ => self.0.push(point),
        }
        if self.0.len() > MOST {
            self.0 = self.0.chunks(2).map(|pair| pair.get(1).map_or(pair[0].clone(), |b| pair[0].with(b))).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: f64, seconds: f64, acknowledged: u64) -> Point {
        Point::of(&LoadSecond { at, seconds, acknowledged, offered: acknowledged, ..LoadSecond::default() }, None)
    }

    #[test]
    fn a_day_has_few_points_and_all_its_documents() {
        let mut series = Series::default();
        for at in 1..=86_400_u64 {
            series.push(point(at as f64, 1.0, at % 7));
        }
        let (points, sent) = (&series.0, (1..=86_400_u64).map(|at| at % 7).sum::<u64>() as f64);
        assert!((MOST / 2..=MOST).contains(&points.len()), "{}", points.len());
        let counted: f64 = points.iter().map(|point| point.acknowledged * point.seconds).sum();
        assert!((counted - sent).abs() < 1e-3, "{counted}, sent {sent}");
        assert!(points.is_sorted_by(|a, b| a.at < b.at) && points.last().expect("a point").at == 86_400.0);
    }

    #[test]
    fn a_moment_at_the_end_is_no_peak() {
        let mut series = Series::default();
        series.push(point(1.0, 1.0, 100));
        series.push(point(1.01, 0.01, 50));
        assert_eq!(series.0.len(), 1);
        assert!((series.0[0].acknowledged - 150.0 / 1.01).abs() < 1e-9, "{series:?}");
    }
}
