//! Whatever the service or the connection does, every record ends once, lies where its receipt says, and the totals add up.

use std::time::Duration;

use kinesis_producer::{Reason, Snapshot, TransportKind};
use tokio::time::{Instant, timeout};

use super::{
    KINDS, PATIENCE, assert_adds_up,
    kinesis::{Described, Kinesis, Step},
    put_all, quick, record,
};

const COUNT: usize = 3_000;
const NOW: Duration = Duration::ZERO;
const WELL: Step = Step::Refuse(|_, _| false, NOW);

type Script = fn(usize) -> Step;

async fn arrives(kind: TransportKind, aggregation: bool, script: Script) -> (Kinesis, Snapshot) {
    arrives_within(PATIENCE, kind, aggregation, script).await
}

/// Each answer is waited for so long.
async fn arrives_within(
    timeout_of_request: Duration,
    kind: TransportKind,
    aggregation: bool,
    script: Script,
) -> (Kinesis, Snapshot) {
    let kinesis = Kinesis::start(Described::ByKey, script).await;
    let builder = quick(&kinesis.config(), kind).request_timeout(timeout_of_request).pace(false);
    let builder = if aggregation {
        builder.aggregation(true).aggregation_max_records(100).aggregation_max_bytes(20_000)
    } else {
        builder.max_batch_records(100)
    };
    let producer = builder.build().await.expect("settings");
    let pending = put_all(&producer, 0..COUNT).await;
    for (number, pending) in pending.into_iter().enumerate() {
        let receipt = timeout(PATIENCE, pending).await.expect("an end").expect("acknowledged");
        assert!(kinesis.has_at(&record(number), &receipt), "{kind:?}: {number} is not where {receipt:?} says");
    }
    let closed = producer.close(PATIENCE).await;
    assert!(closed.unsent.is_empty());
    assert_adds_up(closed.metrics, COUNT, 0);
    assert_eq!(kinesis.written(), COUNT);
    assert_eq!(closed.metrics.requests, kinesis.requests() as u64, "{kind:?}: each attempt is one request");
    (kinesis, closed.metrics)
}

/// By every transport, plain and aggregated.
async fn over_all(script: Script, check: fn(&Kinesis, Snapshot)) {
    for kind in KINDS {
        for aggregation in [false, true] {
            let (kinesis, metrics) = arrives(kind, aggregation, script).await;
            check(&kinesis, metrics);
        }
    }
}

fn nothing_is_doubled(kinesis: &Kinesis, metrics: Snapshot) {
    assert_eq!((kinesis.extra_copies(), metrics.possible_duplicates), (0, 0), "{metrics:?}");
}

fn throttled_and_not_doubled(kinesis: &Kinesis, metrics: Snapshot) {
    assert!(metrics.retried > 0 && metrics.throttled == metrics.retried, "{metrics:?}");
    nothing_is_doubled(kinesis, metrics);
}

fn doubled_at_most_as_told(kinesis: &Kinesis, metrics: Snapshot) {
    let extra = kinesis.extra_copies() as u64;
    assert!(extra > 0 && extra <= metrics.possible_duplicates, "{extra} {metrics:?}");
    assert!(metrics.failed_requests > 0, "{metrics:?}");
}

#[tokio::test]
async fn when_nothing_fails_nothing_is_sent_twice() {
    over_all(
        |_| WELL,
        |kinesis, metrics| {
            assert_eq!(metrics.retried, 0);
            nothing_is_doubled(kinesis, metrics);
        },
    )
    .await;
}

#[tokio::test]
async fn aggregates_are_fewer_records_by_far() {
    for kind in KINDS {
        let (kinesis, _) = arrives(kind, true, |_| WELL).await;
        assert!(kinesis.kinesis_records() * 5 < COUNT as u64, "{kind:?}: {}", kinesis.kinesis_records());
    }
}

#[tokio::test]
async fn one_position_in_a_hundred_is_refused() {
    let script: Script = |_| Step::Refuse(|request, position| (request * 31 + position) % 100 == 0, NOW);
    for kind in KINDS {
        let (kinesis, metrics) = arrives(kind, false, script).await;
        throttled_and_not_doubled(&kinesis, metrics);
    }
}

