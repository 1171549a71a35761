use super::*;
use crate::service::Call;

fn range(shard: &Value) -> (u128, u128) {
    let key = |which: &str| text(&shard["HashKeyRange"][which]).parse().expect("a hash key");
    (key("StartingHashKey"), key("EndingHashKey"))
}

fn is_open(shard: &Value) -> bool {
    shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none()
}

/// The open ranges in order: together they are all hash keys, once.
fn open_ranges(shards: &[Value]) -> Vec<(u128, u128)> {
    let mut ranges: Vec<_> = shards.iter().filter(|shard| is_open(shard)).map(range).collect();
    ranges.sort_unstable();
    assert_eq!(ranges[0].0, 0);
    assert_eq!(ranges[ranges.len() - 1].1, u128::MAX);
    ranges.windows(2).for_each(|pair| assert_eq!(pair[0].1 + 1, pair[1].0));
    ranges
}

#[tokio::test]
async fn hash_keys_are_split_as_aws_splits_them() {
    let bench = Bench::new();
    bench.stream("three", 3).await;
    bench.stream("four", 4).await;
    bench.stream("one", 1).await;
    let third = 113_427_455_640_312_821_154_458_202_477_256_070_485_u128;
    let expected = [(0, third - 1), (third, 2 * third - 1), (2 * third, u128::MAX)];
    assert_eq!(open_ranges(&bench.shards("three").await), expected);
    assert_eq!(open_ranges(&bench.shards("four").await)[1], (1 << 126, (1 << 127) - 1));
    assert_eq!(open_ranges(&bench.shards("one").await), [(0, u128::MAX)]);
}

#[tokio::test]
async fn a_split_shard_ends_and_names_its_children() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    bench.put("s", 0, "before").await;
    let half = 1_u128 << 127;
    let parent = "shardId-000000000000";
    let split = json!({"StreamName": "s", "ShardToSplit": parent, "NewStartingHashKey": half.to_string()});
    bench.call("SplitShard", split).await;
    assert_eq!(bench.status("s").await, "UPDATING");
    bench.put("s", 0, "low").await;
    bench.put("s", half, "high").await;
    bench.settle();
    assert_eq!(bench.status("s").await, "ACTIVE");
    for _ in 0..2 {
        let shards = bench.shards("s").await;
        assert_eq!(open_ranges(&shards), [(0, half - 1), (half, u128::MAX)]);
        assert!(!is_open(&shards[0]));
        assert_eq!((&shards[1]["ParentShardId"], &shards[2]["ParentShardId"]), (&json!(parent), &json!(parent)));
        assert!(shards[1].get("AdjacentParentShardId").is_none());
        let iterator = bench.iterator(json!({}), "s", parent, "TRIM_HORIZON").await;
        let answer = bench.records(&iterator).await;
        assert_eq!(data(&answer), ["before"]);
        assert!(answer.get("NextShardIterator").is_none());
        let children = answer["ChildShards"].as_array().unwrap();
        assert_eq!(
            children.iter().map(|c| text(&c["ShardId"])).collect::<Vec<_>>(),
            ["shardId-000000000001", "shardId-000000000002"]
        );
        assert_eq!(children[0]["ParentShards"], json!([parent]));
        assert_eq!(bench.data("s", "shardId-000000000001").await, ["low"]);
        assert_eq!(bench.data("s", "shardId-000000000002").await, ["high"]);
        bench.reopen();
    }
    let infos = bench.kinesis.shards(&arn("s")).unwrap();
    assert_eq!(infos.iter().map(|info| info.closed).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(infos[2].parents, [parent]);
}

/// Each shard begins after its parents have ended, by their sequence numbers; all these have as many digits.
fn follow_their_parents(shards: &[Value]) {
    let number = |shard: &Value, which: &str| text(&shard["SequenceNumberRange"][which]);
    let by_id = |id: &Value| shards.iter().find(|shard| shard["ShardId"] == *id).expect("a parent is listed");
    let mut children = 0;
    for shard in shards {
        for parent in ["ParentShardId", "AdjacentParentShardId"].iter().filter_map(|field| shard.get(*field)) {
            let (end, start) = (number(by_id(parent), "EndingSequenceNumber"), number(shard, "StartingSequenceNumber"));
            assert!(end < start, "{parent} ends at {end}, its child {shard} begins before that");
            children += 1;
        }
    }
    assert!(children > 0);
}

