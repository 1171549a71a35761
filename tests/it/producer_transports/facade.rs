//! The counts as the `metrics` facade has them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kinesis_producer::{Closed, TransportKind};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::{
    PATIENCE,
    kinesis::{Described, Kinesis, Step},
    put_all, quick,
};

/// What was told by name and stream: numbers of counters, bits of gauges.
#[derive(Default)]
struct Told(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Told {
    fn cell(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        self.0.lock().expect("a test that failed").entry(name).or_default().clone()
    }

    fn of(&self, name: &str) -> u64 {
        let name = format!("kinesis_producer_{name}{{stream=orders}}");
        self.0.lock().expect("a test that failed").get(&name).expect(&name).load(Ordering::SeqCst)
    }
}

impl Recorder for Told {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{key}: none is told");
    }
}

/// One in five is refused, one request in seven is lost, and in the end nothing is answered any more.
fn script(request: usize) -> Step {
    match request {
        20.. => Step::Silence,
        request if request % 7 == 0 => Step::Half,
        _ => Step::Refuse(|request, position| (request + position) % 5 == 0, Duration::ZERO),
    }
}

async fn send(told: &Told) -> Closed {
    let kinesis = Kinesis::start(Described::ByKey, script).await;
    let builder = quick(&kinesis.config(), TransportKind::Cbor).max_batch_records(100).max_requests(1);
    let producer = builder.pace(false).build().await.expect("settings");
    let pending = put_all(&producer, 0..2_000).await;
    while kinesis.requests() < 21 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let in_flight = f64::from_bits(told.of("records_in_flight"));
    assert!((1.0..=4_000.0).contains(&in_flight), "{in_flight}");
    drop(pending);
    producer.close(Duration::from_millis(20)).await
}

#[test]
fn a_recorder_has_the_counts_of_all_producers_of_a_stream() {
    let told = Told::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let both = metrics::with_local_recorder(&told, || {
        runtime
            .block_on(async { tokio::time::timeout(PATIENCE, async { [send(&told).await, send(&told).await] }).await })
    });
    let [one, other] = both.expect("an end").map(|closed| closed.metrics);
    assert!(one.acknowledged > 0 && one.failed > 0 && one.throttled > 0 && one.possible_duplicates > 0, "{one:?}");
    for (name, expected) in [
        ("records_offered_total", one.offered + other.offered),
        ("bytes_offered_total", one.offered_bytes + other.offered_bytes),
        ("records_acknowledged_total", one.acknowledged + other.acknowledged),
        ("bytes_acknowledged_total", one.acknowledged_bytes + other.acknowledged_bytes),
        ("records_failed_total", one.failed + other.failed),
        ("records_retried_total", one.retried + other.retried),
        ("records_throttled_total", one.throttled + other.throttled),
        ("records_possibly_duplicated_total", one.possible_duplicates + other.possible_duplicates),
        ("requests_total", one.requests + other.requests),
        ("requests_failed_total", one.failed_requests + other.failed_requests),
    ] {
        assert_eq!(told.of(name), expected, "{name}");
    }
    for name in ["records_in_flight", "bytes_in_flight"] {
        assert_eq!(f64::from_bits(told.of(name)), 0.0, "{name}");
    }
}
