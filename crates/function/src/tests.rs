//! Events against a table that is a closure below the SDK's HTTP client.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use kinesis_aggregation::{self, UserRecord};
use serde_json::{Value, json};

use super::*;

const LONG: Duration = Duration::from_secs(60);
/// A tenth of it is kept for the answer, which must do on a busy machine.
const SHORT: Duration = Duration::from_secs(2);

type Answer = Box<dyn Fn(usize, &[Value]) -> (u16, Value) + Send + Sync>;

/// Answers each call by its number and the items in it, and keeps the items.
#[derive(Clone)]
struct Table {
    answer: Arc<Answer>,
    calls: Arc<Mutex<Vec<Vec<Value>>>>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.headers().get("x-amz-target"), Some("DynamoDB_20120810.BatchWriteItem"));
        let body: Value = serde_json::from_slice(request.body().bytes().expect("in memory")).expect("JSON");
        let puts = body["RequestItems"]["sales"].as_array().expect("puts").iter();
        let items: Vec<Value> = puts.map(|put| put["PutRequest"]["Item"].clone()).collect();
        let number = {
            let mut calls = self.calls.lock().expect("a test that failed");
            calls.push(items.clone());
            calls.len() - 1
        };
        let (status, body) = (self.answer)(number, &items);
        let status = status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body.to_string()))))
    }
}

impl Table {
    fn new(answer: impl Fn(usize, &[Value]) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(Box::new(answer)), calls: Arc::default() }
    }

    /// Takes everything.
    fn open() -> Self {
        Self::new(|_, _| (200, json!({})))
    }

    async fn handle(&self, event: Event, within: Duration) -> Handled {
        let table = self.clone();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(table.clone())));
        let writer = Writer::new(Client::from_conf(config.build()), "sales", TableKey::Fields(vec!["id".to_owned()]));
        super::handle(event, &writer, SystemTime::now() + within).await
    }

    fn calls(&self) -> Vec<Vec<Value>> {
        self.calls.lock().expect("a test that failed").clone()
    }

    /// The ids of all items sent, sorted.
    fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.calls().iter().flatten().map(id).collect();
        ids.sort_unstable();
        ids
    }
}

fn id(item: &Value) -> u64 {
    item["id"]["N"].as_str().expect("a number").parse().expect("digits")
}

/// Records with sequence numbers 100, 101, …
fn event(records: &[impl AsRef<[u8]>]) -> Event {
    let record = |(at, data): (usize, &[u8])| {
        json!({"eventSource": "aws:kinesis", "kinesis": {
            "sequenceNumber": (100 + at).to_string(), "data": base64_simd::STANDARD.encode_to_string(data),
            "approximateArrivalTimestamp": 1_764_000_000.5, "partitionKey": "p",
        }})
    };
    let records: Vec<Value> = records.iter().map(AsRef::as_ref).enumerate().map(record).collect();
    serde_json::from_value(json!({"Records": records})).expect("an event")
}

fn documents(ids: std::ops::Range<u64>) -> Event {
    event(&ids.map(|id| format!("{{\"id\": {id}}}\n")).collect::<Vec<_>>())
}

fn aggregated(documents: &[&str]) -> Vec<u8> {
    let record = |document: &&str| UserRecord::new("p", *document);
    kinesis_aggregation::encode(&documents.iter().map(record).collect::<Vec<_>>())
}

fn failed(handled: &Handled) -> Vec<&str> {
    let failures = handled.response.batch_item_failures.iter();
    failures.map(|failure| failure.item_identifier.as_str()).collect()
}

fn causes(handled: &Handled) -> Vec<String> {
    handled.causes.iter().map(ToString::to_string).collect()
}

fn unprocessed(items: &[Value]) -> Value {
    let puts: Vec<Value> = items.iter().map(|item| json!({"PutRequest": {"Item": item}})).collect();
    json!({"UnprocessedItems": {"sales": puts}})
}

fn refused(code: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "said so"})
}

