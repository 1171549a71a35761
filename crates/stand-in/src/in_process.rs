//! A stand-in inside another program, for that program's own tests.

use std::{io, path::Path};

use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{keys::AccessKey, server::StandIn};

/// A stand-in that answers on a loopback port of its own for as long as this lives.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let server = aws_stand_in::Server::start().await?;
/// println!("{} takes {}", server.url(), server.access_key().id);
/// server.shutdown().await
/// # }
/// ```
pub struct Server {
    url: String,
    key: AccessKey,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
    /// Removed when this is dropped.
    _folder: Option<TempDir>,
}

impl Server {
    /// Starts an empty one on a free port. Its state is in a temporary folder, which goes with it.
    ///
    /// # Errors
    /// The folder or the port cannot be had.
    pub async fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = Self::start_in(folder.path()).await?;
        Ok(Self { _folder: Some(folder), ..server })
    }

    /// Starts one on a free port whose state is in `folder`, and stays there.
    ///
    /// # Errors
    /// The folder's state cannot be read, or there is no port.
    pub async fn start_in(folder: &Path) -> io::Result<Self> {
        let stand_in = StandIn::open(folder)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (url, key) = (format!("http://{}", listener.local_addr()?), stand_in.key().clone());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(stand_in.serve(listener, async {
            // An error means that the server was dropped, which is the end as well.
            let _ = stopped.await;
        }));
        Ok(Self { url, key, stop, served, _folder: None })
    }

    /// Where it answers, for example `http://127.0.0.1:49152`. S3 needs path-style addresses.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The access key that it takes.
    pub fn access_key(&self) -> &AccessKey {
        &self.key
    }

    /// Lets open calls end, for five seconds at most, and stops. Dropping it does the same in the background.
    ///
    /// # Errors
    /// It had failed before.
    pub async fn shutdown(self) -> io::Result<()> {
        // It is gone already where nobody listens; then the result says why.
        let _ = self.stop.send(());
        self.served.await.map_err(io::Error::other)?
    }
}
