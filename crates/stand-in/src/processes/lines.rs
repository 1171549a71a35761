//! The lines that processes write, on their way to the log group.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use base64_simd::STANDARD;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    clock,
    services::logs::{Event, Logs},
};

/// Lines that may wait to be written; then the process waits as well.
const WAITING: usize = 1024;
/// A longer line is cut into several (CloudWatch Logs quotas, event size).
const LONGEST_LINE: u64 = 256 << 10;
/// How much of the end of a log Invoke returns (Lambda API reference, Invoke, LogResult).
const TAIL: usize = 4 << 10;

/// Where lines go; a clone goes to the same place.
#[derive(Clone)]
pub(crate) struct Lines {
    sender: mpsc::Sender<Event>,
    tail: Arc<Mutex<VecDeque<u8>>>,
}

impl Lines {
    /// Lines into a stream of a group, if such a group exists; and the task that writes them, which ends with the last of them.
    pub(crate) fn open(logs: Arc<Logs>, group: String, stream: String) -> (Self, JoinHandle<()>) {
        let (sender, mut lines) = mpsc::channel(WAITING);
        let written = tokio::spawn(async move {
            let mut events = Vec::new();
            while lines.recv_many(&mut events, WAITING).await > 0 {
                let (logs, group, stream) = (logs.clone(), group.clone(), stream.clone());
                let batch = std::mem::take(&mut events);
                let (group_name, kept) = (group.clone(), spawn_blocking(move || logs.append(&group, &stream, &batch)));
                match kept.await {
                    Ok(Ok(_)) => {}
                    Ok(Err(e)) => tracing::warn!(group = group_name, "lines of a process are not kept: {e}"),
                    Err(e) => tracing::error!(group = group_name, "lines of a process are not kept: {e}"),
                }
            }
        });
        (Self { sender, tail: Arc::default() }, written)
    }

    pub(crate) async fn say(&self, message: String) {
        {
            let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend(message.bytes().chain([b'\n']));
            let surplus = tail.len().saturating_sub(TAIL);
            tail.drain(..surplus);
        }
        let timestamp = u64::try_from(clock::utc().timestamp_millis()).unwrap_or(0);
        if self.sender.send(Event { timestamp, message }).await.is_err() {
            tracing::debug!("a line of a process came after the end of its log");
        }
    }

    /// Takes over what is written to `output`, until its end.
    pub(crate) fn follow(&self, output: impl AsyncRead + Unpin + Send + 'static) {
        let lines = self.clone();
        tokio::spawn(async move {
            let (mut output, mut line) = (BufReader::new(output), Vec::new());
            loop {
                line.clear();
                match (&mut output).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
                    Ok(0) => return,
                    Ok(_) => lines.say(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()).await,
                    Err(e) => return tracing::debug!("the output of a process broke off: {e}"),
                }
            }
        });
    }

    /// Forgets what was said before.
    pub(crate) fn clear_tail(&self) {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The last 4 KiB of what was said, in base64.
    pub(crate) fn tail(&self) -> String {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        STANDARD.encode_to_string(tail.make_contiguous())
    }
}
