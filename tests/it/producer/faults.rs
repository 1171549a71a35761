//! Whatever happens, every record ends once, and the totals add up.

use std::time::Duration;

use futures::FutureExt;
use kinesis_producer::{Backoff, BuildError, Builder, Producer, PutError, Reason, Record, Severity, Snapshot, limits};
use tokio::time::{sleep, timeout};

use super::{
    PATIENCE, assert_adds_up, put_all, quick, record,
    sink::{Sink, Step},
};

/// Sends records through a script that relents, and checks that each is there and has the receipt of itself.
async fn all_arrive(script: impl Fn(usize) -> Step + Send + Sync + 'static) -> (Sink, Snapshot) {
    const COUNT: usize = 5_000;
    let sink = Sink::new(script);
    let producer = quick(&sink).request_timeout(Duration::from_millis(200)).build().await.expect("settings");
    let pending = put_all(&producer, COUNT).await;
    for (number, pending) in pending.into_iter().enumerate() {
        let receipt = timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
        assert!(sink.stream().has_at(&record(number, 100), &receipt), "{number} is not where {receipt:?} says");
    }
    let closed = producer.close(PATIENCE).await;
    assert!(closed.unsent.is_empty());
    assert_adds_up(closed.metrics, COUNT, 0);
    assert_eq!(sink.written(), COUNT);
    assert_eq!(closed.metrics.requests, sink.requests() as u64);
    (sink, closed.metrics)
}

#[tokio::test]
async fn nothing_is_sent_twice_when_nothing_fails() {
    let (sink, metrics) = all_arrive(|_| Step::Refuse(|_, _| false)).await;
    assert_eq!((metrics.retried, metrics.possible_duplicates, sink.extra_copies()), (0, 0, 0));
}

#[tokio::test]
async fn refused_positions_and_only_those_are_sent_again() {
    let one_percent: fn(usize, usize) -> bool = |request, position| (request * 31 + position) % 100 == 0;
    let one_in_five: fn(usize, usize) -> bool = |request, position| (request + position) % 5 == 0;
    for picks in [one_percent, one_in_five] {
        let (sink, metrics) = all_arrive(move |_| Step::Refuse(picks)).await;
        let sent: usize = sink.calls().iter().map(|call| call.records).sum();
        assert!(metrics.retried > 0);
        assert_eq!(sent as u64, metrics.offered + metrics.retried);
        assert_eq!(metrics.throttled, metrics.retried);
        assert_eq!((metrics.possible_duplicates, sink.extra_copies()), (0, 0));
    }
}

#[tokio::test]
async fn a_sink_that_refuses_all_for_a_while_gets_all_in_the_end() {
    let (sink, metrics) =
        all_arrive(|request| Step::Refuse(if request < 40 { |_, _| true } else { |_, _| false })).await;
    assert!(metrics.throttled > 0);
    assert_eq!(sink.extra_copies(), 0);
}

#[tokio::test]
async fn without_an_answer_records_are_sent_again_and_counted_as_possibly_doubled() {
    for script in [
        |request| if request % 3 == 0 { Step::Reset } else { Step::Refuse(|_, _| false) },
        |request| if request % 7 == 0 { Step::Short(1) } else { Step::Refuse(|_, _| false) },
        |request| if request % 3 == 0 { Step::Hang } else { Step::Refuse(|_, _| false) },
    ] {
        let (sink, metrics) = all_arrive(script).await;
        assert!(metrics.possible_duplicates > 0);
        assert!(sink.extra_copies() as u64 <= metrics.possible_duplicates, "{} {metrics:?}", sink.extra_copies());
        assert!(metrics.failed_requests > 0);
    }
}

#[tokio::test]
async fn refusals_of_whole_requests_are_not_counted_as_doubled() {
    let (sink, metrics) = all_arrive(|request| match request % 3 {
        0 => Step::Fail(Severity::Throttled),
        1 => Step::Fail(Severity::Unavailable),
        _ => Step::Refuse(|_, _| false),
    })
    .await;
    assert!(metrics.retried > 0);
    assert_eq!((metrics.possible_duplicates, sink.extra_copies()), (0, 0));
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let (sink, metrics) = all_arrive(|_| Step::Slow(Duration::from_millis(20))).await;
    assert_eq!((metrics.retried, sink.extra_copies()), (0, 0));
    assert!(sink.most_open() > 1, "requests must overlap");
}

