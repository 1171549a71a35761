use std::{collections::BTreeMap, time::Duration};

use demo_formats::{
    prefix::{Prefix, Use},
    schema::{self, FieldPath, Structs},
};

use demo_function::TableKey;
use serde_json::json;

use super::*;
use crate::{
    aws::{
        delivery::Deliveries,
        function::{self, Functions},
        item_table::ItemTables,
        packaging::{Architecture, Package},
        role::{self, Roles},
        table::Tables,
    },
    deliveries::{
        dynamodb::{DynamoDbDelivery, DynamoDbError, FunctionSettings, MappingSettings},
        redshift::{RedshiftAt, RedshiftDelivery, RedshiftLoad},
        s3::{Catalog, NotProjected, Partitions, S3Delivery, S3Error},
        spec::Deliver,
    },
    spec::{
        Buffer, Compression, Format, Length, Load, Name, PartitionKey, Schedule, Sending, Stream, Target, Thresholds,
        Workload,
    },
};

const PREFIX: &str = "tpcds/sales/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";
const ERROR_PREFIX: &str = "tpcds/errors/!{firehose:error-output-type}/";

fn id() -> StackId {
    "sales-7f3a91c2".parse().expect("an id")
}

fn opened_at() -> DateTime<Utc> {
    "2026-11-24T10:00:00Z".parse().expect("a time")
}

fn materials() -> Materials<'static> {
    Materials { schema: schema::store_sales(), function: None, worker: None }
}

fn stack(s3: Option<S3Delivery>) -> Stack {
    Stack {
        name: "sales".to_owned(),
        target: Target::Local,
        tags: BTreeMap::new(),
        ttl: None,
        stream: Stream {
            name: Name::Stem("sales".to_owned()),
            mode: StreamMode::Provisioned { shards: 20 },
            retention: Duration::from_secs(24 * 3600),
            max_record_kib: 1024,
        },
        deliver: Deliver { s3, ..Deliver::default() },
        mirror: false,
        load: Load {
            imperfect: None,
            workload: Workload::StoreSales { scale: 1, seed: 1 },
            schedule: Schedule::Max(Length::Records(1)),
            give_up: Duration::from_secs(60),
            partition_key: PartitionKey::Uniform,
            events: Vec::new(),
            sending: Sending::default(),
            workers: None,
        },
        budget: None,
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
    let (prefix, error_prefix) = match load {
        RedshiftLoad::Copy { .. } => (PREFIX, Some(ERROR_PREFIX)),
        RedshiftLoad::Firehose => ("tpcds/through/", None),
    };
    let redshift = RedshiftDelivery {
        at,
        database: "dev".to_owned(),
        schema: Name::Stem("tpcds".to_owned()),
        table: "sales".to_owned(),
        load,
        role: None,
        secret: (load == RedshiftLoad::Firehose).then(|| "demo/redshift".to_owned()),
        structs: Structs::Varchar,
        prefix: Prefix::parse(prefix, Use::Data).expect("a prefix"),
        prefix_text: prefix.to_owned(),
        error_prefix: error_prefix.map(|text| Prefix::parse(text, Use::Error).expect("a prefix")),
        error_prefix_text: error_prefix.map(str::to_owned),
        buffer: Buffer { mib: 64, interval: Duration::from_secs(60) },
        max_errors: 0,
    };
    Stack { deliver: Deliver { redshift: Some(redshift), ..Deliver::default() }, ..stack(None) }
}

const COPY: RedshiftLoad = RedshiftLoad::Copy { every: Duration::from_secs(10) };

fn demo() -> RedshiftAt {
    RedshiftAt::Workgroup { name: "demo".to_owned() }
}

fn node_of(stack: &Stack, key: &str) -> Node {
    let graph = graph(stack, &id(), opened_at(), &materials()).expect("a graph");
    graph.nodes().iter().find(|node| node.key.to_string() == key).cloned().unwrap_or_else(|| panic!("no {key}"))
}

/// Why a delivery of the stack cannot be made.
fn refused<E: std::error::Error + Clone + 'static>(made: Result<Graph, PipelineError>) -> E {
    match made.expect_err("refused") {
        PipelineError::Delivery(error) => error.downcast_ref::<E>().expect("of this delivery").clone(),
        error => panic!("{error}"),
    }
}

