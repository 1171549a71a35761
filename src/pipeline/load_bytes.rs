//! What the stand-in stores of a load on this machine's disk: every record in its stream, and what each delivery writes.

use crate::{
    deliveries::{self, usage::Sent},
    spec::Stack,
};

/// Bytes that a load of known size stores, at least.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBytes {
    /// Documents that it sends.
    pub documents: f64,
    /// The mean length of one.
    pub mean_bytes: f64,
    /// Where they are stored, and how many bytes.
    pub places: Vec<(&'static str, f64)>,
}

impl LoadBytes {
    /// In all places together.
    pub fn total(&self) -> f64 {
        self.places.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Of one of so many workers.
    pub fn share(self, workers: u32) -> Self {
        let workers = f64::from(workers);
        let places = self.places.into_iter().map(|(place, bytes)| (place, bytes / workers)).collect();
        Self { documents: self.documents / workers, places, ..self }
    }
}

/// What a stack's load stores, its documents being `mean_bytes` long; none where nothing says how many it sends.
pub fn of_load(stack: &Stack, mean_bytes: f64) -> Option<LoadBytes> {
    let schedule = &stack.load.schedule;
    let by_time = || Some(schedule.mean()? * schedule.duration()?.as_secs_f64());
    let documents = schedule.documents().map(|documents| documents as f64).or_else(by_time)?;
    let sent = Sent { documents, mean_bytes };
    // The stream forgets what is older than its retention.
    let seconds = schedule.mean().map_or(0.0, |rate| documents / rate);
    let retained = (stack.stream.retention.as_secs_f64() / seconds).min(1.0);
    let deliveries = deliveries::of(&stack.deliver);
    let delivered = deliveries.iter().map(|delivery| (delivery.destination().name, delivery.stored(sent)));
    let places = [("the stream", sent.bytes() * retained)].into_iter().chain(delivered).collect();
    Some(LoadBytes { documents, mean_bytes, places })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn load(file: &str, sets: &[&str]) -> Option<LoadBytes> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let checked = spec::read(file.as_ref(), &[], &sets).unwrap_or_else(|errors| panic!("{errors}"));
        of_load(&checked.stack, 1_000.0)
    }

    #[test]
    fn a_load_is_stored_in_the_stream_and_in_every_destination() {
        let sets = ["load={rate: 100/s, records: 1000000}", "load.duration=null"];
        let all = load("stacks/store-sales-everything.yaml", &sets).expect("a number of documents");
        let names: Vec<&str> = all.places.iter().map(|(place, _)| *place).collect();
        assert_eq!(names, ["the stream", "S3", "Redshift", "DynamoDB"]);
        assert_eq!((all.documents, all.places[0].1), (1e6, 1e9));
        assert!(all.places.iter().all(|(_, bytes)| *bytes > 0.0) && all.total() > 2e9, "{all:?}");
        let share = all.clone().share(4);
        assert_eq!((share.documents, share.total()), (250_000.0, all.total() / 4.0));
        let plain = load("stacks/store-sales-s3.yaml", &[&sets[..], &["deliver.s3.compression=none"]].concat());
        assert_eq!(plain.expect("a number of documents").places[1], ("S3", 1e9));
    }

    #[test]
    fn a_stream_forgets_and_an_endless_load_is_not_predicted() {
        let two_days = load("stacks/stream-only.yaml", &["load={rate: 100/s, duration: 48h, records: null}"]);
        let two_days = two_days.expect("a number of documents");
        assert_eq!((two_days.documents, two_days.total()), (100.0 * 172_800.0, 100.0 * 86_400.0 * 1_000.0));
        assert_eq!(load("stacks/stream-only.yaml", &["load={rate: max, duration: 10s, records: null}"]), None);
    }
}
