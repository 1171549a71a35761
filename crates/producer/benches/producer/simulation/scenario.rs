//! A producer that is given records as fast as it takes them, before a stream in simulated time.

use std::{collections::HashMap, time::Duration};

use kinesis_producer::{Producer, Snapshot};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use super::model::{Model, Tally};
use crate::stream_model::{Counting, Throughput};

/// How partition keys are spread.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Each record has another one.
    Uniform,
    /// So many keys, the k-th 1/k as often as the first.
    Zipf(usize),
}

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub shards: usize,
    pub counting: Counting,
    /// The part of each shard's capacity that nobody else takes.
    pub left: f64,
    pub is_map_known: bool,
    pub keys: Keys,
    pub record_bytes: usize,
    /// Records that the producer may have taken and not ended.
    pub in_flight: usize,
    /// Simulated seconds before it is looked at.
    pub warm_up: usize,
    /// Simulated seconds that it is looked at.
    pub seconds: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub metrics: Snapshot,
    /// The part of the capacity, of records or of bytes, whichever is used more, over the seconds that were looked at.
    pub used: f64,
    /// The part of all that arrived over those seconds that was refused.
    pub throttled: f64,
    pub lost: u64,
    pub doubled: u64,
    /// Whether the first of the keys that the producer names as hot is the one that most records had.
    pub is_hottest_named: bool,
}

impl Scenario {
    /// In simulated time, so that one thread does for any number of shards.
    pub fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.drive())
    }

    async fn drive(&self) -> Outcome {
        let model = Model::new(self.shards, self.counting, Throughput::SHARD.part(self.left), self.is_map_known);
        let producer = Producer::with_transport(model.clone()).max_in_flight_records(self.in_flight).build().await;
        let producer = producer.expect("settings that make sense");
        let carried = self.offer(&producer).await;
        let named = producer.hot_keys().into_iter().next().map(|hot| hot.partition_key);
        let metrics = producer.close(Duration::from_secs(3_600)).await.metrics;
        let (lost, doubled) = model.lost_and_doubled(carried.values().sum());
        let looked_at = &model.seconds()[self.warm_up..self.warm_up + self.seconds];
        let (used, throttled) = self.rates(looked_at);
        let is_hottest_named = named.is_some() && named == hottest(carried);
        Outcome { metrics, used, throttled, lost, doubled, is_hottest_named }
    }

    /// Puts as fast as the producer takes. Returns how many records each key had.
    async fn offer(&self, producer: &Producer) -> HashMap<String, u64> {
        let end = Instant::now() + Duration::from_secs((self.warm_up + self.seconds) as u64);
        let (mut keys, mut carried) = (self.keys.stream(), HashMap::new());
        for number in 0.. {
            if Instant::now() >= end {
                break;
            }
            let key = keys();
            *carried.entry(key.clone()).or_default() += 1;
            producer.put(Model::record(number, self.record_bytes, key)).await.expect("taken");
        }
        carried
    }

    fn rates(&self, seconds: &[Tally]) -> (f64, f64) {
        let sum = |of: fn(&Tally) -> u64| seconds.iter().map(of).sum::<u64>() as f64;
        let (accepted, refused) = (sum(|tally| tally.accepted), sum(|tally| tally.refused));
        let capacity = Throughput::SHARD.part(self.left * (self.shards * seconds.len()) as f64);
        let used = (accepted / capacity.records).max(sum(|tally| tally.accepted_bytes) / capacity.bytes);
        (used, refused / (accepted + refused))
    }
}

impl Keys {
    fn stream(self) -> Box<dyn FnMut() -> String> {
        let mut rng = StdRng::seed_from_u64(1);
        match self {
            Self::Uniform => Box::new(move || format!("{:016x}", rng.random::<u64>())),
            Self::Zipf(keys) => {
                let sums: Vec<f64> = (1..=keys)
                    .scan(0.0, |sum, rank| {
                        *sum += 1.0 / rank as f64;
                        Some(*sum)
                    })
                    .collect();
                let all = sums[keys - 1];
                Box::new(move || {
                    let at = rng.random_range(0.0..all);
                    format!("customer-{}", sums.partition_point(|sum| *sum < at) + 1)
                })
            }
        }
    }
}

fn hottest(carried: HashMap<String, u64>) -> Option<String> {
    carried.into_iter().max_by_key(|(_, records)| *records).map(|(key, _)| key)
}
