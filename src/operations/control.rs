//! The way from `demo control`, or a page, to a run under way in another process: a socket in the state folder, which only its
//! owner enters.
//!
//! A line of JSON each way: an [`Action`], and what came of it.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::sleep,
};

use super::conductor::Request;
use crate::{
    engine::{Home, StackId},
    load::{Done, Part},
    spec::Action,
};

const PREFIX: &str = "control-";
const SUFFIX: &str = ".sock";
/// An action takes a few dozen bytes.
const LONGEST_LINE: u64 = 4096;
/// Requests that may wait for a load.
const WAITING: usize = 16;
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A socket that takes actions for a load; there as long as this is.
pub struct ControlSocket {
    path: PathBuf,
    accepting: JoinHandle<()>,
}

/// What came of an action, on its way back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Done),
    Refused(String),
}

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no run of {0} is under way on this machine; start one with `demo run`")]
    NoRun(StackId),
    /// The run did not do it.
    #[error("{}{why}", if .worker.is_whole() { String::new() } else { format!("worker {worker}: ") })]
    Refused {
        /// Which worker of the run.
        worker: Part,
        /// Why.
        why: String,
    },
    /// The socket does not work.
    #[error("cannot reach the run at {}: {source}", .path.display())]
    Socket {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ControlSocket {
    /// Takes actions for one worker's part of a run of this stack.
    ///
    /// # Errors
    /// There can be no socket there: its path may be longer than a socket's can be.
    pub fn open(home: &Home, stack: &StackId, part: Part) -> io::Result<(Self, mpsc::Receiver<Request>)> {
        let folder = home.stack(stack);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{PREFIX}{}-of-{}{SUFFIX}", part.worker, part.of));
        let listener = bind(&path)?;
        let (requests, received) = mpsc::channel(WAITING);
        let accepting = tokio::spawn(accept(listener, requests));
        Ok((Self { path, accepting }, received))
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.accepting.abort();
        // What cannot be removed answers nobody, which is looked for.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes the place of a socket that a killed run left.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(left) if left.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) | Err(_) => {}
    }
    UnixListener::bind(path)
}

async fn accept(listener: UnixListener, requests: mpsc::Sender<Request>) {
    loop {
        // It fails where file descriptors have run out.
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let is_owner = stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw());
        if is_owner {
            tokio::spawn(serve(stream, requests.clone()));
        }
    }
}

/// Answers one line; whoever asks may go at any time.
async fn serve(stream: UnixStream, requests: mpsc::Sender<Request>) {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    if BufReader::new(reading.take(LONGEST_LINE)).read_line(&mut line).await.is_err() {
        return;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(action) => act(action, &requests).await,
        Err(error) => Answer::Refused(format!("not an action: {error}")),
    };
    let text = serde_json::to_string(&answer).expect("an answer is JSON");
    let _ = writing.write_all(format!("{text}\n").as_bytes()).await;
}

async fn act(action: Action, requests: &mpsc::Sender<Request>) -> Answer {
    let over = || Answer::Refused("the load is over".to_owned());
    let (answer, answered) = oneshot::channel();
    if requests.send(Request { action, answer }).await.is_err() {
        return over();
    }
    match answered.await {
        Ok(Ok(done)) => Answer::Done(done),
        Ok(Err(error)) => Answer::Refused(error.to_string()),
        Err(_) => over(),
    }
}

/// Does something to the run of a stack that is under way: by each of its workers on this machine, or by one where it
/// is done to the stream. Returns which worker did it, and when.
///
/// # Errors
/// There is no such run, or a worker did not do it.
pub async fn control(home: &Home, stack: &StackId, action: &Action) -> Result<Vec<(Part, Done)>, ControlError> {
    let mut done = Vec::new();
    for (worker, path) in sockets(&home.stack(stack)) {
        let failed = |source| ControlError::Socket { path: path.clone(), source };
        let answer = match ask(&path, action).await {
            Ok(answer) => answer,
            // A killed run left it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        match answer {
            Answer::Done(at) => done.push((worker, at)),
            Answer::Refused(why) => return Err(ControlError::Refused { worker, why }),
        }
        if action.is_shared() {
            break;
        }
    }
    if done.is_empty() { Err(ControlError::NoRun(stack.clone())) } else { Ok(done) }
}

async fn ask(path: &Path, action: &Action) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path).await?;
    let text = serde_json::to_string(action)?;
    stream.write_all(format!("{text}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line).await?;
    match line.is_empty() {
        // The run ended with the question unread.
        true => Ok(Answer::Refused("the load is over".to_owned())),
        false => Ok(serde_json::from_str(&line)?),
    }
}

/// The sockets in a stack's folder, by their workers.
fn sockets(folder: &Path) -> Vec<(Part, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut sockets: Vec<(Part, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let part = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.replace("-of-", "/");
            Some((part.parse().ok()?, entry.path()))
        })
        .collect();
    sockets.sort_by_key(|(part, _)| part.worker);
    sockets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_action_goes_to_the_run_and_its_answer_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, stack) = (Home::at(folder.path()).expect("a home"), StackId::new("shop"));
        let error = control(&home, &stack, &Action::Pause).await.expect_err("no run");
        assert!(error.to_string().starts_with(&format!("no run of {stack} is under way")), "{error}");

        let (socket, mut requests) = ControlSocket::open(&home, &stack, Part::WHOLE).expect("a socket");
        let run = async {
            let Request { action, answer } = requests.recv().await.expect("an action");
            answer.send(Ok(Done { at: 1.5, action })).expect("someone waits");
        };
        let (done, ()) = tokio::join!(control(&home, &stack, &Action::Rate(5.0)), run);
        assert_eq!(done.expect("done"), [(Part::WHOLE, Done { at: 1.5, action: Action::Rate(5.0) })]);

        drop(requests);
        let error = control(&home, &stack, &Action::Pause).await.expect_err("over").to_string();
        assert_eq!(error, "the load is over");
        drop(socket);
        assert!(matches!(control(&home, &stack, &Action::Pause).await, Err(ControlError::NoRun(_))));
    }

    #[tokio::test]
    async fn the_socket_of_a_killed_run_is_taken_over_and_answers_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, stack) = (Home::at(folder.path()).expect("a home"), StackId::new("shop"));
        let left = home.stack(&stack);
        fs::create_dir_all(&left).expect("a folder");
        drop(std::os::unix::net::UnixListener::bind(left.join("control-1-of-1.sock")).expect("bound"));
        assert!(matches!(control(&home, &stack, &Action::Pause).await, Err(ControlError::NoRun(_))));
        ControlSocket::open(&home, &stack, Part::WHOLE).expect("taken over");
    }
}
