//! The function, the read of an item and verification's scan against dynalite, a DynamoDB by others.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client,
    config::Credentials,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus},
};
use demo_function::TableKey;
use demo_workload::{Identity, Key};
use kinesis_demo::{
    aws::{
        Clients, Names, Where,
        items::{Items, Json},
    },
    deliveries::dynamodb::{DynamoDb, DynamoDbDelivery, FunctionSettings, MappingSettings},
    engine::StackId,
    spec::Name,
    verify::{
        KeyBag,
        destination::DestinationReader,
        expected::{Expected, Scope},
    },
};

use super::{EVENT, runtime::Runtime, start_at};

/// Ends with the test.
struct Dynalite {
    child: Child,
    url: String,
}

impl Dynalite {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let child = Command::new("dynalite")
            .args(["--host", "127.0.0.1", "--port", &free.port().to_string(), "--createTableMs", "50"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dynalite in PATH: npm install dynalite@4");
        let mut dynalite = Self { child, url: format!("http://{free}") };
        let deadline = Instant::now() + Duration::from_secs(60);
        while tokio::net::TcpStream::connect(free).await.is_err() {
            assert!(dynalite.child.try_wait().expect("a child").is_none(), "dynalite has ended");
            assert!(Instant::now() < deadline, "dynalite does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        dynalite
    }
}

impl Drop for Dynalite {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("a child to end");
    }
}

async fn create_table(client: &Client) {
    let mut call = client.create_table().table_name("sales").billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("ss_ticket_number", KeyType::Hash), ("ss_item_sk", KeyType::Range)] {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::N);
        let element = KeySchemaElement::builder().attribute_name(name).key_type(role);
        call = call.attribute_definitions(definition.build().expect("a definition"));
        call = call.key_schema(element.build().expect("an element"));
    }
    call.send().await.expect("a table");
    let status = async || {
        let answer = client.describe_table().table_name("sales").send().await.expect("a description");
        answer.table.and_then(|table| table.table_status)
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while status().await != Some(TableStatus::Active) {
        assert!(Instant::now() < deadline, "the table does not become active");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn destination(clients: &Clients) -> DynamoDb {
    let id: StackId = "sales-00000001".parse().expect("an id");
    let names = Names::of(&crate::lifecycle::store_sales(), &id);
    let delivery = DynamoDbDelivery {
        table: Name::Exact("sales".to_owned()),
        key: TableKey::Fields(vec!["ss_ticket_number".to_owned(), "ss_item_sk".to_owned()]),
        function: FunctionSettings { memory_mib: 128, timeout: Duration::from_secs(60) },
        mapping: MappingSettings {
            batch: 100,
            window: Duration::ZERO,
            parallel: 1,
            retries: 1,
            max_age: Duration::from_secs(60),
        },
    };
    let expected = Expected::new(Identity::StoreSales, Scope::Tickets(vec![1..=9]));
    DynamoDb::new(&delivery, &names, clients, &Arc::new(expected))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs dynalite"]
async fn the_way_into_dynamodb_and_back() {
    let dynalite = Dynalite::start().await;
    let clients = Clients::connect(Where::Local {
        url: dynalite.url.clone(),
        credentials: Credentials::new("any", "any", None, None, "test"),
    })
    .await;
    create_table(&clients.dynamodb).await;

    let mut runtime = Runtime::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let function = start_at(&dynalite.url, &runtime, folder.path());
    let (kind, answer) = runtime.invoke(EVENT).await;
    let failed = answer["batchItemFailures"].as_array().map(Vec::len);
    assert_eq!((kind.as_str(), failed), ("response", Some(1)), "{answer}; {}", function.log());

    let items = Items::of(&clients.dynamodb, "sales").await.expect("a table");
    let key = items.key_of(&["3".to_owned(), "30".to_owned()]).expect("a key");
    let item = items.get(&key).await.expect("a read").expect("an item");
    assert!(Json(&item).to_string().contains(r#""ss_sales_price":0.1234567890123456789012345678901234567,"#));
    let missing = items.key_of(&["3".to_owned(), "99".to_owned()]).expect("a key");
    assert_eq!(items.get(&missing).await.expect("a read"), None);

    let mut destination = destination(&clients);
    assert_eq!(destination.read().await.expect("a scan"), 5);
    let sent = [(1, 10), (2, 20), (3, 30), (3, 31), (4, 40)].map(|(ticket, item)| Key { ticket, item });
    let mut acknowledged: KeyBag = sent.into_iter().collect();
    acknowledged.settle();
    let tally = destination.tally(&acknowledged).await.expect("a tally");
    assert_eq!((tally.lost, tally.distinct, tally.duplicated), (0, 5, 0));
    assert!(destination.behind_ms().is_some_and(|ms| ms.p50 > 0.0));
}
