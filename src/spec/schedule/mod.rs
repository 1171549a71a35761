//! How many documents are offered when, known before the first one is.

mod exact;
mod replay;
mod shape;
mod timetable;
#[cfg(test)]
mod properties;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(super) use self::replay::time_in;
pub use self::{
    replay::Replay,
    shape::{Shape, Wave},
    timetable::Timetable,
};

/// When each document of a load is offered.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// An open loop: whatever the service does, each document has its time.
    Open(Timetable),
    /// A closed loop, as fast as it goes.
    Max(Length),
}

/// Records offered a second, all the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// In an open loop.
    PerSecond(f64),
    /// As many as are acknowledged, in a closed loop.
    Max,
}

/// When a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After a time.
    Duration(Duration),
    /// After a number of records.
    Records(u64),
}

/// Rates one after the other. Document n is offered when the integral of the rate reaches n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    stages: Vec<Placed>,
    documents: u64,
}

/// A stage of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// How its rate goes.
    pub shape: Shape,
    /// How long it lasts.
    pub lasts: Duration,
}

/// A stage, with what comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Placed {
    shape: Shape,
    /// In seconds.
    #[serde(with = "exact")]
    begins: f64,
    #[serde(with = "exact")]
    lasts: f64,
    /// The integral of the rate until it begins.
    #[serde(with = "exact")]
    before: f64,
}

/// Sums of rates are exact to this part of a document.
const ROUNDING: f64 = 1e-6;
/// A document later than that is never sent.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl Schedule {
    /// The same rate all the time; `None` if there is no document.
    pub fn constant(rate: Rate, length: Length) -> Option<Self> {
        match rate {
            Rate::PerSecond(rate) => Stages::constant(rate, length).map(Timetable::Stages).map(Self::Open),
            Rate::Max => Some(Self::Max(length)),
        }
    }

    /// Documents in all; `None` where they are not known before the end.
    pub fn documents(&self) -> Option<u64> {
        match self {
            Self::Open(times) => Some(times.documents()),
            Self::Max(Length::Records(records)) => Some(*records),
            Self::Max(Length::Duration(_)) => None,
        }
    }

    /// How long it takes; `None` where that is not known before the end.
    pub fn duration(&self) -> Option<Duration> {
        match self {
            Self::Open(times) => Some(times.duration()),
            Self::Max(Length::Duration(duration)) => Some(*duration),
            Self::Max(Length::Records(_)) => None,
        }
    }

    /// The highest rate, in documents a second; `None` for as fast as it goes.
    pub fn peak(&self) -> Option<f64> {
        match self {
            Self::Open(times) => Some(times.peak()),
            Self::Max(_) => None,
        }
    }

    /// The mean rate, in documents a second; `None` for as fast as it goes.
    pub fn mean(&self) -> Option<f64> {
        match self {
            Self::Open(times) => Some(times.mean()),
            Self::Max(_) => None,
        }
    }
}

impl Stages {
    /// A schedule of stages one after the other; `None` if it has no document.
    pub fn new(stages: &[Stage]) -> Option<Self> {
        let mut placed: Vec<Placed> = Vec::with_capacity(stages.len());
        let (mut begins, mut before) = (0.0, 0.0);
        for Stage { shape, lasts } in stages {
            let lasts = lasts.as_secs_f64();
            placed.push(Placed { shape: *shape, begins, lasts, before });
            begins += lasts;
            before += shape.integral(lasts, lasts);
        }
        let documents = before.round() as u64;
        (documents > 0).then_some(Self { stages: placed, documents })
    }

    /// As many documents a second all the time; `None` if there is no document.
    pub fn constant(per_second: f64, length: Length) -> Option<Self> {
        let shape = Shape::Ramp { from: per_second, to: per_second };
        match length {
            Length::Duration(lasts) => Self::new(&[Stage { shape, lasts }]),
            Length::Records(documents) => {
                let lasts = documents as f64 / per_second;
                let stages = vec![Placed { shape, begins: 0.0, lasts, before: 0.0 }];
                (documents > 0).then_some(Self { stages, documents })
            }
        }
    }

    /// This schedule until then, and from then on one rate: until the same end, or, of a load of so many records, until they
    /// are sent.
    pub(super) fn with_rate_from(self, at: Duration, rate: f64, records: Option<u64>) -> Self {
        let (at, ends) = (at.as_secs_f64(), self.seconds());
        let before = self.documents_until(Duration::from_secs_f64(at.min(ends)));
        let mut stages: Vec<Placed> = self.stages.into_iter().filter(|stage| stage.begins < at).collect();
        let lasts = match records {
            Some(records) => (records as f64 - before).max(0.0) / rate,
            None => (ends - at).max(0.0),
        };
        let shape = Shape::Ramp { from: rate, to: rate };
        stages.push(Placed { shape, begins: at.min(ends), lasts, before });
        let documents = records.unwrap_or((before + rate * lasts).round() as u64);
        Self { stages, documents: documents.max(1) }
    }

