//! Records that were packed into others.

use std::ops::Range;

use kinesis_aggregation::{self, UserRecord};

use super::*;

/// Lines in one record, in base64.
fn aggregate(numbers: Range<usize>, end: &str) -> String {
    packed(numbers.map(|number| format!("line {number}{end}")))
}

/// Each in a user record, in base64.
fn packed(documents: impl IntoIterator<Item = String>) -> String {
    let record = |document: String| UserRecord::new(document.as_str(), document.as_str());
    base64_simd::STANDARD
        .encode_to_string(kinesis_aggregation::encode(&documents.into_iter().map(record).collect::<Vec<_>>()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aggregated_records_are_taken_apart() {
    let rig = Rig::new().await;
    rig.create(from_stream("d", &destination(0))).await;
    rig.kinesis("PutRecord", json!({"StreamName": "sales", "PartitionKey": "a", "Data": aggregate(0..3, "\n")})).await;
    rig.send(3, 5).await;
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 5));
}

/// Each gets its own delimiter; once more as well, when the process was killed between putting and noting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_aggregated_is_delimited_record_by_record() {
    let mut rig = Rig::new().await;
    let mut delimited = destination(0);
    delimited["ProcessingConfiguration"] =
        json!({"Enabled": true, "Processors": [{"Type": "AppendDelimiterToRecord"}]});
    rig.create(from_stream("d", &delimited)).await;
    rig.reopen_with_policy(Some(DENY_ALL));
    for numbers in [0..2, 2..2, 2..7, 7..8] {
        let data = aggregate(numbers, "");
        rig.kinesis("PutRecord", json!({"StreamName": "sales", "PartitionKey": "a", "Data": data})).await;
    }
    let file = progress_file(&rig, "d");
    until("an object is intended", async || !progress_in(&file).landing.is_empty()).await;
    rig.reopen_with_policy(None);
    rig.caught_up("d").await;
    assert_eq!(rig.lines().await, expected(0, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_directly_stays_aggregated() {
    let rig = Rig::new().await;
    rig.create(from_puts("d", &destination(0))).await;
    let data = aggregate(0..3, "\n");
    rig.call("PutRecord", json!({"DeliveryStreamName": "d", "Record": {"Data": data}})).await;
    until("an object", async || !rig.objects().await.is_empty()).await;
    assert_eq!(base64_simd::STANDARD.encode_to_string(&rig.objects().await[0].1), data);
}

/// Partitions and Parquet are made of the documents, not of the record that they came in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_aggregated_is_partitioned_document_by_document() {
    let rig = Rig::new().await;
    let mut partitioned = destination(0);
    let parameters = json!([
        {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{kind: .kind}"},
        {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
    ]);
    partitioned["BufferingHints"] = json!({"SizeInMBs": 64, "IntervalInSeconds": 1});
    partitioned["Prefix"] = json!("by/!{partitionKeyFromQuery:kind}/");
    partitioned["DynamicPartitioningConfiguration"] = json!({"Enabled": true});
    let processors = json!([
        {"Type": "MetadataExtraction", "Parameters": parameters}, {"Type": "AppendDelimiterToRecord"},
    ]);
    partitioned["ProcessingConfiguration"] = json!({"Enabled": true, "Processors": processors});
    rig.create(from_stream("d", &partitioned)).await;
    let documents = [r#"{"kind": "a", "n": 1}"#, r#"{"kind": "b", "n": 2}"#, "broken", r#"{"kind": "a", "n": 3}"#];
    let data = packed(documents.map(str::to_owned));
    rig.kinesis("PutRecord", json!({"StreamName": "sales", "PartitionKey": "a", "Data": data})).await;
    rig.caught_up("d").await;
    let under = async |prefix: &str| {
        let objects = rig.objects().await.into_iter().filter(|(key, _)| key.starts_with(prefix));
        objects.map(|(_, data)| String::from_utf8(data).expect("text")).collect::<String>()
    };
    assert_eq!(under("by/a/").await, format!("{}\n{}\n", documents[0], documents[3]));
    assert_eq!(under("by/b/").await, format!("{}\n", documents[1]));
    let failed: Value = serde_json::from_str(&under("errors/").await).expect("one line of JSON");
    let raw = base64_simd::STANDARD.decode_to_vec(text(&failed["rawData"])).expect("base64");
    assert_eq!(String::from_utf8(raw).expect("text").trim_end(), "broken");
}