fn keys(stack: &Stack) -> Vec<Vec<String>> {
    let graph = graph(stack, &id(), opened_at(), &materials()).expect("a graph");
    graph.layers().iter().map(|layer| layer.iter().map(|node| node.key.to_string()).collect()).collect()
}

#[test]
fn a_mirror_is_made_first_and_goes_last() {
    let stack = Stack { mirror: true, ..stack(None) };
    assert_eq!(keys(&stack), [["bucket sales-7f3a91c2"], ["stream sales-7f3a91c2"]]);
    let stack = Stack { mirror: true, ..redshift(RedshiftAt::Created, COPY) };
    assert_eq!(keys(&stack)[0], ["bucket sales-7f3a91c2"]);
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
    let graph = graph(&stack(Some(s3(PREFIX, Some(Partitions::Registered)))), &id(), opened_at(), &materials())
        .expect("a graph");
    for node in graph.nodes() {
        assert_eq!(node.desired["mark"]["stack"], "sales-7f3a91c2", "{}", node.key);
    }
    assert_eq!(graph.nodes()[0].detail, "20 shards");
}

#[test]
fn projected_partitions_follow_the_prefix() {
    let stack = stack(Some(s3(PREFIX, Some(Partitions::Projected))));
    let graph = graph(&stack, &id(), opened_at(), &materials()).expect("a graph");
    let table = graph.nodes().iter().find(|node| node.key.kind == Tables::KIND).expect("a table");
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
    let prefix = "a/when=!{timestamp:MM-dd}/";
    let made = graph(&stack(Some(s3(prefix, Some(Partitions::Projected)))), &id(), opened_at(), &materials());
    let why = "it is neither one field nor a date from its year on";
    assert_eq!(refused::<S3Error>(made), S3Error::Projection(NotProjected { key: "when".to_owned(), why }));
}

#[test]
fn a_key_is_projected_by_its_pattern_whatever_it_is_called() {
    let prefix = "a/shard=!{timestamp:yyyy}/raw/hour=!{timestamp:yyyyMMddHH}/!{timestamp:mm}/";
    let stack = stack(Some(s3(prefix, Some(Partitions::Projected))));
    let table = node_of(&stack, "table tpcds_7f3a91c2/store_sales");
    let projection = &table.desired["projection"];
    assert_eq!(projection["storage.location.template"], "s3://my-bucket/a/shard=${shard}/raw/hour=${hour}/");
    assert_eq!(projection["projection.shard.type"], "integer");
    let hour = ["type", "format", "interval.unit", "range"].map(|name| &projection[format!("projection.hour.{name}")]);
    assert_eq!(hour, ["date", "yyyyMMddHH", "HOURS", "NOW-366DAYS,NOW+1DAYS"]);
    assert_eq!(table.desired["partition_keys"], json!(["shard", "hour"]));
}

fn dynamodb(key: &[&str]) -> Stack {
    let mut stack = stack(None);
    stack.deliver.dynamodb = Some(DynamoDbDelivery {
        table: Name::Stem("store_sales".to_owned()),
        key: TableKey::Fields(key.iter().map(|&name| name.to_owned()).collect()),
        function: FunctionSettings { memory_mib: 512, timeout: Duration::from_secs(60) },
        mapping: MappingSettings {
            batch: 100,
            window: Duration::from_secs(1),
            parallel: 1,
            retries: 3,
            max_age: Duration::from_secs(3600),
        },
    });
    stack
}

fn package(size: usize) -> Package {
    let (binary, digest) = ("/demo-function".into(), "d1".to_owned());
    Package { binary, architecture: Architecture::X86_64, digest, size }
}

fn graph_with(stack: &Stack, package: &Package) -> Result<Graph, PipelineError> {
    graph(stack, &id(), opened_at(), &Materials { function: Some(package), ..materials() })
}

const TICKET_AND_ITEM: &[&str] = &["ss_ticket_number", "ss_item_sk"];

