//! What a load came to.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kinesis_producer::Snapshot;
use serde::{Deserialize, Serialize};

use super::{Done, HotDocuments, HotKey, Imbalance, Percentiles, ShardCount, collect::Collected};

/// The result of a load. `offered` = `acknowledged` + `failed`; what the producer was to refuse is in neither.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadResult {
    /// Documents that the producer took.
    pub offered: u64,
    /// Documents that the service acknowledged.
    pub acknowledged: u64,
    /// Documents that ended with an error.
    pub failed: u64,
    /// Documents too long on purpose, which the producer did not take.
    pub refused: u64,
    /// The first few different reasons.
    pub failures: Vec<Failure>,
    /// Documents sent again, counted each time.
    pub retried: u64,
    /// How many of those a shard throttled.
    pub throttled: u64,
    /// Partition keys that slowed the load, the hottest first.
    pub hot_keys: Vec<HotKey>,
    /// What each shard got, in the order of their first documents.
    pub shards: Vec<ShardCount>,
    /// How unevenly the shards got them; `None` when nothing was acknowledged, and of a stream that was resharded.
    pub imbalance: Option<Imbalance>,
    /// Whether the stream was resharded, as far as actions and the shards that got documents say.
    pub resharded: bool,
    /// The latency of documents with a hot key, as `latency_us`; `None` where none was acknowledged.
    #[serde(with = "super::latency::optional")]
    pub hot_latency_us: Option<Histogram<u64>>,
    /// What was done to the load while it went on.
    pub actions: Vec<Done>,
    /// The most duplicates that the stream can have.
    pub possible_duplicates: u64,
    /// Bytes of the acknowledged documents.
    pub bytes: u64,
    /// From the start to the last acknowledgement.
    pub seconds: f64,
    /// Acknowledged documents a second.
    pub records_per_second: f64,
    /// Documents a second that were to be sent, with what was done by hand; `None` for as many as possible.
    pub asked_per_second: Option<f64>,
    /// Bytes of acknowledged documents a second.
    pub bytes_per_second: f64,
    /// Microseconds from the intended send time to the acknowledgement, three digits, at most an hour.
    #[serde(with = "super::latency::whole")]
    pub latency_us: Histogram<u64>,
    /// The longest delay of a document behind its intended send time, in seconds.
    pub late: f64,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// Whether it stopped because no more documents could arrive, or none did for `give_up`: `failures` says why.
    pub gave_up: bool,
}

/// Why documents failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason.
    pub reason: String,
    /// How many documents.
    pub count: u64,
    /// The number in the run of the first.
    pub first: u64,
}

impl LoadResult {
    /// From the intended send time to the acknowledgement; `None` when nothing was acknowledged.
    pub fn ack_latency_ms(&self) -> Option<Percentiles> {
        Percentiles::of(&self.latency_us)
    }

    /// What became of documents with a hot key; `None` where none was acknowledged.
    pub fn hot(&self) -> Option<HotDocuments> {
        self.hot_latency_us.as_ref().and_then(HotDocuments::of)
    }
}

impl LoadResult {
    pub(super) fn new(
        collected: Collected,
        offered: u64,
        late: Duration,
        cancelled: bool,
        started: Instant,
        (before, after): (Snapshot, Snapshot),
    ) -> Self {
        let end = collected.last_acknowledged.unwrap_or_else(Instant::now);
        let seconds = end.saturating_duration_since(started).as_secs_f64();
        let per_second = |amount: u64| if seconds > 0.0 { amount as f64 / seconds } else { 0.0 };
        Self {
            // What was refused on purpose was counted, and not taken.
            offered: offered - collected.refused,
            refused: collected.refused,
            acknowledged: collected.acknowledged,
            failed: collected.failed,
            failures: collected.failures,
            retried: after.retried - before.retried,
            throttled: after.throttled - before.throttled,
            hot_keys: Vec::new(),
            shards: collected.shards.all().to_vec(),
            imbalance: None,
            resharded: false,
            hot_latency_us: collected.hot_latency,
            actions: Vec::new(),
            possible_duplicates: after.possible_duplicates - before.possible_duplicates,
            bytes: collected.bytes,
            seconds,
            records_per_second: per_second(collected.acknowledged),
            asked_per_second: None,
            bytes_per_second: per_second(collected.bytes),
            latency_us: collected.latency,
            late: late.as_secs_f64(),
            cancelled,
            gave_up: collected.gave_up,
        }
    }
}
