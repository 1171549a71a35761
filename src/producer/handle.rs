//! What a program holds: the way in, and the way out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_kinesis::Client;
use tokio::sync::{mpsc, mpsc::error::TrySendError, oneshot, watch};

use super::{
    budget::{Budget, Room},
    builder::{Builder, Settings},
    error::PutError,
    metrics::{Metrics, Snapshot},
    pending::{Pending, Ticket},
    record::Record,
    sdk::SdkTransport,
    transport::Transport,
};

/// Flushes and closes waiting in the inbox at once, beside the records that the budget lets in.
const ROOM_FOR_COMMANDS: usize = 64;

/// Takes records and sends them in batches. Clones share everything; when the last one is dropped, what was taken is
/// still sent, for as long as the runtime lives.
#[derive(Clone)]
pub struct Producer {
    inbox: mpsc::Sender<Message>,
    ended: watch::Receiver<()>,
    budget: Arc<Budget>,
    metrics: Arc<Metrics>,
    max_record_bytes: usize,
    record_ttl: Option<Duration>,
}

/// What [`Producer::close`] leaves behind.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The final counts: nothing is in flight.
    pub metrics: Snapshot,
    /// What was not acknowledged by the deadline; empty for all but the first who closes.
    pub unsent: Vec<Unsent>,
}

/// A record that was taken but not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// As it was put.
    pub record: Record,
    /// Whether an attempt whose outcome is not known may have written it all the same.
    pub may_be_written: bool,
}

pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) ticket: Ticket,
}

pub(super) enum Message {
    Put(Entry),
    Flush(oneshot::Sender<()>),
    Close { deadline: Instant, unsent: oneshot::Sender<Vec<Unsent>> },
}

/// The dispatcher's ends of what the handle holds.
pub(super) struct Mailbox {
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) ended: watch::Sender<()>,
    pub(super) metrics: Arc<Metrics>,
}

impl Producer {
    /// A producer that sends by the SDK to a stream named by its name or its ARN.
    pub fn builder(client: Client, stream_name_or_arn: impl Into<String>) -> Builder {
        Self::over(SdkTransport::new(client, stream_name_or_arn))
    }

    /// A producer that sends by any transport.
    pub fn over(transport: impl Transport) -> Builder {
        Builder::new(Arc::new(transport))
    }

    pub(super) fn new(settings: &Settings) -> (Self, Mailbox) {
        let (inbox, messages) = mpsc::channel(settings.max_in_flight_records + ROOM_FOR_COMMANDS);
        let (ending, ended) = watch::channel(());
        let metrics = Arc::new(Metrics::default());
        let producer = Self {
            inbox,
            ended,
            budget: Budget::new(settings.max_in_flight_records, settings.max_in_flight_bytes),
            metrics: metrics.clone(),
            max_record_bytes: settings.max_record_bytes,
            record_ttl: settings.record_ttl,
        };
        (producer, Mailbox { inbox: messages, ended: ending, metrics })
    }

    /// Takes a record as soon as there is room for it. When this returns, the record is on its way, whether or not
    /// the returned future is kept. Dropping this future before then takes nothing.
    ///
    /// # Errors
    /// When Kinesis would refuse the record whatever happens, or the producer is closed.
    pub async fn put(&self, record: Record) -> Result<Pending, PutError> {
        record.check(self.max_record_bytes)?;
        let room = self.budget.room(record.size()).await?;
        let place = self.inbox.reserve().await.map_err(|_| PutError::Closed)?;
        let (entry, pending) = self.enter(record, room);
        place.send(Message::Put(entry));
        Ok(pending)
    }

    /// Takes a record if there is room for it now.
    ///
    /// # Errors
    /// As [`put`](Self::put), and [`PutError::Full`].
    pub fn try_put(&self, record: Record) -> Result<Pending, PutError> {
        record.check(self.max_record_bytes)?;
        let room = self.budget.try_room(record.size())?;
        let place = self.inbox.try_reserve().map_err(|error| match error {
            TrySendError::Full(()) => PutError::Full,
            TrySendError::Closed(()) => PutError::Closed,
        })?;
        let (entry, pending) = self.enter(record, room);
        place.send(Message::Put(entry));
        Ok(pending)
    }

    /// Sends what waits without waiting for company, and returns when every record taken before has ended.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.inbox.send(Message::Flush(done)).await.is_ok() {
            // An error means that the producer has ended, and every record with it.
            let _ = waiting.await;
        }
    }

    /// Takes no more, sends what was taken, and returns when every record has ended, or `within` is over; then what
    /// is left fails and is given back.
    pub async fn close(&self, within: Duration) -> Closed {
        self.budget.close();
        let unsent = self.ask_to_close(within).await.unwrap_or_default();
        // The sender only ever goes away.
        let _ = self.ended.clone().changed().await;
        Closed { metrics: self.metrics(), unsent }
    }

    /// The counts at this moment.
    pub fn metrics(&self) -> Snapshot {
        self.metrics.snapshot(self.budget.bytes_in_use())
    }

    /// Records that hold room at this moment, with those that `put` has let in but not yet counted.
    pub fn records_in_flight(&self) -> usize {
        self.budget.records_in_use()
    }

    fn enter(&self, record: Record, room: Room) -> (Entry, Pending) {
        let expires = self.record_ttl.map(after);
        let (ticket, pending) = Ticket::issue(room, record.size(), expires, self.metrics.clone());
        (Entry { record, ticket }, pending)
    }

    async fn ask_to_close(&self, within: Duration) -> Option<Vec<Unsent>> {
        let (unsent, answer) = oneshot::channel();
        let deadline = after(within);
        self.inbox.send(Message::Close { deadline, unsent }).await.ok()?;
        answer.await.ok()
    }
}

/// How long a wait that is too long for the clock is.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The moment a time from now.
pub(super) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(FOR_EVER)
}
