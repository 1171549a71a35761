use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    prefix::{Prefix, Use},
    schema,
    spec::{
        Buffer, Catalog, Compression, Deliver, FieldPath, Format, Length, Load, Name, PartitionKey, Partitions, Rate,
        S3Delivery, Stream, Target, Thresholds, Workload,
    },
};

const PREFIX: &str = "tpcds/sales/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";
const ERROR_PREFIX: &str = "tpcds/errors/!{firehose:error-output-type}/";

fn id() -> StackId {
    "sales-7f3a91c2".parse().expect("an id")
}

fn stack(s3: Option<S3Delivery>) -> Stack {
    Stack {
        name: "sales".to_owned(),
        target: Target::Local,
        tags: BTreeMap::new(),
        stream: Stream {
            name: Name::Stem("sales".to_owned()),
            mode: StreamMode::Provisioned { shards: 20 },
            retention: Duration::from_secs(24 * 3600),
            max_record_kib: 1024,
        },
        deliver: Deliver { s3, ..Deliver::default() },
        load: Load {
            workload: Workload::StoreSales { scale: 1, seed: 1 },
            rate: Rate::Max,
            length: Length::Records(1),
            partition_key: PartitionKey::Uniform,
        },
        thresholds: Thresholds::default(),
    }
}

fn s3(prefix: &str, catalog: Option<Partitions>) -> S3Delivery {
    S3Delivery {
        bucket: Name::Exact("my-bucket".to_owned()),
        prefix: Prefix::parse(prefix, Use::Data).expect("a prefix"),
        prefix_text: prefix.to_owned(),
        error_prefix: Prefix::parse(ERROR_PREFIX, Use::Error).expect("a prefix"),
        error_prefix_text: ERROR_PREFIX.to_owned(),
        partition_by: BTreeMap::new(),
        buffer: Buffer { mib: 64, interval: Duration::from_secs(60) },
        format: Format::Json,
        compression: Compression::Gzip,
        catalog: catalog.map(|partitions| Catalog {
            database: Name::Stem("tpcds".to_owned()),
            table: "store_sales".to_owned(),
            partitions,
        }),
    }
}

fn keys(stack: &Stack) -> Vec<Vec<String>> {
    let graph = graph(stack, &id(), schema::store_sales()).expect("a graph");
    graph.layers().iter().map(|layer| layer.iter().map(|node| node.key.to_string()).collect()).collect()
}

#[test]
fn any_subset_of_deliveries_is_a_graph() {
    assert_eq!(keys(&stack(None)), [["stream sales-7f3a91c2"]]);
    let first = ["stream sales-7f3a91c2", "bucket my-bucket", "role sales-7f3a91c2-firehose"];
    assert_eq!(keys(&stack(Some(s3(PREFIX, None)))), [first.to_vec(), vec!["delivery sales-7f3a91c2"]]);
    let with_catalog = keys(&stack(Some(s3(PREFIX, Some(Partitions::Registered)))));
    let first = [first.to_vec(), vec!["database tpcds_7f3a91c2"]].concat();
    let second = vec!["delivery sales-7f3a91c2", "table tpcds_7f3a91c2/store_sales", "workgroup sales-7f3a91c2"];
    assert_eq!(with_catalog, [first, second]);
}

#[test]
fn the_journal_holds_what_deleting_needs() {
    let graph =
        graph(&stack(Some(s3(PREFIX, Some(Partitions::Registered)))), &id(), schema::store_sales()).expect("a graph");
    for node in graph.nodes() {
        assert_eq!(node.desired["mark"]["stack"], "sales-7f3a91c2", "{}", node.key);
    }
    assert_eq!(graph.nodes()[0].detail, "20 shards");
}

#[test]
fn projected_partitions_follow_the_prefix() {
    let stack = stack(Some(s3(PREFIX, Some(Partitions::Projected))));
    let graph = graph(&stack, &id(), schema::store_sales()).expect("a graph");
    let table = graph.nodes().iter().find(|node| node.key.kind == table::KIND).expect("a table");
    let projection = &table.desired["projection"];
    let template = "s3://my-bucket/tpcds/sales/year=${year}/month=${month}/day=${day}/";
    assert_eq!(projection["storage.location.template"], template);
    assert_eq!(projection["projection.enabled"], "true");
    assert_eq!(projection["projection.month.range"], "1,12");
    assert_eq!(projection["projection.month.digits"], "2");
    assert_eq!(projection["projection.year.digits"], "4");
    assert_eq!(table.desired["location"], "s3://my-bucket/tpcds/sales/");
}

#[test]
fn a_key_that_cannot_be_projected_is_refused() {
    let prefix = "a/shard=!{timestamp:yyyy}/";
    let error = graph(&stack(Some(s3(prefix, Some(Partitions::Projected)))), &id(), schema::store_sales()).map(drop);
    assert_eq!(error, Err(PipelineError::Projection("shard".to_owned())));
}

#[test]
fn parquet_waits_for_the_table_and_may_read_its_columns() {
    let with =
        |catalog| S3Delivery { format: Format::Parquet, compression: Compression::Snappy, ..s3(PREFIX, catalog) };
    let graph = graph(&stack(Some(with(Some(Partitions::Registered)))), &id(), schema::store_sales()).expect("a graph");
    let of = |kind: &str| graph.nodes().iter().find(|node| node.key.kind == kind).expect("a node");
    let table = ResourceKey::new(table::KIND, "tpcds_7f3a91c2/store_sales");
    assert!(of(delivery::KIND).depends_on.contains(&table));
    assert_eq!(of(table::KIND).desired["format"], "parquet");
    let statements = of(role::KIND).desired["statements"].to_string();
    assert!(statements.contains("glue:GetTableVersions") && statements.contains("table/tpcds_7f3a91c2/store_sales"));
    let alone = super::graph(&stack(Some(with(None))), &id(), schema::store_sales()).map(drop);
    assert_eq!(alone, Err(PipelineError::Parquet));
}

#[test]
fn a_table_may_have_no_partitions_and_no_column_twice() {
    let prefix = "a/year=!{timestamp:yyyy}/ss_item_sk=!{partitionKeyFromQuery:item}/";
    let path = FieldPath(vec!["ss_item_sk".to_owned()]);
    let with = |partitions| S3Delivery {
        partition_by: [("item".to_owned(), path.clone())].into(),
        ..s3(prefix, Some(partitions))
    };
    let graph = |partitions| super::graph(&stack(Some(with(partitions))), &id(), schema::store_sales());
    assert_eq!(graph(Partitions::Registered).map(drop), Err(PipelineError::PartitionKey("ss_item_sk".to_owned())));
    let graph = graph(Partitions::None).expect("a graph");
    let table = graph.nodes().iter().find(|node| node.key.kind == table::KIND).expect("a table");
    assert_eq!((&table.desired["partition_keys"], &table.desired["projection"]), (&json!([]), &json!({})));
}

#[test]
fn a_value_of_the_document_cannot_be_projected() {
    let prefix = "a/year=!{partitionKeyFromQuery:year}/";
    let error = graph(&stack(Some(s3(prefix, Some(Partitions::Projected)))), &id(), schema::store_sales()).map(drop);
    assert_eq!(error, Err(PipelineError::Projection("year".to_owned())));
}
