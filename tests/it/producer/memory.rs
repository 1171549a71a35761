//! A sink that stops answering costs no more than was allowed, however long it is silent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kinesis_producer::{Builder, Producer};
use tokio::time::{sleep, timeout};

use super::{
    PATIENCE, assert_adds_up, quick, record,
    sink::{Sink, Step},
};

const COUNT: usize = 10_000;
const RECORDS: usize = 2_000;
const BYTES: usize = 150_000;
/// Of data and partition key.
const RECORD_BYTES: usize = 102;

struct Held {
    records: u64,
    bodies: usize,
    bytes: usize,
}

/// At most, over some simulated time.
async fn most_held(producer: &Producer, sink: &Sink, time: Duration) -> Held {
    let mut most = Held { records: 0, bodies: 0, bytes: 0 };
    for _ in 0..time.as_millis() / 100 {
        sleep(Duration::from_millis(100)).await;
        let (metrics, bodies) = (producer.metrics(), sink.bodies_held());
        assert!(metrics.in_flight_records <= RECORDS as u64 && metrics.in_flight_bytes <= BYTES as u64, "{metrics:?}");
        assert!(producer.records_in_flight() <= RECORDS);
        most.records = most.records.max(metrics.in_flight_records);
        most.bodies = most.bodies.max(bodies.len());
        most.bytes = most.bytes.max(bodies.iter().sum());
    }
    most
}

async fn survives(set: fn(Builder) -> Builder) {
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = is_silent.clone();
    let script = move |_| if silent.load(Ordering::SeqCst) { Step::Hang } else { Step::Refuse(|_, _| false) };
    let sink = Sink::with_shards(8, script);
    let builder = quick(&sink).max_in_flight_records(RECORDS).max_record_bytes(10_000).max_in_flight_bytes(BYTES);
    let builder = builder.max_requests(4).request_timeout(Duration::from_secs(5));
    let producer = set(builder).build().await.expect("settings");
    let own = producer.clone();
    let putting = tokio::spawn(async move {
        for number in 0..COUNT {
            drop(own.put(record(number, 100)).await.expect("taken"));
        }
    });
    let first = most_held(&producer, &sink, Duration::from_secs(10)).await;
    let offered = producer.metrics().offered;
    let minute = most_held(&producer, &sink, Duration::from_secs(60)).await;
    assert_eq!(producer.metrics().offered, offered, "put waits");
    assert!((BYTES / RECORD_BYTES - 10..=BYTES / RECORD_BYTES + 10).contains(&(offered as usize)), "{offered}");
    assert_eq!(minute.records, first.records, "nothing grows");
    // Base64, and what is written around each record.
    assert!((1..=2 * BYTES).contains(&minute.bytes), "{}", minute.bytes);
    assert!((1..=4 + RECORDS / 100).contains(&minute.bodies), "{}", minute.bodies);
    is_silent.store(false, Ordering::SeqCst);
    timeout(20 * PATIENCE, putting).await.expect("room again").expect("put");
    timeout(20 * PATIENCE, producer.flush()).await.expect("all end");
    assert_eq!(sink.bodies_held(), [0; 0], "every body is given back");
    assert_adds_up(producer.close(PATIENCE).await.metrics, COUNT, 0);
    assert_eq!(sink.written(), COUNT);
}

#[tokio::test(start_paused = true)]
async fn plain_records_wait() {
    survives(|builder| builder).await;
    survives(|builder| builder.pace(false)).await;
}

#[tokio::test(start_paused = true)]
async fn ordered_records_wait() {
    survives(|builder| builder.ordered(true)).await;
}

#[tokio::test(start_paused = true)]
async fn packed_records_wait() {
    survives(|builder| builder.aggregation(true).aggregation_max_records(100).aggregation_max_bytes(5_000)).await;
    survives(|builder| {
        builder.aggregation(true).aggregation_max_records(100).aggregation_max_bytes(5_000).ordered(true)
    })
    .await;
}