#[tokio::test]
async fn one_position_in_five_is_refused() {
    let script: Script = |_| Step::Refuse(|request, position| (request + position) % 5 == 0, NOW);
    over_all(script, throttled_and_not_doubled).await;
}

#[tokio::test]
async fn every_position_is_refused_for_a_while() {
    let script: Script = |request| if request < 40 { Step::Refuse(|_, _| true, NOW) } else { WELL };
    over_all(script, throttled_and_not_doubled).await;
}

#[tokio::test]
async fn whole_requests_are_refused() {
    let script: Script = |request| match request % 4 {
        0 => Step::Fail(400, "ThrottlingException"),
        1 => Step::Fail(500, "InternalFailureException"),
        _ => WELL,
    };
    over_all(script, |kinesis, metrics| {
        assert!(metrics.failed_requests > 0 && metrics.throttled < metrics.retried, "{metrics:?}");
        nothing_is_doubled(kinesis, metrics);
    })
    .await;
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let script: Script = |request| match request % 6 {
        0 => Step::Fail(307, ""),
        1 => Step::Fail(400, "InternalFailure"),
        2 => Step::Fail(400, "RequestExpired"),
        3 => Step::Fail(408, ""),
        _ => WELL,
    };
    over_all(script, nothing_is_doubled).await;
}

#[tokio::test]
async fn answers_are_slow() {
    over_all(|_| Step::Refuse(|_, _| false, Duration::from_millis(60)), nothing_is_doubled).await;
}

#[tokio::test]
async fn connections_are_reset_once_the_records_are_written() {
    over_all(|request| if request % 3 == 0 { Step::Reset } else { WELL }, doubled_at_most_as_told).await;
}

#[tokio::test]
async fn answers_end_in_their_middle() {
    over_all(|request| if request % 3 == 0 { Step::Half } else { WELL }, doubled_at_most_as_told).await;
}

#[tokio::test]
async fn answers_have_too_few_entries() {
    over_all(|request| if request % 7 == 0 { Step::Short(0) } else { WELL }, doubled_at_most_as_told).await;
    for kind in KINDS {
        let (kinesis, metrics) =
            arrives(kind, false, |request| if request % 7 == 0 { Step::Short(99) } else { WELL }).await;
        doubled_at_most_as_told(&kinesis, metrics);
    }
}

#[tokio::test]
async fn answers_never_come() {
    for kind in KINDS {
        for aggregation in [false, true] {
            let script: Script = |request| if request % 7 == 0 { Step::Silence } else { WELL };
            let (kinesis, metrics) = arrives_within(Duration::from_millis(500), kind, aggregation, script).await;
            doubled_at_most_as_told(&kinesis, metrics);
        }
    }
}

#[tokio::test]
async fn what_is_never_answered_readably_is_stored_six_times_at_most() {
    const FEW: usize = 200;
    for kind in KINDS {
        for aggregation in [false, true] {
            let kinesis = Kinesis::start(Described::ByKey, |_| Step::Unreadable).await;
            let builder = quick(&kinesis.config(), kind).aggregation(aggregation);
            let (producer, begun) = (builder.build().await.expect("settings"), Instant::now());
            for pending in put_all(&producer, 0..FEW).await {
                let error = timeout(PATIENCE, pending).await.expect("an end").expect_err("never acknowledged");
                assert!(matches!(error.reason(), Reason::Unread(_)) && error.may_be_written(), "{kind:?}: {error:?}");
                assert_eq!(error.attempts(), 6, "{kind:?}");
            }
            let closed = producer.close(PATIENCE).await;
            assert_adds_up(closed.metrics, 0, FEW);
            assert_eq!((kinesis.written(), kinesis.extra_copies()), (FEW, 5 * FEW), "{kind:?}");
            assert_eq!(closed.metrics.possible_duplicates, 5 * FEW as u64);
            let last = producer.last_error(begun).expect("a failed attempt").with_causes();
            assert!(producer.last_error(Instant::now()).is_none(), "none since then");
            assert!(last.starts_with("PutRecords to orders: ") && !last.contains('('), "{kind:?}: {last}");
        }
    }
}
