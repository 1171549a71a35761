//! The producer over the SDK, against a server that speaks just enough HTTP to misbehave.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_kinesis::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use kinesis_producer::{Backoff, Builder, Producer, Reason, Receipt, Record, RecordError, SdkTransport, Snapshot};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What the server does with a request.
enum Reply {
    Http(u16, Value),
    /// Announces a body, sends half of it, and closes the connection.
    Half,
    /// Closes the connection.
    Hang,
    /// Never answers, and leaves the connection open.
    Silence,
}

/// A server and the bodies of the requests it got.
struct Server {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn start(script: fn(request: usize, body: &Value) -> Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bodies = Arc::<Mutex<Vec<Value>>>::default();
        let seen = bodies.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, seen.clone(), script));
            }
        });
        Self { url, bodies }
    }

    fn client(&self) -> Client {
        client(&self.url, Some(Credentials::new("id", "secret", None, None, "test")))
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().expect("a test that failed").clone()
    }
}

async fn serve(mut connection: TcpStream, seen: Arc<Mutex<Vec<Value>>>, script: fn(usize, &Value) -> Reply) {
    while let Some(body) = read_request(&mut connection).await {
        let request = {
            let mut seen = seen.lock().expect("a test that failed");
            seen.push(body.clone());
            seen.len() - 1
        };
        let (status, answer, cut) = match script(request, &body) {
            Reply::Http(status, answer) => (status, answer.to_string(), 0),
            Reply::Half => (200, written(&body, |_| false).to_string(), 20),
            Reply::Hang => return,
            Reply::Silence => std::future::pending().await,
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let message = head + &answer[..answer.len() - cut];
        if connection.write_all(message.as_bytes()).await.is_err() || cut > 0 {
            return;
        }
    }
}

async fn read_request(connection: &mut TcpStream) -> Option<Value> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).expect("a length");
    let mut body = vec![0; length.trim().parse().expect("a number")];
    connection.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

/// PutRecords' answer, in which some positions are refused.
fn written(body: &Value, refuse: fn(usize) -> bool) -> Value {
    let records = body["Records"].as_array().expect("records");
    let entry = |position: usize| match refuse(position) {
        true => json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}),
        false => json!({"ShardId": "shardId-000000000001", "SequenceNumber": format!("{position}")}),
    };
    let entries: Vec<_> = (0..records.len()).map(entry).collect();
    json!({"FailedRecordCount": 0, "Records": entries})
}

fn refused(code: &str) -> Value {
    json!({"__type": code, "message": format!("{code} it is")})
}

fn client(url: &str, credentials: Option<Credentials>) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url);
    config.set_credentials_provider(credentials.map(aws_sdk_kinesis::config::SharedCredentialsProvider::new));
    Client::from_conf(config.build())
}

fn quick(client: Client) -> Builder {
    let backoff = Backoff::default().with_initial(Duration::from_millis(2)).with_max(Duration::from_millis(10));
    Producer::with_transport(SdkTransport::new(client, "orders")).backoff(backoff).linger(Duration::from_millis(1))
}

/// One record's end, and the final counts.
async fn send_one(builder: Builder) -> (Result<Receipt, RecordError>, Snapshot) {
    let producer = builder.build().await.expect("settings");
    let pending = producer.put(Record::new("{}\n", "key")).await.expect("taken");
    let outcome = timeout(PATIENCE, pending).await.expect("an end");
    (outcome, producer.close(PATIENCE).await.metrics)
}

