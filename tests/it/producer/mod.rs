//! The producer over a sink whose answers are scripted.

mod aggregated;
mod faults;
mod memory;
mod ordered;
mod record_sink;
mod reshard;
mod sink;

use std::time::Duration;

use kinesis_producer::{Backoff, Builder, Pending, Producer, Record, Snapshot};
use tokio::time::timeout;

use self::sink::Sink;

/// Long enough that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

fn quick(sink: &Sink) -> Builder {
    let backoff = Backoff::default().with_initial(Duration::from_millis(2)).with_max(Duration::from_millis(10));
    Producer::with_transport(sink.clone()).backoff(backoff).linger(Duration::from_millis(1))
}

fn record(number: usize, bytes: usize) -> Record {
    let mut data = format!("{number:08}").into_bytes();
    data.resize(bytes.max(8), b'.');
    Record::new(data, format!("{}", number % 97))
}

async fn put_all(producer: &Producer, count: usize) -> Vec<Pending> {
    let mut pending = Vec::new();
    for number in 0..count {
        pending.push(timeout(PATIENCE, producer.put(record(number, 100))).await.expect("room").expect("taken"));
    }
    pending
}

fn assert_adds_up(metrics: Snapshot, acknowledged: usize, failed: usize) {
    assert_eq!(metrics.acknowledged, acknowledged as u64, "{metrics:?}");
    assert_eq!(metrics.failed, failed as u64, "{metrics:?}");
    assert_eq!(metrics.offered, (acknowledged + failed) as u64, "{metrics:?}");
    assert_eq!((metrics.in_flight_records, metrics.in_flight_bytes), (0, 0), "{metrics:?}");
}
