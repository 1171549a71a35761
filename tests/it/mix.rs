//! Documents of several kinds that refer to each other, through the whole demo.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::PathBuf,
};

use demo_workload::mix::Kind;
use kinesis_demo::{
    load::OpenWorkload,
    spec::{FieldPath, Stack, Workload},
};
use serde_json::Value;

use crate::{
    own_json::{Own, all_landed},
    specs::read,
    stacks::shipped,
};

/// Documents of each template that ships.
const MANY: u64 = 2_000;

/// To each destination, in which documents of both kinds have the same ids.
const TO_ALL: &str = "deliver:
  s3:
    prefix: own/
    error_prefix: own_error/!{firehose:error-output-type}/
    buffer: {size: 64MiB, interval: 1s}
    format: parquet
    catalog: {database: own, table: events, partitions: none}
  redshift:
    create: true
    table: sales.events
    every: 1s
    buffer: {size: 1MiB, interval: 1s}
  dynamodb: {}
";
const TWO_KINDS: &str = r#"{mix: {kinds: [
    {kind: orders, share: 70%, key: [id], text: '{"id": {{ sequence }}, "by": {{ ref("customers") }}, "at": {{ now_ms }}}'},
    {kind: customers, share: 30%, key: [id], text: '{"id": {{ sequence }}, "since": "{{ now }}"}'}]}}"#;

fn documents(stack: &Stack) -> Vec<Value> {
    let opened = OpenWorkload::of(stack).unwrap_or_else(|error| panic!("{error}"));
    let (mut documents, mut all) = (opened.source.render(1..=MANY), Vec::new());
    while documents.next_into(&mut all).expect("a document").is_some() {}
    let text = String::from_utf8(all).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn at<'d>(document: &'d Value, field: &FieldPath) -> Option<&'d Value> {
    field.0.iter().try_fold(document, |value, key| value.get(key))
}

/// The ids that documents of each kind have carried so far, and the statuses of each entity.
#[derive(Default)]
struct Carried {
    ids: HashMap<String, HashSet<String>>,
    statuses: HashMap<(String, String), Vec<String>>,
    references: u64,
}

impl Carried {
    /// A field that is the id of another kind refers to that.
    fn check(&mut self, kinds: &[Kind], document: &Value) {
        let kind = kinds.iter().find(|kind| document["kind"] == kind.name.as_str()).expect("a known kind");
        for other in kinds.iter().filter(|other| other.name != kind.name) {
            if let Some(id) = at(document, &other.key[0]) {
                self.references += 1;
                let carried = self.ids.get(&other.name).is_some_and(|ids| ids.contains(&id.to_string()));
                assert!(carried, "no document of `{}` before has carried {id}: {document}", other.name);
            }
        }
        let id = at(document, &kind.key[0]).expect("an id").to_string();
        if let Some(status) = document["status"].as_str().filter(|_| !kind.statuses().is_empty()) {
            let gone = self.statuses.entry((kind.name.clone(), id.clone())).or_default();
            gone.push(status.to_owned());
            let all = kind.statuses().iter().map(|status| &status.name).take(gone.len());
            assert!(gone.iter().eq(all), "{gone:?} of {document}");
        }
        self.ids.entry(kind.name.clone()).or_default().insert(id);
    }
}

#[test]
fn two_thousand_documents_of_every_shipped_template_refer_to_ids_that_were_carried_before() {
    let mut mixes = 0;
    for name in shipped() {
        let stack = read(&format!("stacks/{name}.yaml")).stack;
        let kinds = match &stack.load.workload {
            Workload::Mix { kinds, .. } => kinds.clone(),
            Workload::Template { .. } => {
                assert_eq!(documents(&stack).len() as u64, MANY, "{name}");
                continue;
            }
            _ => continue,
        };
        let mut carried = Carried::default();
        documents(&stack).iter().for_each(|document| carried.check(&kinds, document));
        assert!(carried.references > MANY && carried.ids.len() >= 2, "{name}: {} references", carried.references);
        mixes += 1;
    }
    assert!(mixes > 0, "no mix ships");
}

