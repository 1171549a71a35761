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
        "deliver.redshift.prefix=null",
        "deliver.redshift.error_prefix=null",
    ];
    let expected = ["redshift-delivery: destination: another kind, expected the one in the stack file"];
    is_refused(&bench, &to, &expected).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn another_format_or_place_of_objects_that_are_there() {
    let bench = Bench::of("store-sales-parquet");
    bench.made(&[]).await;
    let bucket = format!("store-sales-parquet-{}", bench.suffix());
    bench.land(&bucket, "tpcds/parquet/store_sales/year=2026/a").await;
    let (open_x, parquet) =
        ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe");
    let json = format!("table: SerDe: {parquet}, expected {open_x}, which would not read the objects that are there");
    is_refused(&bench, &["deliver.s3.format=json", "deliver.s3.compression=gzip"], &[&json]).await;
    let moved = format!(
        "table: location: s3://{bucket}/tpcds/parquet/store_sales/, expected s3://{bucket}/store_sales/, \
         which would not read the objects that are there"
    );
    is_refused(&bench, &[&format!("deliver.s3.prefix=store_sales/{DAYS}")], &[&moved]).await;
    bench.is_settled(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn another_pattern_of_projected_keys() {
    let bench = Bench::of("store-sales-s3");
    let projected = "deliver.s3.catalog.partitions=projected";
    bench.made(&[projected]).await;
    let months = format!("deliver.s3.prefix=tpcds/streaming/store_sales/{}", DAYS.replace("MM", "M"));
    let one_digit = [projected, months.as_str()];
    let digits = "table: parameter projection.month.digits: 2, expected none";
    let prefix = format!("delivery: prefix: tpcds/streaming/store_sales/{DAYS}, expected {}", &months[18..]);
    bench.changes_to(&one_digit, &[&prefix, digits]).await;
    bench.up(&[projected]).await.expect("back again, as nothing has landed");
    bench.land(&format!("store-sales-{}", bench.suffix()), "tpcds/streaming/store_sales/year=2026/month=05/a").await;
    let refused = format!("{digits}, which would not read the objects that are there");
    is_refused(&bench, &one_digit, &[&refused]).await;
    // Registered partitions are where they are.
    bench
        .changes_to(
            &["deliver.s3.catalog.partitions=registered"],
            &["table: partitions: projected, expected registered"],
        )
        .await;
}
