//! A Lambda runtime interface with a DynamoDB beside it: one small server, and the function as its own process.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::{Cursor, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use dynoxide::Database;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);
const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
/// What the function is given for an event.
const TIME_OUT: Duration = Duration::from_secs(20);

/// What the function answered: `response` or `error`, and the body.
pub type Answer = (String, Value);

/// The interface: events in, answers out.
pub struct Runtime {
    pub address: String,
    pub dynamodb: Database,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<Answer>,
}

struct State {
    dynamodb: Database,
    events: Mutex<mpsc::Receiver<String>>,
    answers: mpsc::Sender<Answer>,
}

impl Runtime {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let dynamodb = Database::memory().expect("a database");
        let (events, to_give) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let state = Arc::new(State { dynamodb: dynamodb.clone(), events: Mutex::new(to_give), answers: answered });
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let state = state.clone();
                let service = service_fn(move |request| state.clone().answer(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
            }
        });
        Self { address, dynamodb, events, answers }
    }

    pub async fn invoke(&mut self, event: &str) -> Answer {
        self.events.send(event.to_owned()).await.expect("the server runs");
        timeout(PATIENCE, self.answers.recv()).await.expect("an answer in time").expect("the server runs")
    }
}

impl State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a whole request").to_bytes();
        if let Some(target) = head.headers.get("x-amz-target") {
            return Ok(self.dynamodb(target.to_str().expect("text"), &body));
        }
        let what = head.uri.path().strip_prefix(INVOCATION).unwrap_or_else(|| panic!("{}", head.uri)).to_owned();
        if head.method == Method::GET {
            let event = self.events.lock().await.recv().await.unwrap_or_default();
            let deadline = (SystemTime::now() + TIME_OUT).duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
            let answer = Response::builder()
                .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                .header("lambda-runtime-deadline-ms", deadline.to_string())
                .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f");
            return Ok(answer.body(event.into()).expect("an answer"));
        }
        let kind = what.rsplit('/').next().expect("a last part").to_owned();
        let answer = serde_json::from_slice(&body).expect("JSON");
        self.answers.send((kind, answer)).await.expect("the test waits");
        Ok(plain(StatusCode::ACCEPTED, String::new()))
    }

    fn dynamodb(&self, target: &str, body: &[u8]) -> Response<Full<Bytes>> {
        assert_eq!(target, "DynamoDB_20120810.BatchWriteItem");
        let request = serde_json::from_slice(body).expect("a request");
        match self.dynamodb.batch_write_item(request) {
            Ok(answer) => plain(StatusCode::OK, serde_json::to_string(&answer).expect("JSON")),
            Err(error) => plain(StatusCode::BAD_REQUEST, error.to_json()),
        }
    }
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(body.into()).expect("an answer")
}

/// The function, as Lambda starts it.
pub struct Function(Child);

impl Function {
    /// Unpacks a zip and starts its `bootstrap`.
    pub fn start(zip: &[u8], folder: &Path, runtime: &str, endpoint: &str, variables: &[(&str, &str)]) -> Self {
        zip::ZipArchive::new(Cursor::new(zip)).expect("a zip").extract(folder).expect("extracted");
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", runtime),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/24/[$LATEST]1"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        let environment: HashMap<_, _> = lambda.iter().chain(variables).copied().collect();
        let child = Command::new(folder.join("bootstrap"))
            .env_clear()
            .envs(environment)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the function starts");
        Self(child)
    }

    /// Ends it, and gives what it logged.
    pub fn log(mut self) -> String {
        self.0.kill().expect("a child to end");
        let mut log = String::new();
        self.0.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
        log
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("a child to end");
    }
}
