//! A load with imperfect documents.

use super::*;
use crate::spec::{Amount, Flaw, Imperfect};

fn imperfect(flaw: Flaw, count: u64) -> Imperfect {
    let amounts = vec![(flaw, Amount::Count(count))];
    let (late_by, out_of_order_by) = (Duration::from_secs(60), Duration::from_secs(5));
    Imperfect { seed: 1, amounts, late_by, out_of_order_by, wrong_type: None, missing: None }
}

#[tokio::test]
async fn what_the_producer_refuses_on_purpose_is_noted_and_ends_no_load() {
    let bench = Bench::new(Sink::default());
    let mut plan = bench.plan(Rate::Max, Length::Records(10));
    let sales = Origin::StoreSales { scale: 1, seed: 1 };
    plan.source = OpenWorkload::reopen(&sales).expect("documents").source;
    // Nothing but what is refused stands between the first document and the last.
    let imperfect = imperfect(Flaw::Oversize, 5);
    plan.header.flaws = Flaws::new(&imperfect, Some(10), 1 << 20, Fields::default());
    let producer = bench.builder().max_record_bytes(1 << 20);
    let loaded = bench.run(plan, producer).await.expect("loaded");
    assert_eq!((loaded.offered, loaded.acknowledged, loaded.refused), (5, 5, 5));
    let log = AckLog::read(&bench.log()).expect("a log");
    assert_eq!((log.acknowledged.count(), log.refused.count(), log.offered), (5, 5, Some(10)));
}

#[tokio::test]
async fn a_document_that_is_meant_to_be_sent_once_more_is() {
    let bench = Bench::new(Sink::default());
    let mut plan = bench.plan(Rate::Max, Length::Records(100));
    let imperfect = imperfect(Flaw::Duplicates, 30);
    plan.header.flaws = Flaws::new(&imperfect, Some(100), 1 << 20, Fields::default());
    let loaded = bench.run(plan, bench.builder()).await.expect("loaded");
    assert_eq!((loaded.offered, loaded.acknowledged, loaded.refused), (100, 100, 0));
    let written = bench.sink.written();
    assert_eq!((written.len(), written.values().filter(|count| **count == 2).count()), (70, 30));
}
