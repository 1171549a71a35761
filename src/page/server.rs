//! The page's server: HTTP on a loopback port.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequestParts, Path as UrlPath, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures::TryStream;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    answers::Refusal,
    assets,
    guard::guard,
    live::{self, Live},
    playback::{FASTEST, Playback},
    sql::{self, Answer, Question},
    token::Token,
};
use crate::{
    engine::{Cancel, Home, StackId},
    load::{Done, Part},
    operations::{causes::with_causes, control::control},
    spec::Action,
};

/// Athena takes 256 KiB of SQL.
const LONGEST_BODY: usize = 512 << 10;
/// How long a browser may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long browsers may take to receive the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// The page of one run.
pub struct Page {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Raised when nothing more is to be told, and then when connections are to end.
    ending: Cancel,
    closing: Cancel,
    accepting: JoinHandle<()>,
    following: OnceLock<JoinHandle<()>>,
}

/// What requests are answered with.
struct Shared {
    live: Arc<Live>,
    token: Token,
    home: Home,
    /// The record's folder, once there is one.
    folder: OnceLock<PathBuf>,
    /// One question at a time.
    questions: Semaphore,
}

impl Page {
    /// Serves a page on a port of 127.0.0.1; on a free one if that is 0.
    ///
    /// # Errors
    /// The port is taken, or not allowed.
    pub async fn open(home: &Home, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            live: Live::new(),
            token: Token::random(),
            home: home.clone(),
            folder: OnceLock::new(),
            questions: Semaphore::new(1),
        });
        let (ending, closing) = (Cancel::new(), Cancel::new());
        let accepting = tokio::spawn(accept(listener, router(shared.clone()), closing.clone()));
        Ok(Self { address, shared, ending, closing, accepting, following: OnceLock::new() })
    }

    /// The address for whoever looks on.
    pub fn address(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The address for whoever acts on the run: with the page's secret.
    pub fn presenter_address(&self) -> String {
        format!("{}#{}", self.address(), self.shared.token.text())
    }

    /// Shows the run whose record is in this folder. A page shows one run, the first.
    pub fn show(&self, folder: &Path) {
        self.following.get_or_init(|| {
            let folder = self.shared.folder.get_or_init(|| folder.to_owned()).clone();
            let (live, ending) = (self.shared.live.clone(), self.ending.clone());
            tokio::spawn(async move { live::follow(&folder, live, ending).await })
        });
    }

    /// Tells browsers what was recorded until now, and ends. Browsers that do not listen are not waited for.
    pub async fn close(self) {
        self.ending.raise();
        if let Some(following) = self.following.into_inner() {
            // What it had to tell is told on the page.
            let _ = following.await;
        }
        self.shared.live.close();
        self.closing.raise();
        let _ = self.accepting.await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .merge(assets::routes())
        .route("/events", get(events))
        .route("/events/{at}/{speed}", get(playback))
        .route("/presenter", post(presenter))
        .route("/act", post(act))
        .route("/query", post(ask))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(guard))
        .with_state(shared)
}

async fn accept(listener: TcpListener, router: Router, closing: Cancel) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => _ = connections.spawn(serve(stream, router.clone(), closing.clone())),
                // It fails where file descriptors have run out.
                Err(_) => sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
            () = closing.raised() => break,
        }
    }
    let _ = timeout(CLOSE_WITHIN, connections.join_all()).await;
}

/// A browser may go at any time.
async fn serve(stream: TcpStream, router: Router, closing: Cancel) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = closing.raised() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn events(State(shared): State<Arc<Shared>>) -> Response {
    event_stream(live::events(shared.live.clone()))
}

/// A playback from a second of the run on; a browser that connects again goes on where it was.
async fn playback(
    State(shared): State<Arc<Shared>>,
    UrlPath((at, speed)): UrlPath<(f64, f64)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let at: f64 = last.unwrap_or(at);
    if !(at >= 0.0 && at.is_finite() && speed > 0.0 && speed <= FASTEST) {
        let why = format!("a playback begins at a second of the run, at a speed of up to {FASTEST}");
        return Err(Refusal(StatusCode::BAD_REQUEST, why));
    }
    let folder = shared.folder.get().cloned();
    let folder = folder.ok_or(Refusal(StatusCode::NOT_FOUND, "there is no record yet".to_owned()))?;
    let playback = Playback::open(folder, at, speed).await;
    let playback = playback.map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, with_causes(&error)))?;
    Ok(event_stream(playback.events()))
}

fn event_stream(events: impl TryStream<Ok = Bytes, Error = std::convert::Infallible> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// Somebody who has the page's secret.
struct Presenter;

impl FromRequestParts<Arc<Shared>> for Presenter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let given = parts.headers.get(header::AUTHORIZATION);
        if given.is_some_and(|given| shared.token.is_in(given.as_bytes())) {
            return Ok(Self);
        }
        let why = "you can look on; to act, open the presenter's address that the terminal printed";
        Err(Refusal(StatusCode::UNAUTHORIZED, why.to_owned()))
    }
}

/// Whether whoever asks may act.
async fn presenter(_: Presenter) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// As `demo control` does, by the same way.
async fn act(
    _: Presenter,
    State(shared): State<Arc<Shared>>,
    Json(action): Json<Action>,
) -> Result<Json<Value>, Refusal> {
    let done = control(&shared.home, &shared.stack()?, &action).await;
    let done = done.map_err(|error| Refusal(StatusCode::CONFLICT, with_causes(&error)))?;
    let told = |(worker, Done { at, action }): &(Part, Done)| json!({"worker": worker.to_string(), "at": at, "action": action.to_string()});
    Ok(Json(json!({"done": done.iter().map(told).collect::<Vec<_>>()})))
}

async fn ask(
    _: Presenter,
    State(shared): State<Arc<Shared>>,
    Json(question): Json<Question>,
) -> Result<Json<Answer>, Refusal> {
    let stack = shared.stack()?;
    let _turn = shared.questions.acquire().await.expect("the semaphore stays open");
    sql::ask(&stack, question).await.map(Json).map_err(|why| Refusal(StatusCode::UNPROCESSABLE_ENTITY, why))
}

impl Shared {
    fn stack(&self) -> Result<StackId, Refusal> {
        let stack = self.live.stack().and_then(|stack| stack.parse().ok());
        stack.ok_or(Refusal(StatusCode::CONFLICT, "the run has not begun yet".to_owned()))
    }
}
