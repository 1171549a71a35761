//! Latencies of a load: their percentiles, and how they travel from one process to another.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longer latencies count as an hour.
const LONGEST_LATENCY: Duration = Duration::from_secs(3600);

/// Microseconds, each with how many documents took so long; a histogram that is made of it again counts the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LatencyCounts(Vec<(u64, u64)>);

impl LatencyCounts {
    /// Of a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let counted = histogram.iter_recorded();
        Self(counted.map(|value| (value.value_iterated_to(), value.count_at_value())).collect())
    }

    /// Adds them to a histogram.
    pub fn add_to(&self, histogram: &mut Histogram<u64>) {
        self.0.iter().for_each(|(us, count)| histogram.saturating_record_n(*us, *count));
    }
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half are below.
    pub p50: f64,
    /// Nine in ten are below.
    pub p90: f64,
    /// All but one in a hundred are below.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// Documents of a load that had a hot key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HotDocuments {
    /// How many were acknowledged.
    pub documents: u64,
    /// From the intended send time to the acknowledgement.
    pub ack_latency_ms: Percentiles,
}

impl Percentiles {
    /// Of microseconds; `None` where there are none.
    pub(crate) fn of(us: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| us.value_at_quantile(quantile) as f64 / 1e3;
        (!us.is_empty()).then(|| Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) })
    }
}

impl HotDocuments {
    pub(super) fn of(us: &Histogram<u64>) -> Option<Self> {
        Some(Self { documents: us.len(), ack_latency_ms: Percentiles::of(us)? })
    }
}

/// A histogram of microseconds, to so many digits.
pub(crate) fn microseconds(digits: u8) -> Histogram<u64> {
    let longest = LONGEST_LATENCY.as_micros() as u64;
    Histogram::new_with_bounds(1, longest, digits).expect("an hour in microseconds to a few digits")
}

/// The histogram of a whole load.
pub(crate) fn of_load() -> Histogram<u64> {
    microseconds(3)
}

/// How the histogram of a whole load is written.
pub(super) mod whole {
    use super::{Deserialize, Deserializer, Histogram, LatencyCounts, Serialize, Serializer, of_load};

    pub(in crate::load) fn serialize<S: Serializer>(histogram: &Histogram<u64>, to: S) -> Result<S::Ok, S::Error> {
        LatencyCounts::of(histogram).serialize(to)
    }

    pub(in crate::load) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Histogram<u64>, D::Error> {
        let mut histogram = of_load();
        LatencyCounts::deserialize(from)?.add_to(&mut histogram);
        Ok(histogram)
    }
}

/// The same of one that may be missing.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Histogram, LatencyCounts, Serialize, Serializer, of_load};

    pub(in crate::load) fn serialize<S: Serializer>(
        histogram: &Option<Histogram<u64>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        histogram.as_ref().map(LatencyCounts::of).serialize(to)
    }

    pub(in crate::load) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Histogram<u64>>, D::Error> {
        let counts = Option::<LatencyCounts>::deserialize(from)?;
        Ok(counts.map(|counts| {
            let mut histogram = of_load();
            counts.add_to(&mut histogram);
            histogram
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_that_travelled_count_what_one_over_all_counts() {
        let mut whole = of_load();
        let mut parts = [of_load(), of_load(), of_load()];
        for number in 0..50_000_u64 {
            let us = number * number % 7_919_113 + 1;
            whole.record(us).expect("below an hour");
            parts[(number % 3) as usize].record(us).expect("below an hour");
        }
        let mut merged = of_load();
        for part in &parts {
            let text = serde_json::to_string(&LatencyCounts::of(part)).expect("JSON");
            serde_json::from_str::<LatencyCounts>(&text).expect("counts").add_to(&mut merged);
        }
        let at = |histogram: &Histogram<u64>| [0.0, 0.5, 0.9, 0.99, 0.999, 1.0].map(|q| histogram.value_at_quantile(q));
        assert_eq!((at(&merged), merged.len()), (at(&whole), whole.len()));
        assert_eq!(LatencyCounts::of(&merged), LatencyCounts::of(&whole));
    }
}
