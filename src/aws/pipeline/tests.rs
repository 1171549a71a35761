use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    prefix::{Prefix, Use},
    schema,
    spec::{
        Buffer, Catalog, Compression, Deliver, Format, Length, Load, Name, PartitionKey, Partitions, Rate, RedshiftAt,
        RedshiftDelivery, RedshiftLoad, S3Delivery, Stream, Structs, Target, Thresholds, Workload,
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

fn redshift(at: RedshiftAt, load: RedshiftLoad) -> Stack {
    let redshift = RedshiftDelivery {
        at,
        database: "dev".to_owned(),
        schema: Name::Stem("tpcds".to_owned()),
        table: "sales".to_owned(),
        load,
        role: None,
        secret: (load == RedshiftLoad::Firehose).then(|| "demo/redshift".to_owned()),
        structs: Structs::Varchar,
        prefix: Prefix::parse(PREFIX, Use::Data).expect("a prefix"),
        prefix_text: PREFIX.to_owned(),
        error_prefix: Prefix::parse(ERROR_PREFIX, Use::Error).expect("a prefix"),
        error_prefix_text: ERROR_PREFIX.to_owned(),
        buffer: Buffer { mib: 64, interval: Duration::from_secs(60) },
    };
    Stack { deliver: Deliver { redshift: Some(redshift), ..Deliver::default() }, ..stack(None) }
}

const COPY: RedshiftLoad = RedshiftLoad::Copy { every: Duration::from_secs(10) };

fn demo() -> RedshiftAt {
    RedshiftAt::Workgroup { name: "demo".to_owned() }
}

fn node_of(stack: &Stack, key: &str) -> Node {
    let graph = graph(stack, &id(), schema::store_sales()).expect("a graph");
    graph.nodes().iter().find(|node| node.key.to_string() == key).cloned().unwrap_or_else(|| panic!("no {key}"))
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
fn what_copy_loads_stands_in_a_schema_beside_the_delivery() {
    let schema = "redshift-schema dev.tpcds_7f3a91c2";
    let first = ["stream sales-7f3a91c2", "bucket sales-7f3a91c2", "role sales-7f3a91c2-redshift", schema];
    let second = [
        "redshift-table dev.tpcds_7f3a91c2.sales",
        "object sales-7f3a91c2/redshift/jsonpaths.json",
        "redshift-table dev.tpcds_7f3a91c2.demo_loads",
        "delivery sales-7f3a91c2-redshift",
    ];
    assert_eq!(keys(&redshift(demo(), COPY)), [first, second]);
}

#[test]
fn a_workgroup_of_our_own_comes_before_what_is_in_it() {
    let stack = redshift(RedshiftAt::Created, COPY);
    let layers = keys(&stack);
    let layer_of = |key: &str| layers.iter().position(|layer| layer.iter().any(|other| other == key));
    let order = [
        "role sales-7f3a91c2-copy",
        "redshift-namespace sales-7f3a91c2",
        "redshift-workgroup sales-7f3a91c2",
        "redshift-schema dev.tpcds_7f3a91c2",
        "redshift-table dev.tpcds_7f3a91c2.sales",
    ];
    assert_eq!(order.map(layer_of), [0, 1, 2, 3, 4].map(Some));
    let role = node_of(&stack, order[0]);
    assert_eq!(role.desired["services"], json!(role::REDSHIFT));
    let objects = &role.desired["statements"][1];
    assert_eq!(objects["actions"], json!(["s3:GetObject"]));
    assert_eq!(objects["on"][0]["objects"]["prefix"], "tpcds/sales/");
    assert_eq!(objects["on"][1]["objects"]["prefix"], "redshift/");
    let schema = node_of(&stack, order[3]);
    assert_eq!(schema.desired["database"]["at"], json!({"ours": "sales-7f3a91c2"}));
}

#[test]
fn firehose_reaches_redshift_by_the_secret_alone() {
    let stack = redshift(demo(), RedshiftLoad::Firehose);
    let delivery = node_of(&stack, "redshift-delivery sales-7f3a91c2-redshift");
    assert_eq!(delivery.desired["table"], "tpcds_7f3a91c2.sales");
    assert_eq!(delivery.desired["endpoint"], json!({"workgroup": "demo"}));
    let options = delivery.desired["options"].as_str().expect("a text");
    assert!(options.contains("JSON 's3://sales-7f3a91c2/redshift/jsonpaths.json' GZIP"), "{options}");
    let on: Vec<String> = delivery.depends_on.iter().map(ToString::to_string).collect();
    assert!(on.contains(&"redshift-table dev.tpcds_7f3a91c2.sales".to_owned()), "{on:?}");
    let role = node_of(&stack, "role sales-7f3a91c2-redshift");
    let secret = &role.desired["statements"][3];
    assert_eq!(secret["actions"], json!(["secretsmanager:GetSecretValue"]));
    assert_eq!(secret["on"][0]["resource"]["resource"], "secret:demo/redshift-??????");
    assert!(!keys(&stack).concat().iter().any(|key| key.contains("demo_loads")));
}