#[tokio::test]
async fn records_arrive_as_they_were_put_and_refused_positions_go_again() {
    let server = Server::start(|request, body| {
        Reply::Http(200, written(body, if request == 0 { |position| position == 1 } else { |_| false }))
    })
    .await;
    let producer = quick(server.client()).linger(Duration::from_millis(100)).build().await.expect("settings");
    let records = [
        Record::new("a\n", "k0"),
        Record::new("b\n", "k1").with_explicit_hash_key(u128::MAX),
        Record::new("c\n", "k2"),
    ];
    let mut pending = Vec::new();
    for record in records {
        pending.push(producer.put(record).await.expect("taken"));
    }
    let receipts = timeout(PATIENCE, futures::future::try_join_all(pending)).await.expect("an end").expect("written");
    assert_eq!(receipts.iter().map(|receipt| receipt.attempts()).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!((receipts[2].shard_id(), receipts[2].sequence_number()), ("shardId-000000000001", "2"));
    let bodies = server.bodies();
    let second = json!({
        "Data": "Ygo=", "PartitionKey": "k1", "ExplicitHashKey": "340282366920938463463374607431768211455"
    });
    assert_eq!(bodies[0]["StreamName"], "orders");
    assert_eq!(bodies[0]["Records"][0], json!({"Data": "YQo=", "PartitionKey": "k0"}));
    assert_eq!(bodies[0]["Records"][1], second);
    assert_eq!(bodies[1]["Records"], json!([second]));
}

#[tokio::test]
async fn a_stream_may_be_named_by_its_arn() {
    let server = Server::start(|_, body| Reply::Http(200, written(body, |_| false))).await;
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
    let producer = Producer::with_transport(SdkTransport::new(server.client(), arn)).build().await.expect("settings");
    producer.put(Record::new("a", "k")).await.expect("taken").await.expect("written");
    assert_eq!((&server.bodies()[0]["StreamARN"], &server.bodies()[0]["StreamName"]), (&json!(arn), &Value::Null));
}

#[tokio::test]
async fn each_attempt_is_one_request_and_is_counted() {
    let refusals: [fn(usize, &Value) -> Reply; 5] = [
        |request, body| match request {
            0..4 => Reply::Http(400, refused("ProvisionedThroughputExceededException")),
            _ => Reply::Http(200, written(body, |_| false)),
        },
        |request, body| match request {
            0..4 => Reply::Http(500, refused("InternalFailureException")),
            _ => Reply::Http(200, written(body, |_| false)),
        },
        |request, body| if request < 4 { Reply::Half } else { Reply::Http(200, written(body, |_| false)) },
        |request, body| if request < 4 { Reply::Hang } else { Reply::Http(200, written(body, |_| false)) },
        |request, body| if request < 4 { Reply::Silence } else { Reply::Http(200, written(body, |_| false)) },
    ];
    for (case, (script, doubled)) in refusals.into_iter().zip([0, 0, 4, 4, 4]).enumerate() {
        let server = Server::start(script).await;
        let (outcome, metrics) = send_one(quick(server.client()).request_timeout(Duration::from_millis(500))).await;
        assert_eq!(outcome.expect("acknowledged").attempts(), 5, "case {case}");
        assert_eq!((metrics.requests, server.bodies().len()), (5, 5), "case {case}: the SDK must not retry by itself");
        assert_eq!((metrics.retried, metrics.possible_duplicates), (4, doubled), "case {case}");
        assert_eq!((metrics.acknowledged, metrics.failed), (1, 0), "case {case}");
    }
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    let refusals: [fn(usize, &Value) -> Reply; 4] = [
        |_, _| Reply::Http(400, refused("ResourceNotFoundException")),
        |_, _| Reply::Http(400, refused("AccessDeniedException")),
        |_, _| Reply::Http(400, refused("ExpiredTokenException")),
        |_, _| Reply::Http(400, refused("ValidationException")),
    ];
    let codes = ["ResourceNotFoundException", "AccessDeniedException", "ExpiredTokenException", "ValidationException"];
    for (script, code) in refusals.into_iter().zip(codes) {
        let server = Server::start(script).await;
        let (outcome, metrics) = send_one(quick(server.client())).await;
        let error = outcome.expect_err("fatal");
        let Reason::Fatal(why) = error.reason() else { panic!("{error:?}") };
        assert!(why.message().contains("PutRecords to orders"), "{why}");
        assert_eq!(error.code(), Some(code));
        assert_eq!((error.attempts(), metrics.requests, metrics.failed), (1, 1, 1));
    }
}

#[tokio::test]
async fn without_credentials_it_says_so_and_ends() {
    let server = Server::start(|_, body| Reply::Http(200, written(body, |_| false))).await;
    let (outcome, _) = send_one(quick(client(&server.url, None))).await;
    let error = outcome.expect_err("fatal");
    assert!(matches!(error.reason(), Reason::Fatal(_)), "{error:?}");
    assert!(server.bodies().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_and_was_not_written_to() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    let away = client(&format!("http://127.0.0.1:{port}"), Some(Credentials::new("id", "secret", None, None, "test")));
    let (outcome, metrics) = send_one(quick(away).record_ttl(Duration::from_millis(200))).await;
    let error = outcome.expect_err("nobody is there");
    let Reason::Expired { last_error: Some(last) } = error.reason() else { panic!("{error:?}") };
    assert!(last.message().contains("orders"), "{last}");
    assert!(error.attempts() > 1 && metrics.retried > 0, "{error:?}");
    assert!(!error.may_be_written() && metrics.possible_duplicates == 0, "a refused connection carries nothing");
}