#[test]
fn kinds_with_the_same_ids_are_told_apart_in_every_destination() {
    let own = Own::new(TO_ALL, TWO_KINDS, 400);
    let places = ["landed_s3", "landed_sql", "landed_redshift", "landed_dynamodb"];
    let report = own.run(&[]);
    all_landed(&report, 400, &places);
    all_landed(&own.run(&["--set", "load.records=100"]), 100, &places);
    let rows = own.demo.json(&[
        "query",
        "own",
        "SELECT kind, count(DISTINCT id) AS ids FROM events GROUP BY 1 ORDER BY 1",
        "--json",
    ]);
    let ids = ["customers", "orders"].map(|kind| {
        let row = rows.as_array().expect("rows").iter().find(|row| row["kind"] == kind);
        row.and_then(|row| row["ids"].as_u64()).unwrap_or_else(|| panic!("{kind} in {rows}"))
    });
    assert!(ids.iter().sum::<u64>() == 500 && ids[0] > 100, "each kind has ids of its own: {rows}");
    let item = own.demo.json(&["get", "own", "customers", "7", "--json"]);
    assert!(item.to_string().contains("since"), "{item}");
    let unknown = "SELECT count(*) AS n FROM events AS o LEFT JOIN events AS c ON c.kind = 'customers' AND c.id = o.\"by\" \
                   WHERE o.kind = 'orders' AND c.id IS NULL";
    assert_eq!(own.demo.json(&["query", "own", unknown, "--json"])[0]["n"], 0);
    let both = own.demo.json(&["verify", "own", "--json"]);
    assert_eq!(
        (&both["acknowledged"], &both["lost"], &both["duplicated"]),
        (&500.into(), &0.into(), &0.into()),
        "{both}"
    );
    own.demo.expect(0, &["down", "own"]);
}

/// Kinds of which one has an entity of several documents, so that their keys differ.
const KEYS_THAT_DIFFER: &str = r#"{mix: {kinds: [
    {kind: orders, share: 70%, key: [order, status], statuses: [{status: placed}, {status: paid, after: 10ms}],
     text: '{"order": {{ sequence }}, "by": {{ ref("customers") }}, "status": "{{ status }}", "at": {{ now_ms }}}'},
    {kind: customers, share: 30%, key: [id], text: '{"id": {{ sequence }}, "since": "{{ now }}"}'}]}}"#;

#[test]
fn kinds_with_different_keys_share_a_table() {
    let own = Own::new("deliver: {dynamodb: {}}\n", KEYS_THAT_DIFFER, 400);
    let report = own.run(&[]);
    all_landed(&report, 400, &["landed_dynamodb"]);
    for status in ["placed", "paid"] {
        let item = own.demo.json(&["get", "own", "orders", &format!("1#{status}"), "--json"]);
        assert_eq!((&item["item"]["order"], &item["item"]["status"]), (&1.into(), &status.into()), "{item}");
    }
    own.demo.expect(0, &["down", "own"]);
}

#[test]
fn event_times_are_found_again_after_the_run() {
    let own = Own::new("", "{template: {text: '{\"at\": \"{{ now }}\", \"n\": {{ int(1, 3) }}}'}}", 300);
    let times = "--set=load.give_up=30s";
    all_landed(&own.run(&[times]), 300, &["landed_stream"]);
    let again = own.demo.json(&["verify", "own", "--json"]);
    assert_eq!((&again["lost"], &again["duplicated"]), (&0.into(), &0.into()), "{again}");
    own.demo.expect(0, &["down", "own"]);
}

/// Perfect documents at one rate, where a test is about something else.
const PLAIN: [&str; 8] = [
    "--set",
    "load.stages=null",
    "--set",
    "load.events=null",
    "--set",
    "load.imperfect=null",
    "--set",
    "deliver.s3.buffer.interval=1s",
];