#[tokio::test]
async fn a_fatal_error_ends_its_records_with_the_reason() {
    let sink = Sink::new(|request| if request == 0 { Step::Fail(Severity::Fatal) } else { Step::Refuse(|_, _| false) });
    let producer = quick(&sink).build().await.expect("settings");
    let first = producer.put(record(0, 100)).await.expect("taken");
    let error = timeout(PATIENCE, first).await.expect("an end").expect_err("fatal");
    assert!(matches!(error.reason(), Reason::Fatal(why) if why.message() == "Fatal"), "{error:?}");
    assert_eq!((error.attempts(), error.may_be_written()), (1, false));
    let second = producer.put(record(1, 100)).await.expect("taken");
    assert_eq!(timeout(PATIENCE, second).await.expect("an end").expect("acknowledged").attempts(), 1);
    assert_adds_up(producer.close(PATIENCE).await.metrics, 1, 1);
}

#[tokio::test]
async fn a_record_may_be_given_a_time_to_live() {
    let sink = Sink::new(|_| Step::Refuse(|_, _| true));
    let producer = quick(&sink).record_ttl(Duration::from_millis(50)).build().await.expect("settings");
    let pending = producer.put(record(0, 100)).await.expect("taken");
    let error = timeout(PATIENCE, pending).await.expect("an end").expect_err("expired");
    let Reason::Expired { last_error: Some(last) } = error.reason() else { panic!("{error:?}") };
    assert!(last.message().contains("Rate exceeded"), "{last}");
    assert_eq!(error.code(), Some("ProvisionedThroughputExceededException"));
    assert!(error.attempts() > 1 && !error.may_be_written(), "{error:?}");
    assert_adds_up(producer.close(PATIENCE).await.metrics, 0, 1);
}

