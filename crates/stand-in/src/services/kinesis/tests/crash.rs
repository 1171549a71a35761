use std::{fs::OpenOptions, io::Write, path::PathBuf};

use super::*;

const SHARD: &str = "shardId-000000000000";

fn segment(bench: &Bench) -> PathBuf {
    bench.folder.path().join("streams/000001-s").join(SHARD).join(format!("{:020}.log", 0))
}

fn append(path: &PathBuf, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[tokio::test]
async fn all_that_was_acknowledged_is_there_after_reopening() {
    let mut bench =
        Bench::with(Limits { shard_write: None, shard_read: None, segment_bytes: 2_000, ..Limits::default() });
    bench.stream("s", 2).await;
    bench.stream("other", 1).await;
    bench.call("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "b"}})).await;
    let mut numbers = Vec::new();
    for i in 0..50 {
        numbers.push(bench.put("s", 0, &format!("{i:0100}")).await);
    }
    let before = bench.shards("s").await;
    bench.reopen();
    assert_eq!(bench.shards("s").await, before);
    assert_eq!(bench.call("ListStreams", json!({})).await["StreamNames"], json!(["other", "s"]));
    let expected: Vec<String> = (0..50).map(|i| format!("{i:0100}")).collect();
    assert_eq!(bench.data("s", SHARD).await, expected);
    assert!(bench.put("s", 0, "next").await > numbers[49]);
    assert_eq!(bench.data("s", SHARD).await[50], "next");
    assert_eq!(bench.data("s", "shardId-000000000001").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_torn_end_is_cut() {
    let mut whole = Bench::new();
    whole.stream("s", 1).await;
    whole.put("s", 0, "one").await;
    let frame = std::fs::read(segment(&whole)).unwrap();
    let torn: [&[u8]; 4] = [&frame[..1], &frame[..19], &frame[..frame.len() - 1], &[0; 64]];
    for end in torn {
        append(&segment(&whole), end);
        whole.reopen();
        assert_eq!(std::fs::read(segment(&whole)).unwrap(), frame, "cut {} bytes", end.len());
        assert_eq!(whole.data("s", SHARD).await, ["one"]);
    }
    whole.put("s", 0, "two").await;
    whole.reopen();
    assert_eq!(whole.data("s", SHARD).await, ["one", "two"]);
}

#[tokio::test]
async fn a_damaged_last_record_is_no_torn_end() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    bench.put("s", 0, "one").await;
    let first = std::fs::metadata(segment(&bench)).unwrap().len() as usize;
    bench.put("s", 0, "two").await;
    let whole = std::fs::read(segment(&bench)).unwrap();
    // In the length, the checksum, the time, the key's length and the data.
    for at in [first, first + 1, first + 3, first + 5, first + 9, first + 16, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(segment(&bench), &damaged).unwrap();
        assert_eq!(bench.data("s", SHARD).await, ["one"], "byte {at}, as it runs");
        bench.reopen();
        assert_eq!(std::fs::read(segment(&bench)).unwrap(), damaged, "byte {at}: nothing is cut");
        assert_eq!(bench.data("s", SHARD).await, ["one"], "byte {at}, opened again");
    }
    bench.put("s", 0, "three").await;
    assert_eq!(bench.data("s", SHARD).await, ["one", "three"]);
    bench.reopen();
    assert_eq!(bench.data("s", SHARD).await, ["one", "three"]);
}

#[tokio::test]
async fn several_damaged_records_in_a_row_end_no_reading() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    let mut ends = Vec::new();
    for text in ["one", "two", "three"] {
        bench.put("s", 0, text).await;
        ends.push(std::fs::metadata(segment(&bench)).unwrap().len() as usize);
    }
    let mut bytes = std::fs::read(segment(&bench)).unwrap();
    (bytes[ends[1] - 1], bytes[ends[2] - 1]) = (0xff, 0xff);
    std::fs::write(segment(&bench), bytes).unwrap();
    assert_eq!(bench.data("s", SHARD).await, ["one"]);
    bench.put("s", 0, "four").await;
    bench.reopen();
    assert_eq!(bench.data("s", SHARD).await, ["one", "four"]);
}

#[tokio::test]
async fn a_damaged_record_is_left_out_and_those_behind_it_are_kept() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    let mut ends = Vec::new();
    for text in ["one", "two", "three", "four"] {
        bench.put("s", 0, text).await;
        ends.push(std::fs::metadata(segment(&bench)).unwrap().len() as usize);
    }
    let whole = std::fs::read(segment(&bench)).unwrap();
    // In the length, the checksum, the time, the key's length and the data of the second.
    for at in [ends[0], ends[0] + 3, ends[0] + 5, ends[0] + 9, ends[0] + 16, ends[1] - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(segment(&bench), &damaged).unwrap();
        assert_eq!(bench.data("s", SHARD).await, ["one", "three", "four"], "byte {at}, as it runs");
        bench.reopen();
        assert_eq!(std::fs::read(segment(&bench)).unwrap(), damaged, "byte {at}: nothing is cut");
        assert_eq!(bench.data("s", SHARD).await, ["one", "three", "four"], "byte {at}, opened again");
    }
    let last = bench.put("s", 0, "five").await;
    assert_eq!(bench.data("s", SHARD).await, ["one", "three", "four", "five"]);
    bench.reopen();
    assert!(bench.put("s", 0, "six").await > last);
}

#[tokio::test]
async fn a_reader_of_a_deleted_stream_is_told_so() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    bench.put("s", 0, "x").await;
    let live = bench.kinesis.open_stream("s").expect("it is open");
    bench.call("DeleteStream", json!({"StreamName": "s"})).await;
    let late = bench.kinesis.read_log(&live, 0, 0, 1, 1).expect_err("its files are gone");
    assert_eq!(late.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_stream_made_again_is_empty_and_takes_no_old_tokens() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    let number = bench.put("s", 0, "old").await;
    let iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    bench.call("DeleteStream", json!({"StreamName": "s"})).await;
    bench.settle();
    bench.stream("s", 1).await;
    assert_eq!(bench.data("s", SHARD).await, Vec::<String>::new());
    let old = bench.refused("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(old.0, "ResourceNotFoundException");
    let at = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": number});
    assert!(bench.refused("GetShardIterator", at).await.1.ends_with("because it did not come from this stream."));
    bench.reopen();
    assert_eq!(bench.data("s", SHARD).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deletion_that_was_cut_short_ends_at_opening() {
    let mut bench = Bench::new();
    bench.stream("s", 1).await;
    bench.put("s", 0, "x").await;
    let folder = bench.folder.path().join("streams/000001-s");
    bench.call("DeleteStream", json!({"StreamName": "s"})).await;
    std::fs::create_dir_all(folder.join(SHARD)).unwrap();
    bench.reopen();
    assert!(!folder.exists());
}
