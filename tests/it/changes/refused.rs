//! What would need other resources: refused with every reason, before anything is changed.

use kinesis_demo::engine::{Action, Difference};

use super::Bench;

const DAYS: &str = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";

/// Of each kind that `plan` would replace, the sentences.
async fn replaced(bench: &Bench, sets: &[&str]) -> Vec<String> {
    let planned = bench.plan(sets).await;
    let sentences = planned.iter().filter_map(|(kind, action)| match action {
        Action::Replace(differs) => Some(format!("{kind}: {}", Difference::listed(differs))),
        _ => None,
    });
    sentences.collect()
}

async fn is_refused(bench: &Bench, sets: &[&str], expected: &[&str]) {
    assert_eq!(replaced(bench, sets).await, expected);
    let said = bench.refusal(sets).await;
    for sentence in expected.iter().filter_map(|expected| expected.split_once(": ")).map(|(_, sentence)| sentence) {
        assert!(said.contains(&format!("it would have to be replaced: {sentence}")), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_shards_than_a_day_of_steps_reaches() {
    let bench = Bench::of("stream-only");
    bench.made(&[]).await;
    let wanted = "1025, which takes 11 calls of UpdateShardCount where 10 a day are allowed";
    let expected = format!("stream: shards: 1, expected {wanted}");
    is_refused(&bench, &["stream.shards=1025", "stream.retention=48h"], &[&expected]).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn partition_keys_and_dynamic_partitioning() {
    let bench = Bench::of("store-sales-parquet");
    bench.made(&[]).await;
    let prefix = format!("deliver.s3.prefix=sales/category=!{{partitionKeyFromQuery:category}}/{DAYS}");
    let to = [&prefix, "deliver.s3.partition_by={category: ss_item.i_category}", "stream.shards=2"];
    let expected = [
        "delivery: dynamic partitioning: off, expected on",
        "table: partition keys: year, month, day, expected category, year, month, day",
    ];
    is_refused(&bench, &to, &expected).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn the_key_of_an_item_table() {
    let bench = Bench::of("store-sales-dynamodb");
    bench.made(&[]).await;
    let to = [
        "deliver.dynamodb.key=[ss_item_sk, ss_ticket_number]",
        "deliver.dynamodb.mapping.batch=50",
        "tags={team: sales}",
    ];
    let expected = ["items: key: ss_ticket_number N, ss_item_sk N, expected ss_item_sk N, ss_ticket_number N"];
    is_refused(&bench, &to, &expected).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn the_columns_of_a_redshift_table() {
    let bench = Bench::of("store-sales-redshift");
    bench.made(&[]).await;
    let to = ["deliver.redshift.structs=super", "deliver.redshift.buffer.size=8MiB"];
    let said = replaced(&bench, &to).await;
    assert!(matches!(said.as_slice(), [one] if one.starts_with("redshift-table: column ")), "{said:?}");
    let said = [said[0].as_str()];
    is_refused(&bench, &to, &said).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn the_way_into_redshift() {
    let bench = Bench::of("store-sales-redshift");
    bench.made(&[]).await;
    let to = [
        "deliver.redshift.load=firehose",
        "deliver.redshift.every=null",
        "deliver.redshift.secret=demo/redshift",
        "deliver.redshift.role=null",
    ];
    let expected = ["redshift-delivery: destination: another kind, expected the one in the stack file"];
    is_refused(&bench, &to, &expected).await;
    bench.is_settled(&[]).await;
}
