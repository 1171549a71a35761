//! A port of this machine that answers the processes of one group, and nobody else.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::process::Pid;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet, spawn_blocking},
};

use super::peer::is_of_group;

/// What stands behind a door.
#[async_trait]
pub(crate) trait Desk: Send + Sync + 'static {
    /// Answers a request of the processes that the door is open to.
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>>;
}

/// A port on loopback, until it is dropped. It answers the process group that [`Door::open_to`] names, and nobody before.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    group: watch::Sender<Option<Pid>>,
    task: AbortHandle,
}

impl Door {
    /// Listens on a free port.
    pub(crate) async fn to(desk: Arc<impl Desk>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let group = watch::Sender::new(None);
        let task = tokio::spawn(serve(desk, listener, address, group.subscribe())).abort_handle();
        Ok(Self { address, group, task })
    }

    /// Answers the processes of this group from now on.
    pub(crate) fn open_to(&self, group: Pid) {
        self.group.send_replace(Some(group));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(desk: Arc<impl Desk>, listener: TcpListener, address: SocketAddr, group: watch::Receiver<Option<Pid>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let (desk, group) = (desk.clone(), group.clone());
        connections.spawn(async move {
            match knows(group, peer, address).await {
                Ok(true) => converse(desk, stream).await,
                Ok(false) => {
                    tracing::warn!("{peer} is not of the processes that {address} is for, and is not answered")
                }
                Err(e) => tracing::error!("whose the connection from {peer} is cannot be told: {e}"),
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Whether the group's processes have opened this connection.
async fn knows(mut group: watch::Receiver<Option<Pid>>, peer: SocketAddr, ours: SocketAddr) -> io::Result<bool> {
    let group = *group.wait_for(Option::is_some).await.map_err(io::Error::other)?;
    let Some(group) = group else { return Ok(false) };
    spawn_blocking(move || is_of_group(group, peer, ours)).await.map_err(io::Error::other)?
}

async fn converse(desk: Arc<impl Desk>, stream: TcpStream) {
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    if let Err(e) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::trace!("a connection of a process broke: {e}");
    }
}