    /// Documents in all.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    fn duration(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds()).unwrap_or(FOR_EVER)
    }

    fn seconds(&self) -> f64 {
        self.stages.last().map_or(0.0, |last| last.begins + last.lasts)
    }

    fn peak(&self) -> f64 {
        self.peaks().fold(0.0, f64::max)
    }

    /// Which stage has the peak first.
    pub(super) fn highest(&self) -> usize {
        let peak = self.peak();
        self.peaks().position(|of_stage| of_stage == peak).unwrap_or_default()
    }

    /// Of each stage as far as it goes: until the next begins.
    fn peaks(&self) -> impl Iterator<Item = f64> {
        let ends = self.stages.iter().skip(1).map(|next| next.begins).chain([self.seconds()]);
        self.stages.iter().zip(ends).map(|(stage, ends)| {
            let Placed { shape, begins, lasts, .. } = *stage;
            if lasts > 0.0 { shape.peak(ends - begins, lasts) } else { 0.0 }
        })
    }

    /// Over all of its time.
    pub fn mean(&self) -> f64 {
        let last = self.stages.last().expect("a schedule has stages");
        self.documents as f64 / (last.begins + last.lasts)
    }

    /// When the integral of the rate reaches so many documents, from the start.
    pub fn time_of(&self, documents: f64) -> Duration {
        // Where nothing is sent for a while, the next document is the first after it.
        let next = self.stages.partition_point(|stage| stage.before <= documents + ROUNDING);
        let stage = &self.stages[next.saturating_sub(1)];
        let seconds = stage.begins + stage.shape.time_of((documents - stage.before).max(0.0), stage.lasts);
        Duration::try_from_secs_f64(seconds).map_or(FOR_EVER, |at| at.min(FOR_EVER))
    }

    /// The integral of the rate from the start until then, in documents.
    pub fn documents_until(&self, elapsed: Duration) -> f64 {
        let elapsed = elapsed.as_secs_f64();
        let next = self.stages.partition_point(|stage| stage.begins <= elapsed);
        let stage = &self.stages[next.saturating_sub(1)];
        stage.before + stage.shape.integral((elapsed - stage.begins).min(stage.lasts), stage.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(from: f64, to: f64, seconds: u64) -> Stage {
        Stage { shape: Shape::Ramp { from, to }, lasts: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_rate_from_some_time_on_takes_the_place_of_what_comes_after() {
        let planned = Stages::new(&[ramp(0.0, 100.0, 10), ramp(100.0, 100.0, 10)]).expect("documents");
        let changed = planned.clone().with_rate_from(Duration::from_secs(5), 20.0, None);
        assert_eq!((changed.documents(), changed.duration()), (125 + 300, Duration::from_secs(20)));
        assert_eq!([0.0, 125.0, 145.0].map(|n| changed.time_of(n)), [0, 5, 6].map(Duration::from_secs));
        assert_eq!(changed.documents_until(Duration::from_secs(5)), 125.0);
        assert_eq!((changed.peak(), planned.peak()), (50.0, 100.0), "a ramp that is cut ends below its top");
    }

    #[test]
    fn a_schedule_is_read_as_it_was_written_to_the_last_bit() {
        let wave = Shape::Wave(Wave { low: 0.1, high: 1e9 / 3.0, period: 0.7 });
        let stages = [ramp(0.0, 100.0 / 7.0, 3), Stage { shape: wave, lasts: Duration::from_millis(12_345) }];
        let stages =
            [&stages[..], &[Stage { shape: Shape::Spike { base: 1.0, peak: 2.0 / 3.0 }, ..stages[1] }]].concat();
        let stages = Stages::new(&stages).expect("documents");
        let text = serde_json::to_string(&stages).expect("JSON");
        assert_eq!(serde_json::from_str::<Stages>(&text).expect("stages"), stages, "{text}");
        assert!(serde_json::from_str::<Stages>(&text.replace("\"0.7\"", "\"x\"")).is_err());
    }

    #[test]
    fn so_many_records_are_sent_sooner_at_a_higher_rate() {
        let planned = Stages::constant(10.0, Length::Records(200)).expect("documents");
        let changed = planned.with_rate_from(Duration::from_secs(10), 50.0, Some(200));
        assert_eq!((changed.documents(), changed.duration()), (200, Duration::from_secs(12)));
        assert_eq!(changed.time_of(150.0), Duration::from_secs(11));
        assert_eq!(changed.highest(), 1);
    }
}
