//! Streams that place records themselves, and callers who may not ask whether a stream does.

use kinesis_producer::BuildError;
use tokio::time::timeout;

use super::{
    KINDS, PATIENCE, assert_adds_up,
    kinesis::{Described, Kinesis, Step},
    put_all, quick,
};

async fn stream(described: Described) -> Kinesis {
    Kinesis::start(described, |_| Step::Refuse(|_, _| false, std::time::Duration::ZERO)).await
}

#[tokio::test]
async fn where_the_stream_distributes_nothing_is_packed_or_ordered() {
    for kind in KINDS {
        let kinesis = stream(Described::Auto).await;
        for builder in [quick(&kinesis.config(), kind).aggregation(true), quick(&kinesis.config(), kind).ordered(true)]
        {
            let error = builder.build().await.map(drop).expect_err("consumers would lose them, keys have no order");
            assert!(matches!(&error, BuildError::AutoDistribution { stream } if stream == "orders"), "{error}");
            assert!(error.to_string().contains("turn `aggregation` and `ordered` off"), "{error}");
        }
        assert_eq!(kinesis.calls(), ["DescribeStreamSummary"; 2]);
    }
}

#[tokio::test]
async fn where_the_stream_distributes_no_shard_has_a_pace() {
    for kind in KINDS {
        let kinesis = stream(Described::Auto).await;
        let producer = quick(&kinesis.config(), kind).build().await.expect("settings");
        drop(put_all(&producer, 0..2_000).await);
        timeout(PATIENCE, producer.flush()).await.expect("flushed");
        assert_eq!((producer.shards(), producer.hot_keys()), (Vec::new(), Vec::new()));
        assert!(!kinesis.calls().iter().any(|call| call == "ListShards"), "nobody knows where a record goes");
        assert_adds_up(producer.close(PATIENCE).await.metrics, 2_000, 0);
        assert_eq!(kinesis.written(), 2_000);
    }
}

#[tokio::test]
async fn who_may_not_ask_sends_plain_records() {
    let kinesis = stream(Described::Denied).await;
    let producer = quick(&kinesis.config(), KINDS[0]).build().await.expect("nothing that must be known");
    assert_eq!(producer.shards().len(), 4);
    drop(put_all(&producer, 0..100).await);
    assert_adds_up(producer.close(PATIENCE).await.metrics, 100, 0);
    let packs = quick(&kinesis.config(), KINDS[0]).aggregation(true).build().await.map(drop);
    let error = packs.expect_err("it must be known");
    assert!(matches!(&error, BuildError::Describe(error) if error.is_not_permitted()), "{error}");
    assert!(error.to_string().contains("kinesis:DescribeStreamSummary"), "{error}");
}
