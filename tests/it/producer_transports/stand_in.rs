//! Against the stand-in, whose stream is split and merged meanwhile.

use std::{collections::HashMap, ops::RangeInclusive, time::Duration};

use aws_sdk_kinesis::{Client, types::ShardIteratorType};
use kinesis_producer::{Builder, Receipt, Record, TransportKind};
use tokio::time::timeout;

use super::{KINDS, PATIENCE, STREAM, assert_adds_up, put_all, quick, record};
use crate::{
    stand_in::Running,
    stream_model::{hash_key, name, user_records},
};

/// Records between two changes of the shards.
const PART: usize = 500;
const COUNT: usize = 3 * PART;

/// Shard, sequence number, and the position within an aggregated record.
type Place = (String, String, Option<u32>);

/// A stream that is read back.
struct Stream(Client);

impl Stream {
    async fn of(running: &Running) -> Self {
        let stream = Self(Client::new(&running.config()));
        stream.0.create_stream().stream_name(STREAM).shard_count(2).send().await.expect("created");
        stream.settle().await;
        stream
    }

    async fn settle(&self) {
        let is_active = async || {
            let summary = self.0.describe_stream_summary().stream_name(STREAM).send().await.expect("described");
            summary.stream_description_summary.is_some_and(|summary| summary.stream_status.as_str() == "ACTIVE")
        };
        timeout(PATIENCE, async {
            while !is_active().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the stream is active");
    }

    /// The first shard becomes two, 2 and 3.
    async fn split(&self) {
        let middle = (u128::MAX / 4).to_string();
        let split = self.0.split_shard().stream_name(STREAM).shard_to_split("shardId-000000000000");
        split.new_starting_hash_key(middle).send().await.expect("split");
    }

    /// The upper one of them and the second shard become one, 4.
    async fn merge(&self) {
        self.settle().await;
        let merge = self.0.merge_shards().stream_name(STREAM).shard_to_merge("shardId-000000000003");
        merge.adjacent_shard_to_merge("shardId-000000000001").send().await.expect("merged");
    }

    /// Every user record that a consumer sees, shard by shard in their order; one that is packed with others is seen only
    /// where its hash key is in the range of the shard.
    async fn read(&self) -> Vec<(Place, Record)> {
        let mut seen = Vec::new();
        let listed = self.0.list_shards().stream_name(STREAM).send().await.expect("listed");
        assert_eq!(listed.shards().len(), 5, "two, two of one of them, and one of two");
        for shard in listed.shards() {
            let keys = shard.hash_key_range().expect("a range");
            let number = |digits: &str| digits.parse::<u128>().expect("a number");
            let range = number(keys.starting_hash_key())..=number(keys.ending_hash_key());
            self.read_shard(shard.shard_id(), &range, &mut seen).await;
        }
        seen
    }

    async fn read_shard(&self, shard: &str, range: &RangeInclusive<u128>, seen: &mut Vec<(Place, Record)>) {
        let start = self.0.get_shard_iterator().stream_name(STREAM).shard_id(shard);
        let start = start.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
        let mut next = start.shard_iterator;
        while let Some(iterator) = next {
            let read = self.0.get_records().shard_iterator(iterator).send().await.expect("records");
            for record in read.records() {
                let number = record.sequence_number();
                let data = record.data().as_ref().to_vec();
                let whole = Record::new(data, record.partition_key().expect("a partition key"));
                let visible = |(sub, record): (Option<u32>, Record)| {
                    let is_visible = sub.is_none() || range.contains(&hash_key(&record));
                    is_visible.then(|| ((shard.to_owned(), number.to_owned(), sub), record))
                };
                seen.extend(user_records(&whole).into_iter().filter_map(visible));
            }
            next = read.next_shard_iterator.filter(|_| !read.records.is_empty());
        }
    }
}

/// Puts records while the shards change, and holds what the receipts say to what is read.
async fn arrive(kind: TransportKind, set: fn(Builder) -> Builder) -> Vec<(Place, Record)> {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let stream = Stream::of(&running).await;
    let producer = set(quick(&running.config(), kind)).build().await.expect("settings");
    let mut pending = put_all(&producer, 0..PART).await;
    stream.split().await;
    pending.extend(put_all(&producer, PART..2 * PART).await);
    stream.merge().await;
    pending.extend(put_all(&producer, 2 * PART..COUNT).await);
    let receipts = timeout(PATIENCE, futures::future::try_join_all(pending)).await.expect("an end").expect("written");
    let closed = producer.close(PATIENCE).await;
    assert_adds_up(closed.metrics, COUNT, 0);
    let seen = stream.read().await;
    assert_all_found(kind, &receipts, &seen);
    let extra = seen.len() - COUNT;
    assert!(extra as u64 <= closed.metrics.possible_duplicates, "{kind:?}: {extra} {:?}", closed.metrics);
    running.stop().await;
    seen
}

fn assert_all_found(kind: TransportKind, receipts: &[Receipt], seen: &[(Place, Record)]) {
    let by_place: HashMap<_, _> = seen.iter().map(|(place, record)| (place, record)).collect();
    for (number, receipt) in receipts.iter().enumerate() {
        let sub = receipt.sub_sequence_number();
        let place = (receipt.shard_id().to_owned(), receipt.sequence_number().to_owned(), sub);
        let found = by_place.get(&place).unwrap_or_else(|| panic!("{kind:?}: no consumer sees {number} at {place:?}"));
        let put = record(number);
        assert_eq!((&found.data, &found.partition_key), (&put.data, &put.partition_key), "{kind:?}: {place:?}");
        // What is not packed comes back without its hash key.
        assert!(sub.is_none() || found.explicit_hash_key == put.explicit_hash_key, "{kind:?}: {place:?}");
    }
}

#[tokio::test]
async fn plain_records_arrive_as_they_were_put() {
    for kind in KINDS {
        assert_eq!(arrive(kind, |builder| builder).await.len(), COUNT, "{kind:?}: no answer was lost");
    }
}

#[tokio::test]
async fn packed_records_arrive_as_they_were_put() {
    for kind in KINDS {
        let seen = arrive(kind, |builder| builder.aggregation(true)).await;
        let packed = seen.iter().filter(|((_, _, sub), _)| sub.is_some()).count();
        assert!(packed > COUNT / 2, "{kind:?}: {packed}");
    }
}

#[tokio::test]
async fn ordered_records_arrive_in_their_order() {
    for kind in KINDS {
        // By the numbers of the shards, so that what was split or merged comes before what it became.
        let seen = arrive(kind, |builder| builder.ordered(true)).await;
        let mut last = HashMap::new();
        for ((shard, ..), record) in &seen {
            let before = last.insert((&record.partition_key, is_explicit(record)), name(record));
            assert!(before.is_none_or(|before| before < name(record)), "{kind:?}: {} in {shard}", name(record));
        }
    }
}

/// Records with a place of their own have another order than those that their key places.
fn is_explicit(record: &Record) -> bool {
    name(record).parse::<usize>().expect("a number") % 3 == 0
}
