//! The handle through which a program uses the producer.

use std::{fmt, sync::Arc, time::Duration};

use aws_types::SdkConfig;
use tokio::{sync::oneshot, time::Instant};

use super::{
    builder::{Builder, Settings},
    completion::Pending,
    dispatcher::Dispatcher,
    error::PutError,
    hot_keys::HotKey,
    metrics::Snapshot,
    queues::ShardView,
    record::Record,
    shard_map::ShardMap,
    sink::RecordSink,
    state::{Shared, after},
    transport::{RequestError, Transport},
};

/// The most hot keys that are returned.
const HOT_KEYS: usize = 8;

/// Takes records and sends them in batches. Clones share everything. When the last one is dropped, the producer still sends
/// what it took, as long as the runtime lives.
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
    max_record_bytes: usize,
    _handle: Arc<Handle>,
}

/// Dropped with the last clone.
struct Handle(Arc<Shared>);

/// What [`Producer::close`] returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closed {
    /// The final counts: nothing is in flight.
    pub metrics: Snapshot,
    /// What was not acknowledged by the deadline; empty for all but the first who closes.
    pub unsent: Vec<Unsent>,
}

/// A record that was taken but not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsent {
    /// As it was put.
    pub record: Record,
    /// Whether an attempt whose outcome is not known may have written it all the same.
    pub may_be_written: bool,
}

impl Producer {
    /// Builds a producer for a stream, by its name or ARN, with the region, endpoint and credentials of the configuration.
    pub fn builder(config: &SdkConfig, stream_name_or_arn: impl Into<String>) -> Builder {
        Builder::to(config, stream_name_or_arn.into())
    }

    /// Builds a producer over a transport of your own.
    pub fn with_transport(transport: impl Transport) -> Builder {
        Builder::with_transport(Arc::new(transport))
    }

    pub(super) fn start(
        transport: Arc<dyn Transport>,
        stream: String,
        settings: Settings,
        map: Option<ShardMap>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let shared = Arc::new(Shared::new(transport, stream, &settings, map));
        let max_record_bytes = settings.max_record_bytes;
        runtime.spawn(Dispatcher::new(shared.clone(), settings).run());
        Self { _handle: Arc::new(Handle(shared.clone())), shared, max_record_bytes }
    }

    /// Takes a record as soon as there is room for it, and returns a future of its outcome. You may drop that future; the
    /// record is sent nevertheless. If you drop the future of `put` itself before it is ready, the record is not taken.
    ///
    /// # Errors
    /// When Kinesis would refuse the record in every attempt, or the producer is closed.
    pub async fn put(&self, record: Record) -> Result<Pending, PutError> {
        record.check(self.max_record_bytes)?;
        match self.shared.budget.try_take(record.size()) {
            Err(PutError::Full) => self.shared.budget.take(record.size()).await?,
            taken => taken?,
        }
        self.shared.put(&record)
    }

    /// Takes a record if there is room for it now.
    ///
    /// # Errors
    /// As [`put`](Self::put), and [`PutError::Full`].
    pub fn try_put(&self, record: Record) -> Result<Pending, PutError> {
        record.check(self.max_record_bytes)?;
        self.shared.budget.try_take(record.size())?;
        self.shared.put(&record)
    }

    /// Sends what waits at once, within the shards' limits, and returns when every record taken before has ended.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        self.shared.state().flush(done);
        self.shared.wakeup.notify_one();
        // An error means that the producer has ended, and every record with it.
        let _ = waiting.await;
    }

    /// Takes no more records, sends what was taken, and returns when every record has ended or `within` has passed. The
    /// records that are left then fail and are returned.
    pub async fn close(&self, within: Duration) -> Closed {
        self.shared.budget.close();
        let (unsent, answer) = oneshot::channel();
        self.shared.state().close(after(within), unsent);
        self.shared.wakeup.notify_one();
        self.shared.ended().await;
        Closed { metrics: self.metrics(), unsent: answer.await.unwrap_or_default() }
    }

    /// Returns a [`futures::Sink`] of records.
    pub fn sink(&self) -> RecordSink {
        RecordSink::new(self.clone())
    }

    /// Returns the counts at this moment.
    pub fn metrics(&self) -> Snapshot {
        self.shared.metrics.snapshot(self.shared.budget.bytes_in_use())
    }

    /// Returns why the latest attempt failed that did so since then, of a request or of one of its records; `None` where none
    /// has.
    pub fn last_error(&self, since: Instant) -> Option<RequestError> {
        self.shared.last_error(since)
    }

    /// What each open shard took and refused, in the order of their hash keys; empty while the stream's shards are not
    /// known.
    pub fn shards(&self) -> Vec<ShardView> {
        self.shared.state().queues.view()
    }

    /// The partition keys that weigh most among the records that had to wait for their shards or were throttled, the
    /// heaviest first, at most eight; a record counts each time, with its bytes. Nothing is seen while the stream's shards
    /// are not known, and in an ordered or aggregating producer only what was throttled, of an aggregate its first
    /// record's key.
    pub fn hot_keys(&self) -> Vec<HotKey> {
        self.shared.state().hot_keys.top(HOT_KEYS)
    }

    /// Records that hold room at this moment, with those that `put` has let in but not yet counted.
    pub fn records_in_flight(&self) -> usize {
        self.shared.budget.records_in_use()
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("stream", &self.shared.stream).field("metrics", &self.metrics()).finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.state().forget();
        self.0.wakeup.notify_one();
    }
}

impl Shared {
    async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        // The sender lives in what this borrows.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}
