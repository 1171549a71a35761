//! What every client sends to: an endpoint of Kinesis over TLS that forgets the data and remembers every record.
//!
//! It prints where it is and answers until its standard input ends. A second port, in plain HTTP, is for the bench:
//! `/reset?shards=8&fail=20&error=InternalFailure&delay_ms=5&reset_every=100&stall_after=50&stall_s=10` begins a run,
//! `/counts?expected=1000` tells what came of it.

mod aggregated;
mod answers;
mod entries;
mod faults;
pub mod ids;
mod requests;
mod shards;
mod tls;

use std::{
    convert::Infallible,
    error::Error,
    io::Read,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use self::requests::Run;

/// Serves until standard input ends; writes the authority that clients are to trust into `authority`.
pub fn serve(authority: &Path) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let tls = tls::acceptor(authority)?;
        let kinesis = TcpListener::bind("127.0.0.1:0").await?;
        let control = TcpListener::bind("127.0.0.1:0").await?;
        println!("{} {}", kinesis.local_addr()?.port(), control.local_addr()?.port());
        let sink = Arc::new(Sink::default());
        tokio::select! {
            end = requests(kinesis, tls, &sink) => end,
            end = commands(control, &sink) => end,
            end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())) => Ok(end?.map(drop)?),
        }
    })
}

/// What the current run has brought.
#[derive(Default)]
pub struct Sink(Mutex<Run>);

impl Sink {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

async fn requests(
    listener: TcpListener,
    tls: tokio_rustls::TlsAcceptor,
    sink: &Arc<Sink>,
) -> Result<(), Box<dyn Error>> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (tls, sink) = (tls.clone(), Arc::clone(sink));
        tokio::spawn(async move {
            stream.set_nodelay(true).ok();
            match tls.accept(stream).await {
                Ok(stream) => serve_connection(stream, sink).await,
                Err(error) => eprintln!("sink: no TLS with a client: {error}"),
            }
        });
    }
}

/// A connection that is closed in the middle is the client's matter, or was done on purpose.
async fn serve_connection(stream: tokio_rustls::server::TlsStream<TcpStream>, sink: Arc<Sink>) {
    let service = service_fn(|request| requests::answer(request, &sink));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn commands(listener: TcpListener, sink: &Arc<Sink>) -> Result<(), Box<dyn Error>> {
    loop {
        let (stream, _) = listener.accept().await?;
        let sink = Arc::clone(sink);
        tokio::spawn(async move {
            let service = service_fn(|request| command(request, &sink));
            http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn command(request: Request<Incoming>, sink: &Sink) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = requests::query(request.uri());
    let mut run = sink.run();
    let answer = match request.uri().path() {
        "/reset" => {
            *run = Run::from_query(&query);
            "new run".to_owned()
        }
        "/counts" => run.counts(query.get("expected").and_then(|text| text.parse().ok()).unwrap_or(0)),
        _ => "/reset and /counts are what there is".to_owned(),
    };
    Ok(Response::new(Full::from(answer)))
}