#[test]
fn a_mapping_waits_for_all_that_its_function_needs() {
    let graph = graph_with(&dynamodb(TICKET_AND_ITEM), &package(1000)).expect("a graph");
    let layers: Vec<Vec<String>> =
        graph.layers().iter().map(|layer| layer.iter().map(|node| node.key.to_string()).collect()).collect();
    let id = "sales-7f3a91c2";
    let first = vec![
        format!("stream {id}"),
        format!("bucket {id}"),
        "items store_sales-7f3a91c2".to_owned(),
        format!("logs /aws/lambda/{id}"),
        format!("role {id}-function"),
    ];
    assert_eq!(layers, [first, vec![format!("function {id}")], vec![format!("mapping {id}")]]);
    let desired = |kind| &graph.nodes().iter().find(|node| node.key.kind == kind).expect("a node").desired;
    let key = json!([{"name": "ss_ticket_number", "kind": "N"}, {"name": "ss_item_sk", "kind": "N"}]);
    assert_eq!(desired(ItemTables::KIND)["key"], key);
    let variables = json!({"DEMO_TABLE": "store_sales-7f3a91c2", "DEMO_KEY": "ss_ticket_number,ss_item_sk"});
    assert_eq!(desired(Functions::KIND)["variables"], variables);
    assert_eq!(desired(Functions::KIND)["role"], format!("/demo/{id}/{id}-function"));
    assert_eq!(desired(Functions::KIND)["through"], json!(null));
}

#[test]
fn the_functions_role_may_write_its_own_and_nothing_else() {
    let graph = graph_with(&dynamodb(TICKET_AND_ITEM), &package(1000)).expect("a graph");
    let role = graph.nodes().iter().find(|node| node.key.kind == Roles::KIND).expect("a role");
    assert_eq!(role.desired["services"], json!(["lambda.amazonaws.com"]));
    let statements = role.desired["statements"].as_array().expect("statements");
    let actions: Vec<&str> =
        statements.iter().flat_map(|s| s["actions"].as_array().expect("actions")).filter_map(|a| a.as_str()).collect();
    assert!(!actions.iter().any(|action| action.ends_with('*') || *action == "logs:CreateLogGroup"), "{actions:?}");
    assert!(statements.iter().all(|statement| !statement["on"].to_string().contains("\"arn\"")), "{statements:?}");
    let put = statements.iter().find(|statement| statement["actions"] == json!(["s3:PutObject"])).expect("one");
    assert_eq!(put["on"], json!([{"objects": {"bucket": "sales-7f3a91c2", "prefix": "aws/lambda/"}}]));
}

#[test]
fn large_code_goes_through_the_bucket() {
    let graph = graph_with(&dynamodb(TICKET_AND_ITEM), &package(function::DIRECT_BYTES + 1)).expect("a graph");
    let node = graph.nodes().iter().find(|node| node.key.kind == Functions::KIND).expect("a function");
    assert_eq!(node.desired["through"], "sales-7f3a91c2");
    assert!(node.depends_on.contains(&Buckets::key("sales-7f3a91c2")));
}

#[test]
fn what_is_no_key_is_refused() {
    let of = |key: &[&str]| refused::<DynamoDbError>(graph_with(&dynamodb(key), &package(1)));
    assert_eq!(of(&["ss_list_price"]), DynamoDbError::KeyKind("ss_list_price".to_owned()));
    assert_eq!(of(&["ss_item"]), DynamoDbError::KeyKind("ss_item".to_owned()));
    assert_eq!(of(&["id"]), DynamoDbError::KeyMissing("id".to_owned()));
    let without_code = graph(&dynamodb(TICKET_AND_ITEM), &id(), opened_at(), &materials());
    assert_eq!(refused::<DynamoDbError>(without_code), DynamoDbError::NoCode);
}

#[test]
fn parquet_waits_for_the_table_and_may_read_its_columns() {
    let with =
        |catalog| S3Delivery { format: Format::Parquet, compression: Compression::Snappy, ..s3(PREFIX, catalog) };
    let graph =
        graph(&stack(Some(with(Some(Partitions::Registered)))), &id(), opened_at(), &materials()).expect("a graph");
    let of = |kind: &str| graph.nodes().iter().find(|node| node.key.kind == kind).expect("a node");
    let table = Tables::key("tpcds_7f3a91c2/store_sales");
    assert!(of(Deliveries::KIND).depends_on.contains(&table));
    assert_eq!(of(Tables::KIND).desired["format"], "parquet");
    let statements = of(Roles::KIND).desired["statements"].to_string();
    assert!(statements.contains("glue:GetTableVersions") && statements.contains("table/tpcds_7f3a91c2/store_sales"));
    let alone = super::graph(&stack(Some(with(None))), &id(), opened_at(), &materials());
    assert_eq!(refused::<S3Error>(alone), S3Error::Parquet);
}