#[tokio::test]
async fn retries_back_off_and_do_not_hold_up_others() {
    let first = Duration::from_millis(40);
    let sink = Sink::new(|request| Step::Refuse(if request < 3 { |_, _| true } else { |_, _| false }));
    let producer = Producer::with_transport(sink.clone())
        .backoff(Backoff::default().with_initial(first).with_max(first * 8))
        .linger(Duration::ZERO)
        .build()
        .await
        .expect("settings");
    let pending = producer.put(record(0, 100)).await.expect("taken");
    assert_eq!(timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged").attempts(), 4);
    let calls: Vec<_> = sink.calls().iter().map(|call| call.at).collect();
    for (attempt, pair) in calls.windows(2).enumerate() {
        let least = first * 2_u32.pow(attempt as u32) / 2;
        assert!(pair[1] - pair[0] >= least, "attempt {attempt} came after {:?}, not {least:?}", pair[1] - pair[0]);
    }

    let sink =
        Sink::new(|request| if request == 0 { Step::Fail(Severity::Throttled) } else { Step::Refuse(|_, _| false) });
    let long = Backoff::default().with_initial(PATIENCE).with_max(PATIENCE);
    let producer =
        Producer::with_transport(sink.clone()).backoff(long).linger(Duration::ZERO).build().await.expect("settings");
    let stuck = producer.put(record(0, 100)).await.expect("taken");
    while producer.metrics().throttled == 0 {
        tokio::task::yield_now().await;
    }
    let other = producer.put(record(1, 100)).await.expect("taken");
    timeout(PATIENCE / 2, other).await.expect("not held up").expect("acknowledged");
    assert!(stuck.now_or_never().is_none());
}

#[tokio::test]
async fn batches_keep_the_limits_of_the_service() {
    let sink = Sink::new(|_| Step::Slow(Duration::from_millis(5)));
    let producer =
        quick(&sink).max_requests(1).max_batch_bytes(limits::BYTES_PER_REQUEST).build().await.expect("settings");
    let (small, large) = (2_000, 60);
    let mut pending = put_all(&producer, small).await;
    for number in small..small + large {
        let bytes = limits::BYTES_PER_RECORD - 2;
        pending.push(producer.put(record(number, bytes)).await.expect("taken"));
    }
    timeout(PATIENCE, producer.flush()).await.expect("flushed");
    let calls = sink.calls();
    assert!(calls.iter().all(|call| call.records <= 500 && call.bytes <= 10 * 1024 * 1024));
    assert!(calls.iter().any(|call| call.records == 500), "batches fill by count");
    assert!(calls.iter().any(|call| call.bytes > 9 * 1024 * 1024), "batches fill by bytes");
}

#[tokio::test]
async fn batches_keep_the_limits_that_were_set() {
    for limit in [1, 2, 7] {
        let sink = Sink::new(|_| Step::Refuse(|_, _| false));
        let producer = quick(&sink).max_batch_records(limit).build().await.expect("settings");
        drop(put_all(&producer, 100).await);
        timeout(PATIENCE, producer.flush()).await.expect("flushed");
        assert_eq!(sink.calls().iter().map(|call| call.records).max(), Some(limit));
        assert_eq!(sink.written(), 100);
    }
}

#[tokio::test]
async fn records_that_kinesis_would_refuse_are_refused_at_once() {
    let sink = Sink::new(|_| Step::Refuse(|_, _| false));
    let producer = quick(&sink).build().await.expect("settings");
    let largest = Record::new(vec![0; limits::BYTES_PER_RECORD - 3], "key");
    let too_large = Record::new(vec![0; limits::BYTES_PER_RECORD - 2], "key");
    let limit = limits::BYTES_PER_RECORD;
    assert_eq!(producer.put(too_large).await.expect_err("large"), PutError::TooLarge { bytes: limit + 1, limit });
    assert_eq!(producer.try_put(Record::new("", "")).expect_err("no key"), PutError::PartitionKey { chars: 0 });
    let long = producer.put(Record::new("", "ß".repeat(257))).await;
    assert_eq!(long.expect_err("long key"), PutError::PartitionKey { chars: 257 });
    let pending = producer.put(largest).await.expect("taken");
    timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
    let pending = producer.put(Record::new("01234567", "ß".repeat(256))).await.expect("taken");
    timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
    assert_adds_up(producer.close(PATIENCE).await.metrics, 2, 0);
}

#[tokio::test]
async fn put_waits_when_as_much_is_in_flight_as_is_allowed() {
    let by_count: fn(Builder) -> Builder = |builder| builder.max_in_flight_records(10);
    let by_bytes: fn(Builder) -> Builder = |builder| builder.max_record_bytes(200).max_in_flight_bytes(1_019);
    for bounded in [by_count, by_bytes] {
        let sink = Sink::new(|request| if request < 4 { Step::Hang } else { Step::Refuse(|_, _| false) });
        let producer =
            bounded(quick(&sink)).request_timeout(Duration::from_millis(300)).build().await.expect("settings");
        let pending = put_all(&producer, 10).await;
        assert_eq!(producer.records_in_flight(), 10);
        assert_eq!(producer.try_put(record(10, 100)).expect_err("full"), PutError::Full);
        assert!(producer.put(record(10, 100)).now_or_never().is_none(), "put must wait");
        assert_eq!(producer.metrics().offered, 10);
        for pending in pending {
            timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
        }
        let waited = timeout(PATIENCE, producer.put(record(10, 100))).await.expect("room").expect("taken");
        timeout(PATIENCE, waited).await.expect("an end").expect("acknowledged");
        assert_adds_up(producer.close(PATIENCE).await.metrics, 11, 0);
    }
}

#[tokio::test]
async fn flush_does_not_wait_for_company_and_returns_when_all_have_ended() {
    let sink = Sink::new(|request| Step::Refuse(if request == 0 { |_, position| position == 0 } else { |_, _| false }));
    let producer = quick(&sink).linger(Duration::MAX).record_ttl(Duration::MAX).build().await.expect("settings");
    drop(put_all(&producer, 700).await);
    timeout(PATIENCE, producer.flush()).await.expect("flushed");
    assert_eq!((sink.written(), producer.metrics().in_flight_records), (700, 0));
    timeout(PATIENCE, producer.flush()).await.expect("nothing to flush");
    let closed = timeout(PATIENCE, producer.close(Duration::MAX)).await.expect("closed");
    assert_adds_up(closed.metrics, 700, 0);
}

#[tokio::test]
async fn close_gives_back_what_was_not_acknowledged() {
    let sink = Sink::new(|request| if request == 0 { Step::Refuse(|_, _| false) } else { Step::Hang });
    let producer = quick(&sink).max_requests(1).max_in_flight_records(1_500).build().await.expect("settings");
    let pending = put_all(&producer, 1_500).await;
    let (clone, waiting) = (producer.clone(), producer.clone());
    let turned_away = tokio::spawn(async move { waiting.put(record(1_500, 100)).await.map(|_| ()) });
    while sink.requests() < 2 {
        tokio::task::yield_now().await;
    }
    let closed = timeout(PATIENCE, producer.close(Duration::from_millis(50))).await.expect("closed");
    let acknowledged = sink.written();
    assert!(closed.unsent.iter().any(|unsent| unsent.may_be_written), "a request was on its way");
    assert!(closed.unsent.iter().any(|unsent| !unsent.may_be_written), "some were not");
    let outcomes = futures::future::join_all(pending).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!(
        outcomes
            .iter()
            .flat_map(|outcome| outcome.as_ref().err())
            .all(|error| matches!(error.reason(), Reason::Closed))
    );
    let taken_late = usize::from(turned_away.await.expect("ran").is_ok());
    assert_eq!(closed.unsent.len(), failed + taken_late);
    assert_adds_up(closed.metrics, acknowledged, failed + taken_late);
    assert_eq!(clone.put(record(0, 100)).await.expect_err("closed"), PutError::Closed);
    assert_eq!(clone.try_put(record(0, 100)).expect_err("closed"), PutError::Closed);
    let again = timeout(PATIENCE, clone.close(PATIENCE)).await.expect("closed");
    assert_eq!((again.unsent.len(), again.metrics), (0, closed.metrics));
}

#[tokio::test]
async fn who_does_not_look_loses_nothing() {
    let sink = Sink::new(|_| Step::Refuse(|request, position| (request + position) % 5 == 0));
    let producer = quick(&sink).build().await.expect("settings");
    drop(put_all(&producer, 3_000).await);
    drop(producer);
    let all = async {
        while sink.written() < 3_000 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, all).await.expect("all arrive after the last handle is gone");
}

#[tokio::test]
async fn a_record_that_waits_keeps_nothing_of_the_buffer_that_it_came_in() {
    let sink = Sink::new(|_| Step::Refuse(|_, _| true));
    let producer = quick(&sink).build().await.expect("settings");
    let buffer = bytes::Bytes::from(vec![b'.'; 1_000_000]);
    let pending = producer.put(Record::new(buffer.slice(..100), "key")).await.expect("taken");
    assert!(buffer.is_unique(), "it is written where it is put");
    assert!(pending.now_or_never().is_none());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let sink = Sink::new(|_| Step::Hang);
    for (builder, expected) in [
        (quick(&sink).max_batch_records(501), "max_batch_records"),
        (quick(&sink).max_batch_bytes(10 * 1024 * 1024 + 1), "max_batch_bytes"),
        (quick(&sink).max_requests(0), "max_requests"),
        (quick(&sink).max_in_flight_records(0), "max_in_flight_records"),
        (quick(&sink).max_in_flight_bytes(1024), "max_in_flight_bytes"),
    ] {
        match builder.build().await.map(|_| ()) {
            Err(BuildError::Setting { setting, .. }) => assert_eq!(setting, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_producer_needs_a_runtime() {
    let built = quick(&Sink::new(|_| Step::Hang)).build().now_or_never().expect("at once");
    assert!(matches!(built.map(|_| ()).expect_err("no runtime"), BuildError::NoRuntime));
}
