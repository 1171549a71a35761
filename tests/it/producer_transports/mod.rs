//! The producer by each of its transports over real sockets: what holds of one has to hold of all.

mod closing;
mod distribution;
mod facade;
mod faults;
mod kinesis;
mod stand_in;

use std::time::Duration;

use aws_config::SdkConfig;
use kinesis_producer::{Backoff, Builder, Pending, Producer, Record, Snapshot, TransportKind};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const STREAM: &str = "orders";
const KINDS: [TransportKind; 3] = [TransportKind::Json, TransportKind::Cbor, TransportKind::Sdk];

fn quick(config: &SdkConfig, kind: TransportKind) -> Builder {
    let backoff = Backoff::default().with_initial(Duration::from_millis(2)).with_max(Duration::from_millis(20));
    Producer::builder(config, STREAM).transport(kind).backoff(backoff).linger(Duration::from_millis(2))
}

/// Its first eight bytes are its name; every third names its place among the hash keys.
fn record(number: usize) -> Record {
    let record = Record::new(format!("{number:08}\"\\\n{}", ".".repeat(number % 90)), format!("ключ-{}", number % 97));
    match number % 3 {
        0 => record.with_explicit_hash_key(u128::MAX / 97 * (number as u128 % 97)),
        _ => record,
    }
}

async fn put_all(producer: &Producer, numbers: impl IntoIterator<Item = usize>) -> Vec<Pending> {
    let mut pending = Vec::new();
    for number in numbers {
        pending.push(timeout(PATIENCE, producer.put(record(number))).await.expect("room").expect("taken"));
    }
    pending
}

fn assert_adds_up(metrics: Snapshot, acknowledged: usize, failed: usize) {
    assert_eq!((metrics.acknowledged, metrics.failed), (acknowledged as u64, failed as u64), "{metrics:?}");
    assert_eq!(metrics.offered, (acknowledged + failed) as u64, "{metrics:?}");
    assert_eq!((metrics.in_flight_records, metrics.in_flight_bytes), (0, 0), "{metrics:?}");
}
