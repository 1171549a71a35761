//! Looking at a stream's shards through the SDK.

use std::{sync::Arc, time::Duration};

use aws_sdk_kinesis::{Client, types::StreamStatus};
use aws_stand_in::internals::StandIn;
use kinesis_producer::shard_map::{DescribeError, ShardMap, describe_stream, list_open_shards};
use tempfile::TempDir;

use crate::inside::{Fault, Wire};

const STREAM: &str = "orders";

/// A stand-in with one stream, on a stopped clock.
struct Bench {
    _folder: TempDir,
    wire: Arc<Wire>,
    kinesis: Client,
}

impl Bench {
    async fn with_shards(shards: i32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let wire = Wire::to(StandIn::open(folder.path()).expect("opened"));
        let kinesis = wire.clients().await.kinesis;
        kinesis.create_stream().stream_name(STREAM).shard_count(shards).send().await.expect("made");
        let bench = Self { _folder: folder, wire, kinesis };
        bench.settle().await;
        bench
    }

    async fn settle(&self) {
        while self.describe().await != StreamStatus::Active {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn describe(&self) -> StreamStatus {
        let answer = self.kinesis.describe_stream_summary().stream_name(STREAM).send().await.expect("described");
        answer.stream_description_summary.expect("a stream").stream_status
    }

    async fn split(&self, shard: &str, at: u128) {
        let split = self.kinesis.split_shard().stream_name(STREAM).shard_to_split(shard);
        split.new_starting_hash_key(at.to_string()).send().await.expect("split");
        self.settle().await;
    }

    async fn merge(&self, shard: &str, other: &str) {
        let merge = self.kinesis.merge_shards().stream_name(STREAM).shard_to_merge(shard);
        merge.adjacent_shard_to_merge(other).send().await.expect("merged");
        self.settle().await;
    }

    async fn list_open_shards(&self) -> ShardMap {
        list_open_shards(&self.kinesis, STREAM).await.expect("whole")
    }
}

fn numbers(map: &ShardMap) -> Vec<u64> {
    let number = |id: &str| id.trim_start_matches("shardId-").parse().expect("a number");
    map.shards().iter().map(|shard| number(&shard.id)).collect()
}

#[tokio::test(start_paused = true)]
async fn splits_and_merges_show_at_the_next_look() {
    let bench = Bench::with_shards(3).await;
    let before = bench.list_open_shards().await;
    assert_eq!(numbers(&before), [0, 1, 2]);
    let middle = before.shard(1).range.clone();
    let half = middle.start() + (middle.end() - middle.start()) / 2;

    bench.split("shardId-000000000001", half).await;
    let split = bench.list_open_shards().await;
    assert_eq!(numbers(&split), [0, 3, 4, 2]);
    assert_eq!((split.index_of(half - 1), split.index_of(half)), (1, 2));
    assert_eq!(split.index_of_id("shardId-000000000001"), None);

    bench.merge("shardId-000000000000", "shardId-000000000003").await;
    let merged = bench.list_open_shards().await;
    assert_eq!(numbers(&merged), [5, 4, 2]);
    assert_eq!((merged.index_of(0), merged.index_of(half - 1), merged.index_of(half)), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_many_pages_is_looked_at_whole_by_name_and_by_arn() {
    let bench = Bench::with_shards(2_100).await;
    bench.wire.forget();
    let by_name = bench.list_open_shards().await;
    assert_eq!(by_name.len(), 2_100);
    assert_eq!(bench.wire.calls(), ["kinesis ListShards"; 3]);
    let described = bench.kinesis.describe_stream_summary().stream_name(STREAM).send().await.expect("described");
    let arn = described.stream_description_summary.expect("a stream").stream_arn;
    assert_eq!(list_open_shards(&bench.kinesis, &arn).await.expect("whole"), by_name);
    assert_eq!(describe_stream(&bench.kinesis, &arn).await.expect("described").open_shards, 2_100);
}

#[tokio::test(start_paused = true)]
async fn a_summary_says_what_a_record_may_be() {
    let bench = Bench::with_shards(2).await;
    let summary = describe_stream(&bench.kinesis, STREAM).await.expect("described");
    assert!(!summary.auto_distribution && !summary.on_demand);
    assert_eq!((summary.max_record_bytes, summary.open_shards), (1 << 20, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_permitted_is_told_from_what_fails() {
    let bench = Bench::with_shards(1).await;
    let denial = "User: x is not authorized to perform: kinesis:ListShards";
    bench.wire.fault("kinesis ListShards", Fault::denied(denial));
    let denied = list_open_shards(&bench.kinesis, STREAM).await.expect_err("denied");
    let expected = DescribeError::NotPermitted {
        call: "ListShards",
        stream: STREAM.to_owned(),
        code: "AccessDeniedException".to_owned(),
        reason: format!("AccessDeniedException: {denial}"),
    };
    assert_eq!(denied, expected);
    bench.wire.fault("kinesis DescribeStreamSummary", Fault::denied("no"));
    assert!(describe_stream(&bench.kinesis, STREAM).await.expect_err("denied").is_not_permitted());

    let absent = list_open_shards(&bench.kinesis, "absent").await.expect_err("absent");
    assert!(!absent.is_not_permitted());
    let text = absent.to_string();
    assert!(text.starts_with("ListShards of stream absent failed: ResourceNotFoundException: "), "{text}");
    assert!(text.ends_with("; check the stream's name, the region and the account"), "{text}");

    bench.wire.faults("kinesis ListShards", usize::MAX, Fault::Unreachable);
    let cut_off = list_open_shards(&bench.kinesis, STREAM).await.expect_err("cut off");
    assert!(!cut_off.is_not_permitted() && cut_off.to_string().contains("connection refused"), "{cut_off}");
}