#[test]
fn a_table_may_have_no_partitions_and_no_column_twice() {
    let prefix = "a/year=!{timestamp:yyyy}/ss_item_sk=!{partitionKeyFromQuery:item}/";
    let path = FieldPath(vec!["ss_item_sk".to_owned()]);
    let with = |partitions| S3Delivery {
        partition_by: [("item".to_owned(), path.clone())].into(),
        ..s3(prefix, Some(partitions))
    };
    let graph = |partitions| super::graph(&stack(Some(with(partitions))), &id(), opened_at(), &materials());
    let taken = refused::<S3Error>(graph(Partitions::Registered));
    assert_eq!(taken, S3Error::PartitionKey("ss_item_sk".to_owned()));
    let graph = graph(Partitions::None).expect("a graph");
    let table = graph.nodes().iter().find(|node| node.key.kind == Tables::KIND).expect("a table");
    assert_eq!((&table.desired["partition_keys"], &table.desired["projection"]), (&json!([]), &json!({})));
}

#[test]
fn a_value_of_the_document_cannot_be_projected() {
    let prefix = "a/year=!{partitionKeyFromQuery:year}/";
    let made = graph(&stack(Some(s3(prefix, Some(Partitions::Projected)))), &id(), opened_at(), &materials());
    let why = "it does not follow from the time alone";
    assert_eq!(refused::<S3Error>(made), S3Error::Projection(NotProjected { key: "year".to_owned(), why }));
}

#[test]
fn what_copy_loads_stands_in_a_schema_beside_the_delivery() {
    let stack = redshift(demo(), COPY);
    let first = ["stream sales-7f3a91c2", "bucket sales-7f3a91c2", "role sales-7f3a91c2-redshift"];
    let second = [
        "redshift-schema dev.tpcds_7f3a91c2",
        "object sales-7f3a91c2/redshift/jsonpaths.json",
        "delivery sales-7f3a91c2-redshift",
    ];
    let third = ["redshift-table dev.tpcds_7f3a91c2.sales", "redshift-table dev.tpcds_7f3a91c2.demo_loads"];
    assert_eq!(keys(&stack), [first.as_slice(), &second, &third]);
    let tags = &node_of(&stack, first[2]).desired["mark"]["tags"];
    assert_eq!((&tags["demo:redshift"], &tags["demo:redshift-database"]), (&json!("workgroup demo"), &json!("dev")));
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

#[test]
fn what_ends_a_stack_is_there_before_its_stream() {
    let stack = Stack { ttl: Some(Duration::from_secs(2 * 3600)), ..stack(None) };
    let graph = graph(&stack, &id(), opened_at(), &materials()).expect("a graph");
    let order: Vec<_> = graph.ordered().iter().map(|node| node.key.to_string()).collect();
    assert_eq!(order, ["role sales-7f3a91c2-scheduler", "schedule sales-7f3a91c2", "stream sales-7f3a91c2"]);
    let [role, schedule, stream] = graph.nodes() else { panic!("{order:?}") };
    for node in [role, schedule, stream] {
        assert_eq!(node.desired["mark"]["expires"], "2026-11-24T12:00:00Z", "{}", node.key);
    }
    let statements = json!([{"actions": ["kinesis:DeleteStream"], "on": [{"stream": "sales-7f3a91c2"}]}]);
    assert_eq!(role.desired["statements"], statements);
    assert_eq!(schedule.desired["at"], "2026-11-24T12:00:00Z");
    assert_eq!(schedule.desired["role"], "/demo/sales-7f3a91c2/sales-7f3a91c2-scheduler");
}

#[test]
fn without_a_time_to_live_nothing_expires() {
    let graph = graph(&stack(None), &id(), opened_at(), &materials()).expect("a graph");
    let [stream] = graph.nodes() else { panic!("the stream alone") };
    assert_eq!((stream.depends_on.len(), &stream.desired["mark"]["expires"]), (0, &serde_json::Value::Null));
}
