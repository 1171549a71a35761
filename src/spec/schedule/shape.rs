//! How a rate goes, and its integral; all rates are in documents a second, all times in seconds.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::exact;

/// As many as halve a hundred years to a nanosecond.
const STEPS: usize = 62;
/// Well below a nanosecond, in seconds.
const NEAR: f64 = 1e-11;

/// How a rate goes while a stage lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// In a straight line, or level.
    Ramp {
        /// At the beginning.
        #[serde(with = "exact")]
        from: f64,
        /// At the end.
        #[serde(with = "exact")]
        to: f64,
    },
    /// Up in a straight line for half of the time, and down again.
    Spike {
        /// At both ends.
        #[serde(with = "exact")]
        base: f64,
        /// In the middle.
        #[serde(with = "exact")]
        peak: f64,
    },
    /// Up and down again and again.
    Wave(Wave),
}

/// A rate that swings as a sine does, from its low.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// The lowest rate.
    #[serde(with = "exact")]
    pub low: f64,
    /// The highest.
    #[serde(with = "exact")]
    pub high: f64,
    /// From low to low.
    #[serde(with = "exact")]
    pub period: f64,
}

impl Shape {
    /// The highest rate in its first so many seconds of those that it lasts.
    pub(super) fn peak(self, seconds: f64, lasts: f64) -> f64 {
        match self {
            Self::Ramp { from, to } => from.max(from + (to - from) * (seconds / lasts).min(1.0)),
            Self::Spike { base, peak } => base.max(base + (peak - base) * (seconds / (lasts / 2.0)).min(1.0)),
            Self::Wave(wave) => wave.rate(seconds.min(wave.period / 2.0)),
        }
    }

    /// Its rate when it ends.
    pub fn last(self, lasts: f64) -> f64 {
        match self {
            Self::Ramp { to, .. } => to,
            Self::Spike { base, .. } => base,
            Self::Wave(wave) => wave.rate(lasts),
        }
    }

    /// Documents in its first so many seconds of those that it lasts.
    pub(super) fn integral(self, seconds: f64, lasts: f64) -> f64 {
        match self {
            Self::Ramp { from, to } if from == to => from * seconds,
            Self::Ramp { from, to } => from * seconds + (to - from) / lasts * seconds * seconds / 2.0,
            Self::Spike { base, peak } => {
                let half = lasts / 2.0;
                let rising = Self::Ramp { from: base, to: peak };
                match seconds <= half {
                    true => rising.integral(seconds, half),
                    false => {
                        rising.integral(half, half) + Self::Ramp { from: peak, to: base }.integral(seconds - half, half)
                    }
                }
            }
            Self::Wave(wave) => wave.integral(seconds),
        }
    }

    /// The seconds after which it has so many documents, at most those that it lasts.
    pub(super) fn time_of(self, documents: f64, lasts: f64) -> f64 {
        match self {
            Self::Ramp { from, to } if from == to => {
                if from > 0.0 {
                    documents / from
                } else {
                    lasts
                }
            }
            Self::Ramp { from, to } => {
                let rate = (from * from + 2.0 * (to - from) / lasts * documents).max(0.0).sqrt();
                if documents > 0.0 { (2.0 * documents / (from + rate)).min(lasts) } else { 0.0 }
            }
            Self::Spike { base, peak } => {
                let half = lasts / 2.0;
                let rising = Self::Ramp { from: base, to: peak };
                let risen = rising.integral(half, half);
                match documents <= risen {
                    true => rising.time_of(documents, half),
                    false => half + Self::Ramp { from: peak, to: base }.time_of(documents - risen, half),
                }
            }
            Self::Wave(wave) => wave.time_of(documents, lasts),
        }
    }
}

impl Wave {
    fn rate(self, seconds: f64) -> f64 {
        f64::midpoint(self.low, self.high) - (self.high - self.low) / 2.0 * (TAU * seconds / self.period).cos()
    }

    fn integral(self, seconds: f64) -> f64 {
        let swing = (self.high - self.low) / 2.0 * self.period / TAU;
        f64::midpoint(self.low, self.high) * seconds - swing * (TAU * seconds / self.period).sin()
    }

    /// A line and a sine cannot be solved for the time: Newton's steps, kept between what is too early and what is too late.
    fn time_of(self, documents: f64, lasts: f64) -> f64 {
        let (mut early, mut late) = (0.0, lasts);
        let mut seconds = documents / f64::midpoint(self.low, self.high);
        for _ in 0..STEPS {
            let over = self.integral(seconds) - documents;
            match over > 0.0 {
                true => late = seconds.min(late),
                false => early = seconds.max(early),
            }
            let next = seconds - over / self.rate(seconds);
            // Where the rate is nearly zero, a step leads anywhere, or nowhere.
            let next = if next > early && next < late { next } else { f64::midpoint(early, late) };
            if (next - seconds).abs() < NEAR {
                return next;
            }
            seconds = next;
        }
        seconds
    }
}
