//! Records in by [`futures::Sink`].

use std::{task::Poll, time::Duration};

use futures::{FutureExt, SinkExt, future::poll_fn, poll};
use kinesis_producer::{Backoff, RecordSink, Severity, SinkError};
use tokio::time::{sleep, timeout};

use super::{
    PATIENCE, quick, record,
    sink::{Sink, Step},
};

const WELL: Step = Step::Refuse(|_, _| false);

/// Feeds records, each of which finds the sink ready.
async fn feed(records: &mut RecordSink, numbers: std::ops::Range<usize>) {
    for number in numbers {
        timeout(PATIENCE, records.feed(record(number, 100))).await.expect("ready").expect("taken");
    }
}

fn attempts(error: SinkError) -> u32 {
    match error {
        SinkError::Record(error) => error.attempts(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn flushing_waits_until_all_are_acknowledged() {
    let sink = Sink::new(|_| Step::Slow(Duration::from_millis(20)));
    let producer = quick(&sink).build().await.expect("settings");
    let mut records = producer.sink();
    feed(&mut records, 0..2_000).await;
    timeout(PATIENCE, records.flush()).await.expect("an end").expect("acknowledged");
    assert_eq!((producer.metrics().acknowledged, sink.written()), (2_000, 2_000));
    feed(&mut records, 2_000..2_001).await;
    timeout(PATIENCE, records.close()).await.expect("an end").expect("acknowledged");
    assert_eq!(producer.metrics().acknowledged, 2_001);
    producer.try_put(record(2_001, 100)).expect("the producer stays open");
}

#[tokio::test]
async fn errors_come_in_the_order_of_their_records() {
    // The first record is sent once more, and fails after the second.
    let sink = Sink::new(|request| match request {
        0 => Step::Fail(Severity::Unavailable),
        1 | 2 => Step::Fail(Severity::Fatal),
        _ => WELL,
    });
    let backoff = Backoff::default().with_initial(Duration::from_millis(100)).with_max(Duration::from_millis(100));
    let builder = quick(&sink).backoff(backoff).max_batch_records(1).max_requests(1);
    let producer = builder.build().await.expect("settings");
    let mut records = producer.sink();
    feed(&mut records, 0..2).await;
    while producer.metrics().failed < 2 {
        sleep(Duration::from_millis(1)).await;
    }
    let errors =
        [records.feed(record(2, 100)).await, records.flush().await].map(|told| attempts(told.expect_err("one")));
    assert_eq!(errors, [2, 1], "one by one, the oldest first");
    records.flush().await.expect("nothing is left");
    feed(&mut records, 3..5).await;
    timeout(PATIENCE, records.flush()).await.expect("an end").expect("acknowledged");
}

#[tokio::test]
async fn it_is_not_ready_while_one_waits_for_room() {
    let sink = Sink::new(|request| if request == 0 { Step::Slow(Duration::from_millis(100)) } else { WELL });
    let producer = quick(&sink).max_in_flight_records(10).build().await.expect("settings");
    let mut records = producer.sink();
    feed(&mut records, 0..11).await;
    assert!(poll!(poll_fn(|context| records.poll_ready_unpin(context))).is_pending(), "ten, and one at the door");
    assert_eq!((producer.metrics().offered, producer.records_in_flight()), (10, 10));
    assert!(records.feed(record(11, 100)).now_or_never().is_none());
    timeout(PATIENCE, poll_fn(|context| records.poll_ready_unpin(context))).await.expect("room").expect("taken");
    timeout(PATIENCE, records.flush()).await.expect("an end").expect("acknowledged");
    assert_eq!(sink.written(), 11);
}

#[tokio::test]
async fn what_was_sent_into_one_that_is_dropped_arrives() {
    let sink = Sink::new(|_| Step::Slow(Duration::from_millis(20)));
    let producer = quick(&sink).max_in_flight_records(10).build().await.expect("settings");
    let mut records = producer.sink();
    feed(&mut records, 0..11).await;
    drop(records);
    drop(producer);
    timeout(PATIENCE, async {
        while sink.written() < 11 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the one at the door too");
}

#[tokio::test]
async fn a_closed_producer_takes_nothing() {
    let sink = Sink::new(|_| WELL);
    let producer = quick(&sink).build().await.expect("settings");
    let mut records = producer.sink();
    producer.close(PATIENCE).await;
    let error = records.feed(record(0, 100)).await.expect_err("closed");
    assert_eq!(error.to_string(), "the producer is closed");
    assert!(matches!(poll!(records.flush()), Poll::Ready(Ok(()))));
}