#[test]
fn the_shipped_orders_are_joined_by_the_shipped_queries() {
    let demo = crate::command::Demo::new();
    let rate = ["--set", "load.rate=200/s", "--set", "load.duration=6s"];
    let report = demo.json(&[&["run", "stacks/orders.yaml", "--json"], &PLAIN[..], &rate].concat());
    all_landed(&report, 1_200, &["landed_s3", "landed_sql"]);
    let files = fs::read_dir("sql/queries/orders").expect("queries").map(|entry| entry.expect("readable").path());
    let files: Vec<PathBuf> = files.collect();
    assert!(files.len() >= 4, "{files:?}");
    let rows = |file: &str| demo.json(&["query", "orders", file, "--json"]);
    for file in &files {
        let rows = rows(file.to_str().expect("UTF-8"));
        assert!(rows.as_array().is_some_and(|rows| !rows.is_empty()), "{}: {rows}", file.display());
    }
    let segments = rows("sql/queries/orders/revenue-by-segment.sql");
    let sum =
        |field: &str| segments.as_array().expect("rows").iter().filter_map(|row| row[field].as_u64()).sum::<u64>();
    let statuses = rows("sql/queries/orders/orders-by-status.sql");
    let orders = |all: &[&str]| {
        let of =
            statuses.as_array().expect("rows").iter().filter(|row| all.iter().any(|status| row["status"] == *status));
        of.filter_map(|row| row["orders"].as_u64()).sum::<u64>()
    };
    assert_eq!(sum("orders"), orders(&["placed", "paid", "shipped", "delivered"]), "each order has its customer");
    let paid = orders(&["paid", "shipped", "delivered"]);
    assert!(sum("paid_orders") <= paid && sum("paid_orders") + 1 >= paid && paid > 100, "{segments} {statuses}");
    demo.expect(0, &["down", "orders"]);
}

/// The shipped load in a sixth of its time, whose every line of the ledger must agree.
#[test]
fn the_shipped_orders_come_as_in_life_and_every_document_is_accounted_for() {
    let demo = crate::command::Demo::new();
    let quick = [
        "--set",
        "load.stages=[{ramp: 100/s..400/s, for: 2s}, {spike: 800/s, for: 3s}]",
        "--set",
        "load.events=[{at: 1s, reshard: 10}, {at: 3s, reshard: 6}]",
        "--set",
        "load.imperfect.empty=5",
        "--set",
        "deliver.s3.buffer.interval=1s",
    ];
    let report = demo.json(&[&["run", "stacks/orders.yaml", "--json"], &quick[..]].concat());
    assert_eq!((&report["lost"], &report["duplicated"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(report["problems"], Value::Array(Vec::new()), "{report}");
    let ledger = report["ledger"].as_array().expect("a list");
    let flaws: Vec<&str> = ledger.iter().filter_map(|line| line["flaw"].as_str()).collect();
    let all =
        ["duplicates", "late", "out_of_order", "malformed", "wrong_type", "missing", "unknown", "empty", "oversize"];
    assert_eq!(flaws, all, "{report}");
    for line in ledger {
        let ends = line["ends"].as_array().expect("a list");
        assert!(ends.iter().all(|end| end["found"] == line["documents"]), "{line}");
    }
    demo.expect(0, &["down", "orders"]);
}

/// Kinds with every flaw, in every destination at once.
#[test]
fn imperfect_documents_of_several_kinds_end_where_they_must_everywhere() {
    let own = Own::new(TO_ALL, TWO_KINDS, 1_000);
    let sets = [
        "--set=load.imperfect={duplicates: 1%, late: 1%, malformed: 9, wrong_type: {count: 7, field: at}, unknown: 1%, empty: 5}",
        "--set=deliver.redshift.max_errors=100",
        "--set=deliver.dynamodb.mapping.retries=0",
    ];
    let report = own.run(&sets);
    assert_eq!((&report["lost"], &report["problems"]), (&0.into(), &Value::Array(Vec::new())), "{report}");
    let lines = report["ledger"].as_array().expect("a list");
    assert_eq!(lines.len(), 6, "{report}");
    for line in lines {
        let ends = line["ends"].as_array().expect("a list");
        assert_eq!(ends.len(), 3, "{line}");
        assert!(ends.iter().all(|end| end["found"] == line["documents"]), "{line}");
    }
    own.demo.expect(0, &["down", "own"]);
}
