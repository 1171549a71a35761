//! One stack's whole life, against any implementation of AWS.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sts::config::Credentials;
use demo_formats::{
    prefix::{Prefix, Use},
    schema,
};
use kinesis_demo::{
    aws::{Clients, Names, Where, inventory, packaging::Architecture, partitions},
    deliveries::{
        s3::{Catalog, Partitions, S3Delivery},
        spec::Deliver,
    },
    engine::{Action, Cancel, Home, Journal, Observed, Outcome, Scope, State},
    pipeline::{Materials, lifecycle},
    spec::{
        Buffer, Compression, Fargate, Format, Length, Load, Name, PartitionKey, Rate, Schedule, Sending, Stack, Stream,
        StreamMode, Target, TaskSize, Thresholds, Workers, Workload,
    },
};

const PREFIX: &str = "tpcds/streaming/store_sales/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";
const ERROR_PREFIX: &str = "tpcds/streaming/store_sales_error/!{firehose:error-output-type}/";

/// `store-sales` with a stream, S3 and a catalog.
pub fn store_sales() -> Stack {
    let stem = || Name::Stem("store-sales".to_owned());
    Stack {
        name: "store-sales".to_owned(),
        target: Target::Local,
        tags: [("team".to_owned(), "demo".to_owned())].into(),
        ttl: None,
        stream: Stream {
            name: stem(),
            mode: StreamMode::Provisioned { shards: 2 },
            retention: Duration::from_secs(48 * 3600),
            max_record_kib: 1024,
        },
        deliver: Deliver {
            s3: Some(S3Delivery {
                bucket: stem(),
                prefix: Prefix::parse(PREFIX, Use::Data).expect("a prefix"),
                prefix_text: PREFIX.to_owned(),
                error_prefix: Prefix::parse(ERROR_PREFIX, Use::Error).expect("a prefix"),
                error_prefix_text: ERROR_PREFIX.to_owned(),
                partition_by: BTreeMap::new(),
                buffer: Buffer { mib: 5, interval: Duration::from_secs(5) },
                format: Format::Json,
                compression: Compression::Gzip,
                catalog: Some(Catalog {
                    database: Name::Stem("tpcds".to_owned()),
                    table: "store_sales".to_owned(),
                    partitions: Partitions::Registered,
                }),
            }),
            ..Deliver::default()
        },
        mirror: false,
        load: Load {
            workload: Workload::StoreSales { scale: 1, seed: 1 },
            schedule: Schedule::constant(Rate::PerSecond(10.0), Length::Records(10)).expect("documents"),
            give_up: Duration::from_secs(60),
            partition_key: PartitionKey::Uniform,
            imperfect: None,
            events: Vec::new(),
            sending: Sending::default(),
            workers: None,
        },
        budget: None,
        thresholds: Thresholds::default(),
    }
}

/// What it is made from.
pub fn materials() -> Materials<'static> {
    Materials { schema: schema::store_sales(), function: None, worker: Some(Architecture::X86_64) }
}

/// The same, with workers that are tasks on Fargate.
fn with_tasks() -> Stack {
    let mut stack = store_sales();
    let size = TaskSize { cpu_units: 1_024, memory_mib: 2_048 };
    stack.load.workers =
        Some(Workers::Fargate(Fargate { tasks: 2, size, image: None, start_timeout: Duration::from_secs(60) }));
    stack
}

