//! What the producer packs and puts, as the Kinesis Client Library finds it in each shard.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    types::{Record as Kept, Shard, ShardIteratorType},
};
use kinesis_producer::{Producer, Record};

use super::{
    java::JAVA,
    proof::{STREAM, make_stream},
    *,
};
use crate::stand_in::Running;

const RECORDS: usize = 3_000;

/// Few keys and many; every fifth with an explicit hash key.
fn records() -> Vec<Record> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut one = |number: usize| {
        let record = Record::new(format!("record {number}"), format!("key {}", random.random_range(0..900)));
        if number.is_multiple_of(5) { record.with_explicit_hash_key(random.random()) } else { record }
    };
    (0..RECORDS).map(&mut one).collect()
}

async fn read(kinesis: &Client, shard: &Shard) -> Vec<Kept> {
    let iterator = kinesis.get_shard_iterator().stream_name(STREAM).shard_id(shard.shard_id());
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
    let (mut iterator, mut records) = (iterator.shard_iterator, Vec::new());
    while let Some(from) = iterator.take() {
        let page = kinesis.get_records().shard_iterator(from).send().await.expect("records");
        iterator = page.next_shard_iterator.filter(|_| !page.records.is_empty());
        records.extend(page.records);
    }
    records
}

#[tokio::test]
#[ignore = "needs Maven"]
async fn kcl_finds_in_each_shard_all_that_the_producer_packed() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let kinesis = Client::new(&running.config());
    make_stream(&kinesis).await;
    let producer = Producer::builder(&running.config(), STREAM).aggregation(true).build().await.expect("it starts");
    let mut pending = Vec::new();
    for record in records() {
        pending.push(producer.put(record).await.expect("taken"));
    }
    producer.flush().await;
    for pending in pending {
        pending.await.expect("acknowledged");
    }
    assert!(producer.close(Duration::from_secs(10)).await.unsent.is_empty());

    let shards = kinesis.list_shards().stream_name(STREAM).send().await.expect("shards").shards.expect("some");
    let (mut found, mut packed) = (Vec::new(), Vec::new());
    for shard in &shards {
        let range = shard.hash_key_range().expect("a range");
        let range = format!("{} {} ", range.starting_hash_key(), range.ending_hash_key());
        for kept in read(&kinesis, shard).await {
            match decode(kept.data.as_ref()).expect("it makes sense") {
                Some(_) => packed.push((range.clone(), kept.data.into_inner())),
                None => found.push((kept.data.into_inner(), kept.partition_key.expect("a key"))),
            }
        }
    }
    assert!(packed.len() >= shards.len() && packed.len() < RECORDS / 10, "{} aggregated records", packed.len());
    let unpacked = tokio::task::spawn_blocking(move || JAVA.unpack(&packed)).await.expect("no panic");
    found.extend(unpacked.into_iter().flatten().map(|record| (record.data, record.partition_key)));
    let mut put: Vec<_> = records().into_iter().map(|r| (r.data.to_vec(), r.partition_key.to_string())).collect();
    found.sort();
    put.sort();
    assert!(found == put, "{} of {RECORDS} were found", found.len());
    running.stop().await;
}
