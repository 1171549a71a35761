//! What changes in place, of every kind of resource.

use serde_json::json;

use super::{Bench, said};

const DAYS: &str = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";

#[tokio::test(start_paused = true)]
async fn a_stream_grows_and_shrinks_in_legal_steps() {
    let bench = Bench::of("stream-only");
    bench.made(&[]).await;
    bench.changes_to(&["stream.shards=2"], &["stream: shards: 1, expected 2"]).await;
    for (shards, steps) in [("stream.shards=9", 3), ("stream.shards=2", 3)] {
        bench.wire.forget();
        bench.up(&[shards]).await.expect("up");
        let resizes = bench.wire.changes().iter().filter(|call| *call == "kinesis UpdateShardCount").count();
        assert_eq!(resizes, steps, "{shards}: 4, 8, 9 and 5, 3, 2");
        bench.is_settled(&[shards]).await;
    }
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_streams_settings_and_tags_there_and_back() {
    let bench = Bench::of("stream-only");
    let to = ["stream.retention=48h", "stream.max_record=2MiB", "tags={team: sales, cost: seven}"];
    let expected = [
        "stream: largest record (KiB): 1024, expected 2048",
        "stream: retention (h): 24, expected 48",
        "stream: tag cost: missing, expected seven",
        "stream: tag team: demo, expected sales",
    ];
    bench.changes(&["tags={team: demo}"], &to, &expected).await;
    let expected = ["stream: largest record (KiB): 2048, expected 1024", "stream: retention (h): 48, expected 24"];
    // The tags that the stack file has dropped stay.
    bench.changes_to(&[], &expected).await;
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_changes_its_mode_both_ways() {
    let bench = Bench::of("stream-only");
    let on_demand = ["stream.mode=on-demand", "stream.shards=null"];
    bench.changes(&["stream.shards=2"], &on_demand, &["stream: mode: provisioned, expected on-demand"]).await;
    let back = ["stream: mode: on-demand, expected provisioned", "stream: shards: 2, expected 5"];
    bench.changes_to(&["stream.shards=5"], &back).await;
    let third = bench.up(&on_demand).await.expect_err("a third time in a day").to_string();
    assert!(third.contains("UpdateStreamMode") && third.contains("2 times in 24 hours"), "{third}");
    // The stack file is put back; what was begun is ended.
    bench.up(&["stream.shards=5"]).await.expect("up");
    bench.is_settled(&["stream.shards=5"]).await;
    bench.is_taken_down(&[]).await;
}

/// Each change is another revision, and the one before it goes.
#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_load() {
    let bench = Bench::of("stream-only");
    let (from, to) = (
        ["load.workers.fargate={tasks: 2, cpu: 1, memory: 2GiB}"],
        ["load.workers.fargate={tasks: 3, cpu: 2, memory: 4GiB, image: mine}", "tags={team: demo}"],
    );
    let image = "public.ecr.aws/amazonlinux/amazonlinux:2023-minimal";
    let tag = "tag team: missing, expected demo";
    let in_definition = [
        format!("task-definition: {tag}"),
        "task-definition: CPU units: 1024, expected 2048".to_owned(),
        "task-definition: memory (MiB): 2048, expected 4096".to_owned(),
        format!("task-definition: image: {image}, expected mine"),
    ];
    bench.made(&from).await;
    let planned = said(&bench.plan(&to).await);
    assert_eq!(planned.iter().filter(|said| said.ends_with(tag)).count(), planned.len() - 3, "{planned:#?}");
    assert!(in_definition.iter().all(|said| planned.contains(said)), "{planned:#?}");
    assert!(planned.contains(&format!("cluster: {tag}")) && planned.contains(&format!("security-group: {tag}")));
    bench.up(&to).await.expect("up");
    bench.is_settled(&to).await;
    let inventory = bench.stand_in.inventory().expect("readable");
    let definitions: Vec<&str> = inventory.names().filter(|name| name.starts_with("ecs task definition")).collect();
    assert!(definitions.len() == 1 && definitions[0].ends_with(":2"), "{definitions:?}");
    bench.is_taken_down(&to).await;
    let inventory = bench.stand_in.inventory().expect("readable");
    let left: Vec<&str> =
        inventory.names().filter(|name| name.starts_with("ecs ") || name.starts_with("ec2 ")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_to_s3_and_its_table() {
    let bench = Bench::of("store-sales-s3");
    bench.made(&[]).await;
    let bucket = format!("store-sales-{}", bench.suffix());
    let prefix = format!("deliver.s3.prefix=sales/{DAYS}");
    let to = [
        prefix.as_str(),
        "deliver.s3.error_prefix=wrong/!{firehose:error-output-type}/",
        "deliver.s3.buffer={size: 7MiB, interval: 9s}",
        "deliver.s3.compression=none",
        "deliver.s3.catalog.partitions=projected",
    ];
    let old = "tpcds/streaming/store_sales";
    let expected = [
        &format!("delivery: prefix: {old}/{DAYS}, expected sales/{DAYS}"),
        &format!(
            "delivery: error prefix: {old}_error/{DAYS}!{{firehose:error-output-type}}/, \
             expected wrong/!{{firehose:error-output-type}}/"
        ),
        "delivery: buffer size (MiB): 64, expected 7",
        "delivery: buffer interval (s): 5, expected 9",
        "delivery: compression: GZIP, expected UNCOMPRESSED",
        &format!("table: location: s3://{bucket}/{old}/, expected s3://{bucket}/sales/"),
        "table: partitions: registered, expected projected",
    ];
    bench.changes_to(&to, &expected).await;
    let registered = [&to[..4], &["deliver.s3.catalog.partitions=registered"]].concat();
    let expected = ["table: partitions: projected, expected registered"];
    bench.changes_to(&registered, &expected).await;
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn parquet_and_json_in_turn() {
    let bench = Bench::of("store-sales-parquet");
    bench.made(&[]).await;
    let table = format!("tpcds_{}.store_sales", bench.suffix());
    let gzip = format!("delivery: format: Parquet (SNAPPY) as {table}, expected Parquet (GZIP) as {table}");
    bench.changes_to(&["deliver.s3.compression=gzip"], &[&gzip]).await;
    let json = ["deliver.s3.compression=gzip", "deliver.s3.format=json"];
    let planned = said(&bench.plan(&json).await);
    let (open_x, parquet) =
        ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe");
    assert_eq!(planned[0], "delivery: compression: UNCOMPRESSED, expected GZIP");
    assert_eq!(planned[1], format!("delivery: format: Parquet (GZIP) as {table}, expected JSON"));
    assert!(planned[2].starts_with("role firehose: policy: {") && planned[2].contains("glue:GetTable"), "{planned:?}");
    assert!(planned[2].ends_with("}, expected without more"), "{planned:?}");
    assert_eq!(planned[3..], [format!("table: SerDe: {parquet}, expected {open_x}")]);
    bench.up(&json).await.expect("up");
    bench.is_settled(&json).await;
    assert_eq!(said(&bench.plan(&[]).await).len(), 4, "and back");
    bench.up(&[]).await.expect("up");
    bench.is_settled(&[]).await;
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_query_of_dynamic_partitioning() {
    let bench = Bench::of("store-sales-parquet");
    let prefix = format!("deliver.s3.prefix=sales/category=!{{partitionKeyFromQuery:category}}/{DAYS}");
    let of = |path: &str| format!("deliver.s3.partition_by={{category: {path}}}");
    let (from, to) = (of("ss_item.i_category"), of("ss_item.i_class"));
    bench.made(&[&prefix, &from]).await;
    let planned = said(&bench.plan(&[&prefix, &to]).await);
    assert!(
        matches!(planned.as_slice(), [one] if one.starts_with("delivery: partition query: {category:")),
        "{planned:?}"
    );
    bench.up(&[&prefix, &to]).await.expect("up");
    bench.is_settled(&[&prefix, &to]).await;
    bench.is_taken_down(&[&prefix, &to]).await;
}

#[tokio::test(start_paused = true)]
async fn a_function_and_what_feeds_it() {
    let bench = Bench::of("store-sales-dynamodb");
    let to = [
        "deliver.dynamodb.function={memory: 256MiB, timeout: 30s}",
        "deliver.dynamodb.mapping={batch: 50, window: 2s, parallel: 3, retries: 1, max_age: 2h}",
    ];
    let expected = [
        "function: memory (MiB): 512, expected 256",
        "function: timeout (s): 60, expected 30",
        "mapping: batch: 100, expected 50",
        "mapping: window (s): 1, expected 2",
        "mapping: parallel batches per shard: 1, expected 3",
        "mapping: retries: 3, expected 1",
        "mapping: maximum record age (s): 3600, expected 7200",
    ];
    bench.changes(&[], &to, &expected).await;
    bench.write_code(b"and more");
    let planned = said(&bench.plan(&to).await);
    assert!(matches!(planned.as_slice(), [one] if one.starts_with("function: code: ")), "{planned:?}");
    bench.up(&to).await.expect("up");
    bench.is_settled(&to).await;
    bench.is_taken_down(&to).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_on_the_way_to_a_copy() {
    let bench = Bench::of("store-sales-redshift");
    let expected = [
        "delivery redshift: buffer size (MiB): 64, expected 8",
        "delivery redshift: buffer interval (s): 5, expected 7",
    ];
    bench.changes(&[], &["deliver.redshift.buffer={size: 8MiB, interval: 7s}"], &expected).await;
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_copies_by_itself() {
    let bench = Bench::of("store-sales-redshift-firehose");
    let expected = [
        "redshift-delivery: buffer size (MiB): 64, expected 8",
        "redshift-delivery: buffer interval (s): 5, expected 7",
    ];
    bench.changes(&[], &["deliver.redshift.buffer={size: 8MiB, interval: 7s}"], &expected).await;
    bench.is_taken_down(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn columns_of_documents_of_your_own() {
    let bench = Bench::of("your-own-json");
    let template =
        |fields: &str| format!(r#"load.workload.template={{file: null, text: '{fields}', seed: 1, key: [id]}}"#);
    let from = template(r#"{"id": {{ sequence }}, "name": "{{ city }}", "gone": 1}"#);
    let to = template(r#"{"id": {{ sequence }}, "name": {{ int(1, 5) }}, "new": "{{ city }}"}"#);
    let expected = [
        "table: column name: string, expected bigint",
        "table: column new: none, expected string",
        "table: column gone: bigint, expected none",
    ];
    bench.changes(&[&from], &[&to], &expected).await;
    bench.is_taken_down(&[&to]).await;
}

#[tokio::test(start_paused = true)]
async fn a_tag_of_everything_that_takes_one() {
    let bench = Bench::of("store-sales-everything");
    let kinds = [
        "bucket",
        "database",
        "delivery",
        "delivery redshift",
        "function",
        "items",
        "logs",
        "mapping",
        "role firehose",
        "role function",
        "role redshift",
        "stream",
        "table",
        "workgroup",
    ];
    let expected = kinds.map(|kind| format!("{kind}: tag team: demo, expected sales"));
    let expected = expected.each_ref().map(String::as_str);
    bench.changes(&["tags={team: demo}"], &["tags={team: sales}"], &expected).await;
    bench.is_taken_down(&[]).await;
    let bench = Bench::of("store-sales-redshift");
    let own = ["deliver.redshift.workgroup=null", "deliver.redshift.create=true"];
    bench.made(&own).await;
    let tagged = [&own[..], &["tags={team: sales}"]].concat();
    let planned = said(&bench.plan(&tagged).await);
    for kind in ["redshift-namespace", "redshift-workgroup"] {
        assert!(planned.contains(&format!("{kind}: tag team: missing, expected sales")), "{planned:?}");
    }
    bench.up(&tagged).await.expect("up");
    bench.is_settled(&tagged).await;
    bench.is_taken_down(&own).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_changed_by_hand_is_changed_back() {
    let bench = Bench::of("store-sales-everything");
    bench.made(&[]).await;
    let (clients, id) = (bench.wire.clients().await, format!("store-sales-everything-{}", bench.suffix()));
    let private = aws_sdk_s3::types::PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
    let call = clients.s3.put_public_access_block().bucket(&id).public_access_block_configuration(private);
    call.send().await.expect("opened");
    let call = clients.logs.put_retention_policy().log_group_name(format!("/aws/lambda/{id}")).retention_in_days(7);
    call.send().await.expect("kept longer");
    let nobody = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
    }});
    let role = format!("{id}-function");
    let call = clients.iam.update_assume_role_policy().role_name(&role).policy_document(nobody.to_string());
    call.send().await.expect("shut");
    let planned = said(&bench.plan(&[]).await);
    assert_eq!(planned[0], "bucket: public access: not blocked, expected blocked");
    assert_eq!(planned[1], "logs: retention (days): 7, expected 1");
    let trust = planned[2].strip_prefix("role function: trust: {");
    assert!(trust.is_some_and(|trust| trust.contains("Deny") && trust.contains("}, expected {")), "{planned:?}");
    assert_eq!(planned.len(), 3);
    bench.up(&[]).await.expect("up");
    bench.is_settled(&[]).await;
    bench.is_taken_down(&[]).await;
}
