//! What a producer may be told before it starts.

use std::{sync::Arc, time::Duration};

use super::{
    batcher::BatchLimits, dispatcher::Dispatcher, handle::Producer, limits, retrier::Backoff, transport::Transport,
};

/// Settings of a [`Producer`]; each has a default.
#[must_use]
pub struct Builder {
    transport: Arc<dyn Transport>,
    settings: Settings,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) max_in_flight_records: usize,
    pub(super) max_in_flight_bytes: usize,
    pub(super) max_requests: usize,
    pub(super) max_record_bytes: usize,
    pub(super) linger: Duration,
    pub(super) record_ttl: Option<Duration>,
    pub(super) request_timeout: Duration,
    pub(super) batch: BatchLimits,
    pub(super) backoff: Backoff,
}

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A number outside of what makes sense.
    #[error("`{setting}` is {value}; it must be {expected}")]
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// What it was given.
        value: usize,
        /// What it takes.
        expected: String,
    },
    /// The producer's work needs a runtime to run on.
    #[error("a producer must be built inside of a Tokio runtime; call `build` from async code")]
    NoRuntime,
}

impl Builder {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        let settings = Settings {
            max_in_flight_records: 50_000,
            max_in_flight_bytes: 64 * 1024 * 1024,
            max_requests: 32,
            max_record_bytes: limits::BYTES_PER_RECORD,
            linger: Duration::from_millis(10),
            record_ttl: None,
            request_timeout: Duration::from_secs(30),
            batch: BatchLimits { items: limits::RECORDS_PER_REQUEST, bytes: limits::BYTES_PER_REQUEST },
            backoff: Backoff::default(),
        };
        Self { transport, settings }
    }

    /// Records taken and not ended; 50,000 by default.
    pub fn max_in_flight_records(mut self, records: usize) -> Self {
        self.settings.max_in_flight_records = records;
        self
    }

    /// Bytes of records taken and not ended, partition keys included; 64 MiB by default. While a request is on its
    /// way, the SDK holds further copies of its records.
    pub fn max_in_flight_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_in_flight_bytes = bytes;
        self
    }

    /// Requests on their way; 32 by default.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.settings.max_requests = requests;
        self
    }

    /// For a stream whose limit UpdateMaxRecordSize has raised; 1 MiB by default, 10 MiB at most.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_record_bytes = bytes;
        self
    }

    /// How long a record waits for company in a batch; 10 ms by default, 0 is allowed.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = linger;
        self
    }

    /// Gives up a record that is not acknowledged so long after `put` took it; by default it never does. Looked at
    /// between attempts: one that is under way is waited for.
    pub fn record_ttl(mut self, ttl: Duration) -> Self {
        self.settings.record_ttl = Some(ttl);
        self
    }

    /// How long one request may take before its outcome counts as unknown and its records are sent again; 30 s by
    /// default.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// Records in one request; 500, the service's limit, by default.
    pub fn max_batch_records(mut self, records: usize) -> Self {
        self.settings.batch.items = records;
        self
    }

    /// Bytes in one request, partition keys included; 10 MiB, the service's limit, by default.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.settings.batch.bytes = bytes;
        self
    }

    /// The pace of retries; 50 ms doubling to 2 s by default.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Starts the producer's one task, on the runtime that this is called from.
    pub fn build(self) -> Result<Producer, BuildError> {
        self.settings.check()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let (producer, mailbox) = Producer::new(&self.settings);
        runtime.spawn(Dispatcher::new(self.transport, self.settings, mailbox).run());
        Ok(producer)
    }
}

impl Settings {
    fn check(&self) -> Result<(), BuildError> {
        let semaphore = tokio::sync::Semaphore::MAX_PERMITS / 2;
        for (setting, value, from, to) in [
            ("max_in_flight_records", self.max_in_flight_records, 1, semaphore),
            ("max_record_bytes", self.max_record_bytes, 1, limits::BYTES_PER_RECORD_AT_MOST),
            ("max_in_flight_bytes", self.max_in_flight_bytes, self.max_record_bytes, semaphore),
            ("max_requests", self.max_requests, 1, usize::MAX),
            ("max_batch_records", self.batch.items, 1, limits::RECORDS_PER_REQUEST),
            ("max_batch_bytes", self.batch.bytes, self.max_record_bytes, limits::BYTES_PER_REQUEST),
        ] {
            if !(from..=to).contains(&value) {
                return Err(BuildError::Setting { setting, value, expected: format!("{from} to {to}") });
            }
        }
        Ok(())
    }
}
