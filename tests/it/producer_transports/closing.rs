//! Closing in the middle gives back what was not sent.

use std::{collections::HashSet, time::Duration};

use kinesis_producer::{Reason, Unsent};
use tokio::time::timeout;

use super::{
    KINDS, PATIENCE, assert_adds_up,
    kinesis::{Described, Kinesis, Step},
    put_all, quick, record,
};
use crate::stream_model::name;

const COUNT: usize = 1_000;

/// One request is answered, then none is any more.
fn falls_silent(request: usize) -> Step {
    match request {
        0 => Step::Refuse(|_, position| position % 2 == 1, Duration::ZERO),
        _ => Step::Silence,
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_back_as_it_was_put() {
    for kind in KINDS {
        for aggregation in [false, true] {
            let kinesis = Kinesis::start(Described::ByKey, falls_silent).await;
            let builder = quick(&kinesis.config(), kind).max_requests(2);
            let builder = match aggregation {
                true => builder
                    .aggregation(true)
                    .aggregation_max_records(10)
                    .aggregation_max_bytes(2_000)
                    .max_batch_records(10),
                false => builder.max_batch_records(100),
            };
            let producer = builder.pace(false).build().await.expect("settings");
            let pending = put_all(&producer, 0..COUNT).await;
            timeout(PATIENCE, async {
                while kinesis.requests() < 3 || producer.metrics().acknowledged == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await
            .expect("it falls silent");
            let closed = timeout(PATIENCE, producer.close(Duration::from_millis(50))).await.expect("closed");
            let outcomes = futures::future::join_all(pending).await;
            let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            assert!(outcomes.iter().flatten().count() > 0 && failed > 0, "{kind:?}: {failed}");
            assert!(
                outcomes
                    .iter()
                    .filter_map(|outcome| outcome.as_ref().err())
                    .all(|error| matches!(error.reason(), Reason::Closed))
            );
            assert_adds_up(closed.metrics, COUNT - failed, failed);
            assert_given_back(&closed.unsent, &kinesis, failed);
        }
    }
}

fn assert_given_back(unsent: &[Unsent], kinesis: &Kinesis, failed: usize) {
    let names: HashSet<_> = unsent.iter().map(|unsent| name(&unsent.record)).collect();
    assert_eq!((unsent.len(), names.len()), (failed, failed), "each once");
    for Unsent { record: given, may_be_written, .. } in unsent {
        let number = name(given).parse().expect("a number");
        assert_eq!(*given, record(number), "as it was put");
        assert!(*may_be_written || !kinesis.has(given), "{number} is in the stream");
    }
    assert!(unsent.iter().any(|unsent| unsent.may_be_written), "some were on their way");
    assert!(unsent.iter().any(|unsent| !unsent.may_be_written), "some were not");
}
