//! The times of documents as a file has them.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use demo_formats::schema::FieldPath;
use demo_workload::field_at;

/// Documents that are offered at the distances of their own times.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Microseconds from the first, each no earlier than the one before.
    at: Arc<[u64]>,
}

/// A number is of the first of these units in which it is no later than this: a moment in the year 5138 in seconds.
const LATEST: i128 = 100_000_000_000;
/// How many of a unit are a second.
const UNITS: [i128; 4] = [1, 1_000, 1_000_000, 1_000_000_000];
const MICROS: i128 = 1_000_000;

impl Replay {
    /// Of the documents of a run that is recorded, whose times are in its file alone.
    pub(in crate::spec) fn recorded() -> Self {
        Self { at: Arc::new([]) }
    }

    /// Of the documents' own times, in microseconds, so many times as fast. What is earlier than the document before it is
    /// offered together with that.
    pub(in crate::spec) fn new(times: &[i64], speedup: f64) -> Self {
        let first = times.first().copied().unwrap_or_default();
        let mut latest = 0;
        let at = times.iter().map(|time| {
            latest = latest.max((time.saturating_sub(first) as f64 / speedup) as u64);
            latest
        });
        Self { at: at.collect() }
    }

    pub(super) fn documents(&self) -> u64 {
        self.at.len() as u64
    }

    /// Until the last document.
    pub(super) fn duration(&self) -> Duration {
        Duration::from_micros(self.at.last().copied().unwrap_or_default())
    }

    /// The most documents of any second, and of as much time as it lasts if that is less.
    pub(super) fn peak(&self) -> f64 {
        let mut first = 0;
        let most = self.at.iter().enumerate().map(|(last, at)| {
            while at - self.at[first] >= MICROS as u64 {
                first += 1;
            }
            last - first + 1
        });
        most.max().unwrap_or_default() as f64
    }

    /// Documents a second over all of its time; all at once counts as within a second.
    pub(super) fn mean(&self) -> f64 {
        self.at.len() as f64 / self.duration().as_secs_f64().max(1.0)
    }

    pub(super) fn time_of(&self, documents: f64) -> Duration {
        let index = (documents as usize).min(self.at.len().saturating_sub(1));
        Duration::from_micros(self.at.get(index).copied().unwrap_or_default())
    }

    /// One less than are due: document 0 is due at once.
    pub(super) fn documents_until(&self, elapsed: Duration) -> f64 {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.at.partition_point(|at| *at <= micros).saturating_sub(1) as f64
    }
}

/// When a document happened, in microseconds since the epoch.
///
/// # Errors
/// Why that is not known.
pub(in crate::spec) fn time_in(document: &[u8], field: &FieldPath) -> Result<i64, String> {
    let value = field_at(document, field).map_err(|error| format!("is not one JSON object: {error}"))?;
    let Some(value) = value else { return Err(format!("has no `{field}`")) };
    let refused = || format!("has {value} as `{field}`, which is neither RFC 3339 nor a number since 1970");
    let micros = match serde_json::from_str(value).map_err(|_| refused())? {
        serde_json::Value::String(text) => DateTime::parse_from_rfc3339(&text).ok().map(|at| at.timestamp_micros()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => of_whole(whole),
            None => number.as_f64().filter(|seconds| seconds.abs() <= LATEST as f64).map(|s| (s * 1e6) as i64),
        },
        _ => None,
    };
    micros.ok_or_else(refused)
}

fn of_whole(number: i64) -> Option<i64> {
    let number = i128::from(number);
    let unit = UNITS.into_iter().find(|unit| number.abs() <= LATEST * unit)?;
    i64::try_from(number * MICROS / unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: &[f64], speedup: f64) -> Replay {
        Replay::new(&seconds.iter().map(|s| (s * 1e6) as i64).collect::<Vec<_>>(), speedup)
    }

    #[test]
    fn documents_keep_their_distances_and_no_time_goes_backwards() {
        let replay = of(&[100.0, 101.0, 100.5, 104.0], 2.0);
        let times = [0.0, 1.0, 2.0, 3.0].map(|n| replay.time_of(n).as_millis());
        assert_eq!(times, [0, 500, 500, 2_000]);
        assert_eq!((replay.documents(), replay.duration()), (4, Duration::from_secs(2)));
        let due = |ms| replay.documents_until(Duration::from_millis(ms));
        assert_eq!([0, 499, 500, 1_999, 9_000].map(due), [0.0, 0.0, 2.0, 2.0, 3.0]);
        assert_eq!((replay.peak(), replay.mean()), (3.0, 2.0));
        assert_eq!((of(&[5.0; 7], 1.0).peak(), of(&[5.0; 7], 1.0).mean()), (7.0, 7.0));
    }

    #[test]
    fn a_time_is_a_text_or_a_number_of_any_usual_unit() {
        let time = |json: &str| {
            let field = FieldPath(vec!["at".into(), "time".into()]);
            time_in(format!("{{\"at\":{{\"time\":{json}}}}}").as_bytes(), &field)
        };
        let same = [
            "\"2026-11-29T21:17:38.5Z\"",
            "\"2026-11-29T22:17:38.500+01:00\"",
            "1795987058.5",
            "1795987058500",
            "1795987058500000",
            "1795987058500000000",
        ];
        for json in same {
            assert_eq!(time(json), Ok(1_795_987_058_500_000), "{json}");
        }
        assert_eq!(time("1795987058"), Ok(1_795_987_058_000_000));
        for wrong in ["\"yesterday\"", "null", "true", "{}", "1e300"] {
            let said = time(wrong).expect_err(wrong);
            assert!(said.contains("which is neither RFC 3339 nor a number since 1970"), "{said}");
        }
        assert_eq!(time_in(b"{}", &FieldPath(vec!["at".into()])), Err("has no `at`".to_owned()));
    }
}