#[tokio::test]
async fn a_document_becomes_an_item_with_its_times() {
    let table = Table::open();
    let handled = table.handle(event(&[r#"{"id": 1, "price": 9.90, "none": null}"#]), LONG).await;
    assert_eq!((failed(&handled), causes(&handled)), (vec![], vec![]));
    let mut item = table.calls()[0][0].clone();
    let processed = item.as_object_mut().expect("an item").remove("processed").expect("a time");
    let processed: u128 = processed["N"].as_str().expect("a number").parse().expect("digits");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    assert!(now - processed < 60_000, "{processed}");
    let expected = json!({
        "id": {"N": "1"}, "price": {"N": "9.90"}, "none": {"NULL": true}, "arrived": {"N": "1764000000500"},
    });
    assert_eq!(item, expected);
    let answer = serde_json::to_value(&handled.response).expect("JSON");
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn of_a_doubled_key_the_last_is_written() {
    let table = Table::open();
    let records = [r#"{"id": 1, "n": 1}"#, r#"{"id": 2, "n": 2}"#, r#"{"id": 1, "n": 3}"#];
    let handled = table.handle(event(&records), LONG).await;
    assert!(failed(&handled).is_empty());
    let mut written: Vec<(u64, Value)> =
        table.calls()[0].iter().map(|item| (id(item), item["n"]["N"].clone())).collect();
    written.sort_by_key(|(id, _)| *id);
    assert_eq!(written, [(1, json!("3")), (2, json!("2"))]);
}

#[tokio::test]
async fn what_is_superseded_fails_with_its_successor() {
    let table = Table::new(|_, _| (400, refused("AccessDeniedException")));
    let records = [r#"{"id": 1, "n": 1}"#, r#"{"id": 1, "n": 2}"#];
    assert_eq!(failed(&table.handle(event(&records), LONG).await), ["100", "101"]);
}

#[tokio::test]
async fn poison_fails_alone_and_each_reason_is_told_once() {
    let table = Table::open();
    let handled = table.handle(event(&["poison", r#"{"id": 1}"#, "poison too", r#"{"id": null}"#]), LONG).await;
    assert_eq!((failed(&handled), table.ids()), (vec!["100", "102", "103"], vec![1]));
    assert_eq!(
        causes(&handled),
        [
            "2 records failed: not a JSON object (the first is sequence number 100)",
            "1 record failed: key id is neither a whole number nor text (sequence number 103)",
        ]
    );
}

#[tokio::test]
async fn an_aggregated_record_fails_as_one() {
    let table = Table::open();
    let records = [aggregated(&[r#"{"id": 1}"#, "poison", r#"{"id": 2}"#, "poison"]), aggregated(&[r#"{"id": 3}"#])];
    let handled = table.handle(event(&records), LONG).await;
    assert_eq!((failed(&handled), table.ids()), (vec!["100"], vec![1, 2, 3]));
    assert_eq!(causes(&handled), ["1 record failed: not a JSON object (sequence number 100)"]);
}

#[tokio::test]
async fn no_call_has_more_than_25_items() {
    let table = Table::open();
    assert!(failed(&table.handle(documents(0..60), LONG).await).is_empty());
    let mut sizes: Vec<usize> = table.calls().iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!((sizes, table.ids()), (vec![10, 25, 25], (0..60).collect()));
}

#[tokio::test]
async fn large_items_go_in_smaller_calls() {
    let table = Table::open();
    let text = "x".repeat(350_000);
    let records: Vec<String> = (0..12).map(|id| format!(r#"{{"id": {id}, "t": "{text}"}}"#)).collect();
    assert!(failed(&table.handle(event(&records), LONG).await).is_empty());
    let sizes: Vec<usize> = table.calls().iter().map(Vec::len).collect();
    assert_eq!((sizes, table.ids()), (vec![5, 5, 2], (0..12).collect()));
}

#[tokio::test]
async fn what_is_left_unprocessed_is_sent_again_and_nothing_else() {
    let table = Table::new(|call, items| match call {
        0 => (200, unprocessed(&items[1..3])),
        1 => (200, unprocessed(&items[..1])),
        _ => (200, json!({})),
    });
    assert!(failed(&table.handle(documents(0..5), LONG).await).is_empty());
    let sizes: Vec<usize> = table.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [5, 2, 1]);
}

#[tokio::test]
async fn what_comes_back_unrecognized_is_sent_again_with_its_call() {
    let table = Table::new(|call, items| match call {
        0 => {
            let mut item = items[0].clone();
            item["id"] = json!({"N": "1E+2"});
            (200, unprocessed(&[item]))
        }
        _ => (200, json!({})),
    });
    assert!(failed(&table.handle(documents(100..102), LONG).await).is_empty());
    let sizes: Vec<usize> = table.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2]);
}

#[tokio::test]
async fn what_stays_unprocessed_fails_before_the_deadline() {
    let table = Table::new(|_, items| {
        let left: Vec<Value> = items.iter().filter(|item| id(item) == 3).cloned().collect();
        (200, unprocessed(&left))
    });
    let begun = std::time::Instant::now();
    let handled = table.handle(documents(0..5), SHORT).await;
    assert!(begun.elapsed() < SHORT, "{:?}", begun.elapsed());
    assert_eq!(failed(&handled), ["103"]);
    assert!(causes(&handled)[0].contains("takes no more at present"), "{:?}", handled.causes);
    assert!(table.calls().len() > 2, "tried again");
}

#[tokio::test]
async fn a_deadline_that_has_passed_fails_everything() {
    let table = Table::new(|_, items| (200, unprocessed(items)));
    let handled = table.handle(documents(0..2), Duration::ZERO).await;
    assert_eq!(failed(&handled), ["100", "101"]);
}

#[tokio::test]
async fn errors_that_pass_are_waited_out() {
    let table = Table::new(|call, _| match call {
        0 => (400, refused("ProvisionedThroughputExceededException")),
        1 => (500, refused("InternalServerError")),
        2 => (503, json!({})),
        _ => (200, json!({})),
    });
    assert!(failed(&table.handle(documents(0..5), LONG).await).is_empty());
    assert_eq!(table.calls().len(), 4);
}

#[tokio::test]
async fn a_bad_item_is_found_among_the_others() {
    let table = Table::new(|_, items| match items.iter().any(|item| [7, 20].contains(&id(item))) {
        true => (400, refused("ValidationException")),
        false => (200, json!({})),
    });
    let handled = table.handle(documents(0..25), LONG).await;
    assert_eq!(failed(&handled), ["107", "120"]);
    assert_eq!(causes(&handled), ["2 records failed: ValidationException: said so (the first is sequence number 107)"]);
    let written: usize =
        table.calls().iter().filter(|call| !call.iter().any(|i| [7, 20].contains(&id(i)))).map(Vec::len).sum();
    assert_eq!(written, 23);
}

#[tokio::test]
async fn an_error_that_stays_fails_everything_at_once() {
    let table = Table::new(|_, _| (400, refused("ResourceNotFoundException")));
    let handled = table.handle(documents(0..3), LONG).await;
    assert_eq!(failed(&handled), ["100", "101", "102"]);
    assert_eq!(
        causes(&handled),
        ["3 records failed: ResourceNotFoundException: said so (the first is sequence number 100)"]
    );
    assert_eq!(table.calls().len(), 1);
}