#[tokio::test]
async fn numbers_of_children_follow_those_of_their_parents_though_all_are_made_within_a_second() {
    let bench = Bench::new();
    bench.stream("s", 2).await;
    bench.put("s", 0, "before").await;
    let update = |count: i64| json!({"StreamName": "s", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"});
    for target in [4, 3, 2] {
        bench.call("UpdateShardCount", update(target)).await;
        bench.settle();
    }
    let open: Vec<Value> = bench.shards("s").await.into_iter().filter(is_open).collect();
    let merge = json!({
        "StreamName": "s", "ShardToMerge": open[0]["ShardId"], "AdjacentShardToMerge": open[1]["ShardId"],
    });
    bench.call("MergeShards", merge).await;
    follow_their_parents(&bench.shards("s").await);
}

#[tokio::test]
async fn merged_shards_have_one_child_with_both_as_parents() {
    let bench = Bench::new();
    bench.stream("s", 3).await;
    let (first, second) = ("shardId-000000000000", "shardId-000000000001");
    let merge = |one: &str, other: &str| json!({"StreamName": "s", "ShardToMerge": one, "AdjacentShardToMerge": other});
    let apart = bench.refused("MergeShards", merge(first, "shardId-000000000002")).await;
    assert!(apart.1.ends_with("are not an adjacent pair of shards eligible for merging"), "{apart:?}");
    bench.call("MergeShards", merge(first, second)).await;
    assert_eq!(bench.refused("MergeShards", merge(first, second)).await.0, "ResourceInUseException");
    bench.settle();
    let shards = bench.shards("s").await;
    assert_eq!(open_ranges(&shards).len(), 2);
    assert_eq!(shards[3]["ParentShardId"], first);
    assert_eq!(shards[3]["AdjacentParentShardId"], second);
    bench.put("s", 5, "x").await;
    assert_eq!(bench.data("s", "shardId-000000000003").await, ["x"]);
    assert_eq!(bench.refused("MergeShards", merge(first, second)).await.0, "InvalidArgumentException");
}

#[tokio::test]
async fn the_shard_count_doubles_and_halves_and_no_more() {
    let bench = Bench::new();
    bench.stream("s", 2).await;
    let update = |count: i64| json!({"StreamName": "s", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"});
    assert_eq!(bench.refused("UpdateShardCount", update(5)).await.0, "LimitExceededException");
    let answer = bench.call("UpdateShardCount", update(4)).await;
    assert_eq!((&answer["CurrentShardCount"], &answer["TargetShardCount"]), (&json!(2), &json!(4)));
    bench.settle();
    let shards = bench.shards("s").await;
    assert_eq!((shards.len(), open_ranges(&shards).len()), (6, 4), "two parents, four children");
    for target in [3, 6, 5] {
        bench.call("UpdateShardCount", update(target)).await;
        bench.settle();
        let ranges = open_ranges(&bench.shards("s").await);
        assert_eq!(ranges.len(), target as usize);
        let even = u128::MAX / target as u128;
        assert!(ranges.iter().all(|(first, last)| (last - first).abs_diff(even) < 1 << 22), "{ranges:?}");
    }
    assert_eq!(bench.refused("UpdateShardCount", update(2)).await.0, "LimitExceededException");
    for i in 4..10 {
        bench.call("UpdateShardCount", update(5 + i % 2)).await;
        bench.settle();
    }
    assert_eq!(bench.refused("UpdateShardCount", update(6)).await.0, "LimitExceededException");
    bench.pass(Duration::from_secs(24 * 3600));
    bench.call("UpdateShardCount", update(6)).await;
}

#[tokio::test]
async fn records_follow_a_shard_count_that_changes_under_them() {
    let bench = Bench::unlimited();
    bench.stream("s", 2).await;
    let kinesis = Arc::clone(&bench.kinesis);
    let writer = tokio::task::spawn_blocking(move || {
        let records: Vec<Value> = (0..50).map(|i| entry(b"x", Some(u128::MAX / 50 * i))).collect();
        let call = Call::of("PutRecords", json!({"StreamName": "s", "Records": records}).to_string());
        (0..100).for_each(|_| {
            let answer = kinesis.put_records(&call).expect("it is taken");
            assert!(answer.starts_with(br#"{"FailedRecordCount":0"#));
        });
    });
    for target in [4, 2, 4, 8, 4] {
        let update = json!({"StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"});
        bench.call("UpdateShardCount", update).await;
        bench.settle();
    }
    writer.await.expect("the writer ends");
    let ends = bench.kinesis.shards(&arn("s")).unwrap();
    let total: u64 = ends.iter().map(|shard| bench.kinesis.end(&arn("s"), &shard.id).unwrap()).sum();
    assert_eq!(total, 5_000);
}

#[tokio::test]
async fn shards_are_listed_by_page_and_by_filter() {
    let bench = Bench::new();
    bench.stream("s", 5).await;
    let ids = |answer: &Value| {
        let shards = answer["Shards"].as_array().unwrap().iter();
        shards.map(|shard| text(&shard["ShardId"])[18..].parse().unwrap()).collect::<Vec<u32>>()
    };
    let page = bench.call("ListShards", json!({"StreamName": "s", "MaxResults": 3})).await;
    assert_eq!(ids(&page), [0, 1, 2]);
    let token = json!({"NextToken": page["NextToken"]});
    let rest = bench.call("ListShards", token.clone()).await;
    assert_eq!(ids(&rest), [3, 4]);
    assert!(rest.get("NextToken").is_none());
    let both = json!({"NextToken": page["NextToken"], "StreamName": "s"});
    assert_eq!(bench.refused("ListShards", both).await.0, "InvalidArgumentException");
    bench.pass(Duration::from_secs(10));
    let split = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "1000"});
    bench.call("SplitShard", split).await;
    let before = (START + 5_000) as f64 / 1000.0;
    for (filter, expected) in [
        (json!({"Type": "AT_LATEST"}), vec![1, 2, 3, 4, 5, 6]),
        (json!({"Type": "FROM_TRIM_HORIZON"}), vec![0, 1, 2, 3, 4, 5, 6]),
        (json!({"Type": "AT_TRIM_HORIZON"}), vec![0, 1, 2, 3, 4]),
        (json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000004"}), vec![5, 6]),
        (json!({"Type": "AT_TIMESTAMP", "Timestamp": before}), vec![0, 1, 2, 3, 4]),
        (json!({"Type": "FROM_TIMESTAMP", "Timestamp": before + 60.0}), vec![1, 2, 3, 4, 5, 6]),
    ] {
        let answer = bench.call("ListShards", json!({"StreamARN": arn("s"), "ShardFilter": filter})).await;
        assert_eq!(ids(&answer), expected, "{filter}");
    }
    bench.pass(Duration::from_secs(301));
    assert_eq!(bench.refused("ListShards", token).await.0, "ExpiredNextTokenException");
    bench.pass(Duration::from_secs(25 * 3600));
    assert_eq!(bench.shards("s").await.len(), 6, "the closed shard has expired");
}
