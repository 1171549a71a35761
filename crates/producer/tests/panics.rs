//! Others' code that panics inside the producer.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt, ready};
use kinesis_producer::{Answer, Format, Producer, Record, Request, RequestError, Transport, Wants};

/// Panics in its first call and takes everything from then on.
#[derive(Default)]
struct PanicsOnce(AtomicUsize);

impl Transport for PanicsOnce {
    fn wants(&self) -> Wants {
        Wants::new(Format::Json)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the first call");
        let mut answer = Answer::builder();
        for _ in 0..request.body.len() {
            answer.written("shardId-000000000000", "1");
        }
        ready(Ok(answer.build())).boxed()
    }
}

#[tokio::test]
async fn a_transport_that_panics_costs_an_attempt_and_no_record() {
    let producer = Producer::with_transport(PanicsOnce::default()).build().await.expect("settings");
    let receipt = producer.put(Record::new("x", "key")).await.expect("taken").await.expect("acknowledged");
    assert_eq!(receipt.attempts(), 2);
    let closed = producer.close(Duration::from_secs(30)).await;
    assert_eq!((closed.metrics.acknowledged, closed.metrics.possible_duplicates), (1, 1));
}
