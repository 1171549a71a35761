//! The runtime interface of one process: it asks for the next invocation, and answers it (Lambda developer guide, "Using the
//! Lambda runtime API for custom runtimes").

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use rustix::process::Pid;
use tokio::sync::{Mutex, mpsc};

use crate::processes::{Desk, Door};

/// The largest answer of a function, in bytes (Lambda developer guide, "Lambda quotas").
const LARGEST_ANSWER: usize = 6 << 20;

/// An invocation that waits for the process.
pub(super) struct Work {
    pub(super) id: String,
    pub(super) payload: Bytes,
    /// When it must be done, in milliseconds since the epoch.
    pub(super) deadline: i64,
    pub(super) function_arn: String,
}

/// What the process said.
#[derive(Debug)]
pub(super) enum Said {
    /// It asks for an invocation.
    Ready,
    /// The answer to an invocation.
    Returned(String, Bytes),
    /// The error that an invocation ended with, as JSON.
    Failed(String, Bytes),
    /// It cannot start; the error as JSON.
    CannotStart(Bytes),
}

/// The interface, until it is dropped. It answers the process group that [`Runtime::open_to`] names, and nobody before.
pub(super) struct Runtime {
    door: Door,
    work: mpsc::Sender<Work>,
    said: mpsc::Receiver<Said>,
}

impl Runtime {
    pub(super) async fn listen() -> io::Result<Self> {
        let ((work, waiting), (say, said)) = (mpsc::channel(1), mpsc::channel(4));
        let door = Door::to(Arc::new(RuntimeDesk { waiting: Mutex::new(waiting), say })).await?;
        Ok(Self { door, work, said })
    }

    /// Where the process calls.
    pub(super) fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Answers the processes of this group from now on.
    pub(super) fn open_to(&self, group: Pid) {
        self.door.open_to(group);
    }

    /// Lays an invocation before the process; `false` when the interface is gone.
    pub(super) async fn give(&self, work: Work) -> bool {
        self.work.send(work).await.is_ok()
    }

    /// What the process says next; `None` when the interface is gone.
    pub(super) async fn hear(&mut self) -> Option<Said> {
        self.said.recv().await
    }
}

/// Where the process calls.
struct RuntimeDesk {
    waiting: Mutex<mpsc::Receiver<Work>>,
    say: mpsc::Sender<Said>,
}

#[async_trait]
impl Desk for RuntimeDesk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => self.next().await,
            (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
                let id = (*id).to_owned();
                self.take(request, |body| Said::Returned(id, body)).await
            }
            (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
                let id = (*id).to_owned();
                self.take(request, |body| Said::Failed(id, body)).await
            }
            (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => self.take(request, Said::CannotStart).await,
            _ => plain(StatusCode::NOT_FOUND, r#"{"errorType":"NotFound","errorMessage":"no such path"}"#),
        }
    }
}

impl RuntimeDesk {
    /// Waits, as long as it takes, for an invocation.
    async fn next(&self) -> Response<Full<Bytes>> {
        let mut waiting = self.waiting.lock().await;
        if self.say.send(Said::Ready).await.is_err() {
            return gone();
        }
        let Some(work) = waiting.recv().await else { return gone() };
        let mut response = Response::new(Full::new(work.payload));
        let trace = format!("Root=1-{:08x}-{:024x};Sampled=0", work.deadline / 1000, rand::random::<u128>() >> 32);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", work.id),
            ("lambda-runtime-deadline-ms", work.deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", work.function_arn),
            ("lambda-runtime-trace-id", trace),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).expect("ids and numbers are header text"));
        }
        response
    }

    async fn take(&self, request: Request<Incoming>, say: impl FnOnce(Bytes) -> Said + Send) -> Response<Full<Bytes>> {
        let said = match Limited::new(request.into_body(), LARGEST_ANSWER).collect().await {
            Ok(body) => say(body.to_bytes()),
            Err(e) if e.is::<LengthLimitError>() => match say(Bytes::new()) {
                Said::Returned(id, _) => Said::Failed(id, too_large()),
                other => other,
            },
            Err(e) => {
                return plain(StatusCode::BAD_REQUEST, &format!("{{\"errorMessage\":\"the body broke off: {e}\"}}"));
            }
        };
        match self.say.send(said).await {
            Ok(()) => plain(StatusCode::ACCEPTED, r#"{"status":"OK"}"#),
            Err(_) => gone(),
        }
    }
}

fn too_large() -> Bytes {
    let message = format!("Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes).");
    let error = serde_json::json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message});
    error.to_string().into()
}

fn gone() -> Response<Full<Bytes>> {
    plain(StatusCode::INTERNAL_SERVER_ERROR, r#"{"errorType":"Gone","errorMessage":"this process is to end"}"#)
}

fn plain(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