/// Up, up again, a partition, status, down, down again. `count` is of the stack's resources.
async fn lifecycle(place: Where, stack: Stack, count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path()).expect("a home");
    let clients = Clients::connect(place).await;
    let cancel = Cancel::new();

    let journal = lifecycle::open(&home, &stack, serde_json::json!({}), &clients).await.expect("opened");
    let id = journal.id().clone();
    let planned = lifecycle::plan(&stack, &id, &journal.state(), &materials(), &clients).await.expect("a plan");
    assert!(planned.len() == count && planned.iter().all(|step| step.action == Action::Create), "{planned:#?}");

    let first = lifecycle::up(&journal, &stack, &materials(), &clients, &(), &cancel).await.expect("up");
    assert_eq!(outcomes(&first.resources), vec![Outcome::Created; count]);
    all_ready(&journal.state(), &clients, count).await;
    drop(journal);

    let journal = lifecycle::open(&home, &stack, serde_json::json!({}), &clients).await.expect("opened again");
    assert_eq!(*journal.id(), id, "the same stack");
    let second = lifecycle::up(&journal, &stack, &materials(), &clients, &(), &cancel).await.expect("up again");
    assert_eq!(outcomes(&second.resources), vec![Outcome::Kept; count]);
    let planned = lifecycle::plan(&stack, &id, &journal.state(), &materials(), &clients).await.expect("a plan");
    assert!(planned.iter().all(|step| step.action == Action::Keep), "{planned:#?}");
    assert_eq!(inventory::of(&clients, &Scope::Stack(id.clone())).await.expect("an inventory").len(), count);

    registers_what_landed(&clients, &stack, &Names::of(&stack, &id)).await;
    takes_down(&journal, &clients, &cancel, count).await;
    assert_eq!(inventory::of(&clients, &Scope::Stack(id.clone())).await.expect("an inventory"), []);
    let again = lifecycle::down(&journal, &clients, &(), &cancel).await.expect("down again");
    assert!(again.is_clean() && again.removed.is_empty(), "{again:#?}");
    assert!(home.find("store-sales").is_err(), "no stack of the name is left");
}

fn outcomes(resources: &[(kinesis_demo::engine::ResourceKey, Outcome)]) -> Vec<Outcome> {
    resources.iter().map(|(_, outcome)| *outcome).collect()
}

async fn all_ready(state: &State, clients: &Clients, count: usize) {
    let status = lifecycle::status(state, clients).await;
    assert_eq!(status.len(), count);
    for resource in status {
        match resource.observed.expect("readable") {
            Observed::Ours { identity, ready, differs } => {
                assert!(ready && differs.is_empty(), "{} {differs:?}", resource.node.key);
                assert!(identity.starts_with("arn:aws:"), "{identity}");
            }
            other => panic!("{}: {other:?}", resource.node.key),
        }
    }
}

async fn registers_what_landed(clients: &Clients, stack: &Stack, names: &Names) {
    let bucket = names.bucket.as_deref().expect("a bucket");
    let table = stack.deliver.s3.as_ref().and_then(|s3| s3.names(&names.id).table).expect("a table");
    for folder in ["year=2026/month=11/day=24/", "year=2026/month=11/day=25/", ""] {
        let key = format!("tpcds/streaming/store_sales/{folder}{}-1-2026-11-24-06-00-00-a.gz", names.id);
        let put = clients.s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"{}\n"));
        put.send().await.expect("put");
    }
    let register = || partitions::register(&clients.glue, &clients.s3, &table.database, &table.table);
    assert_eq!(register().await.expect("registered"), [["2026", "11", "24"], ["2026", "11", "25"]]);
    assert_eq!(register().await.expect("registered again"), Vec::<Vec<String>>::new());
}

async fn takes_down(journal: &Journal, clients: &Clients, cancel: &Cancel, count: usize) {
    let down = lifecycle::down(journal, clients, &(), cancel).await.expect("down");
    assert!(down.is_clean(), "{down:#?}");
    assert_eq!(outcomes(&down.removed), vec![Outcome::Deleted; count]);
}

/// moto's server; ends with the test.
pub struct Moto(Child);

impl Moto {
    pub async fn start() -> (Self, SocketAddr) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &free.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server in PATH: pip install 'moto[server,all]'");
        let mut moto = Self(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while tokio::net::TcpStream::connect(free).await.is_err() {
            assert!(moto.0.try_wait().expect("a child").is_none(), "moto_server has ended");
            assert!(Instant::now() < deadline, "moto_server does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        (moto, free)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("a child to end");
    }
}

#[tokio::test]
#[ignore = "needs moto_server"]
async fn against_moto() {
    let (_moto, address) = Moto::start().await;
    let credentials = Credentials::new("any", "any", None, None, "test");
    let place = Where::Local { url: format!("http://{address}"), credentials };
    lifecycle(place.clone(), store_sales(), 7).await;
    lifecycle(place, with_tasks(), 13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn against_the_stand_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = crate::stand_in::Running::over(folder.path()).await;
    lifecycle(running.place(), store_sales(), 7).await;
    lifecycle(running.place(), with_tasks(), 13).await;
}
