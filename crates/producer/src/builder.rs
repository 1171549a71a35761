//! The settings of a producer, and how it starts.

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_kinesis::Client;
use aws_types::SdkConfig;
use futures::{
    FutureExt,
    future::{BoxFuture, ready},
};

use super::{
    answer::Answer,
    body::Format,
    handle::Producer,
    limits,
    queued_batch::BatchLimits,
    queues::{Pack, Rules},
    retry::Backoff,
    sdk::SdkTransport,
    shard_map::{self, DescribeError, ShardMap},
    state::FOR_EVER,
    transport::{Request, RequestError, Transport, Wants},
    wire::{Wire, WireError},
};

/// The encoding of requests, and the client that sends them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// JSON, with the producer's own client.
    #[default]
    Json,
    /// CBOR, with the producer's own client: a quarter less to send and to hash than JSON. If the service refuses CBOR, the
    /// producer sends JSON from then on.
    Cbor,
    /// The AWS SDK's client: the slowest, and the one that everybody knows.
    Sdk,
}

/// Settings of a [`Producer`]; each has a default.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    target: Target,
    settings: Settings,
}

enum Target {
    Transport(Arc<dyn Transport>),
    Stream { config: Box<SdkConfig>, stream: String, transport: TransportKind },
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
    aggregation: bool,
    pack: Pack,
    pub(super) ordered: bool,
    pub(super) pace: bool,
}

/// Why [`build`](Builder::build) started no producer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting is out of its range.
    #[error("`{setting}` is {value}; it must be {expected}")]
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// The value that was set.
        value: usize,
        /// The values that it takes.
        expected: String,
    },
    /// There is no Tokio runtime to run the dispatcher.
    #[error("a producer needs a Tokio runtime; call `build` from async code")]
    NoRuntime,
    /// The stream or its shards could not be described.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// The configuration lacks something that a request needs.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Aggregation was asked for, and the transport does not know the shards.
    #[error(
        "aggregation needs the stream's shards, and the transport does not know them; implement its `shards`, or turn aggregation off"
    )]
    NoShards,
    /// The stream ignores keys: consumers would pass over aggregated records, and records of one key have no order.
    /// Source: Kinesis developer guide, service-managed record distribution.
    #[error(
        "stream {stream} distributes its records itself (AUTO): consumers would lose aggregated records, and no key has an \
         order; turn `aggregation` and `ordered` off, or let the stream distribute by partition key"
    )]
    AutoDistribution {
        /// The stream.
        stream: String,
    },
}

impl Builder {
    pub(super) fn to(config: &SdkConfig, stream: String) -> Self {
        let config = Box::new(config.clone());
        Self::new(Target::Stream { config, stream, transport: TransportKind::default() })
    }

    pub(super) fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self::new(Target::Transport(transport))
    }

    fn new(target: Target) -> Self {
        let settings = Settings {
            max_in_flight_records: 50_000,
            max_in_flight_bytes: 64 * 1024 * 1024,
            max_requests: 32,
            max_record_bytes: limits::BYTES_PER_RECORD,
            linger: Duration::from_millis(10),
            record_ttl: None,
            request_timeout: Duration::from_secs(30),
            batch: BatchLimits { items: limits::RECORDS_PER_REQUEST, bytes: BATCH_BYTES },
            backoff: Backoff::default(),
            aggregation: false,
            pack: Pack { records: PACK_RECORDS, bytes: PACK_BYTES },
            ordered: false,
            pace: true,
        };
        Self { target, settings }
    }

    /// The encoding and the client of requests; [`TransportKind::Json`] by default. A producer
    /// [over a transport](Producer::with_transport) has it already.
    pub fn transport(mut self, kind: TransportKind) -> Self {
        if let Target::Stream { transport, .. } = &mut self.target {
            *transport = kind;
        }
        self
    }

    /// Aggregates records for one shard into one Kinesis record, in the Kinesis Producer Library's format; off by default.
    /// Consumers have to take them apart: Firehose and the Kinesis Client Library do.
    ///
    /// Aggregation needs the stream's shards (kinesis:ListShards) and its record distribution (kinesis:DescribeStreamSummary),
    /// which [`build`](Self::build) reads. A producer [over a transport](Producer::with_transport) only needs its
    /// [`shards`](Transport::shards).
    pub fn aggregation(mut self, aggregation: bool) -> Self {
        self.settings.aggregation = aggregation;
        self
    }

    /// The most user records in one aggregate, at least 1; no limit by default. It matters with
    /// [`aggregation`](Self::aggregation) only.
    pub fn aggregation_max_records(mut self, records: usize) -> Self {
        self.settings.pack.records = records;
        self
    }

    /// The most bytes of one aggregate as a Kinesis record, its partition key included; 51,200 (50 KiB) by default, and
    /// at most [`max_record_bytes`](Self::max_record_bytes). A larger user record travels by itself. It matters with
    /// [`aggregation`](Self::aggregation) only.
    pub fn aggregation_max_bytes(mut self, bytes: usize) -> Self {
        self.settings.pack.bytes = bytes;
        self
    }

    /// Keeps the order of records with the same hash key (explicit, or else that of the partition key), through retries too;
    /// off by default. Each shard then has one request in flight, with no key in it twice, or while the shards are not known,
    /// the whole stream. With aggregation this costs least: a request has one record of many for each shard.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.settings.ordered = ordered;
        self
    }

    /// Sends each shard no more than its limit, so that hardly anything is throttled; on by default, where the stream's
    /// shards are known. While all records together are less than half of what all shards take, the producer does not count
    /// shard by shard until one throttles.
    pub fn pace(mut self, pace: bool) -> Self {
        self.settings.pace = pace;
        self
    }

    /// The most records that are taken and have not ended; 50,000 by default, at least 1.
    pub fn max_in_flight_records(mut self, records: usize) -> Self {
        self.settings.max_in_flight_records = records;
        self
    }

    /// The most bytes of these records, partition keys included; 64 MiB by default, at least
    /// [`max_record_bytes`](Self::max_record_bytes).
    pub fn max_in_flight_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_in_flight_bytes = bytes;
        self
    }

    /// The most requests in flight; 32 by default, at least 1.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.settings.max_requests = requests;
        self
    }

    /// The most bytes of one record, its partition key included; 1 MiB by default, 10 MiB at most. Raise it for a stream whose
    /// limit UpdateMaxRecordSize has raised.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_record_bytes = bytes;
        self.settings.batch.bytes = self.settings.batch.bytes.max(bytes);
        self
    }

    /// How long a record waits for others in a request; 10 ms by default, 0 is allowed. With aggregation, it has waited as long
    /// in its aggregate before.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = linger.min(FOR_EVER);
        self
    }

    /// Gives up a record that is not acknowledged in this time after `put` took it; never by default. The producer checks it
    /// when it is about to send a record, so a record that waits for its shard, or whose attempt is in flight, ends later. After
    /// a failed attempt, a record that would expire before the next one ends at once.
    pub fn record_ttl(mut self, ttl: Duration) -> Self {
        self.settings.record_ttl = Some(ttl.min(FOR_EVER));
        self
    }

    /// How long one request may take; 30 s by default, at least 1 ms. After this time its outcome is unknown, and its records
    /// are sent again.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// The most records in one request; 500, the service's limit, by default.
    pub fn max_batch_records(mut self, records: usize) -> Self {
        self.settings.batch.items = records;
        self
    }

    /// The most bytes in one request, partition keys included; by default 1 MiB, or as much as a record may have. The service takes
    /// 10 MiB. Several requests that are ready at the same time are hashed together, so smaller ones are sent for less.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.settings.batch.bytes = bytes;
        self
    }

    /// The waits before retries; 50 ms doubling to 2 s by default.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Describes the stream and starts the dispatcher, on the current Tokio runtime.
    ///
    /// It reads the shard map where that is permitted (kinesis:ListShards) and the stream distributes records by key
    /// (kinesis:DescribeStreamSummary). Without a shard map, the producer neither paces nor aggregates.
    ///
    /// # Errors
    /// When a setting is out of its range, there is no runtime, the configuration lacks something, the stream does not exist
    /// or cannot be described, or it does not support aggregation or order.
    pub async fn build(self) -> Result<Producer, BuildError> {
        self.settings.check()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let (packs, ordered) = (self.settings.aggregation, self.settings.ordered);
        let (transport, stream) = self.target.open(packs, ordered).await?;
        let map = match transport.shards().await {
            Err(error) if error.is_not_permitted() && !packs => {
                tracing::warn!(stream, %error, "the stream's shards are not known: the producer does not pace");
                None
            }
            map => map?,
        };
        if packs && map.is_none() {
            return Err(BuildError::NoShards);
        }
        Ok(Producer::start(transport, stream, self.settings, map, &runtime))
    }
}

/// Bytes of one request at most, by default: four of them stay in a processor's cache while they are hashed.
const BATCH_BYTES: usize = 1024 * 1024;
/// User records in an aggregate at most, by default.
const PACK_RECORDS: usize = usize::MAX;
/// Bytes of an aggregate at most, by default: as the Kinesis Producer Library has it (AggregationMaxSize).
const PACK_BYTES: usize = 50 * 1024;

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("Transport"),
            Self::Stream { stream, transport, .. } => write!(f, "{stream} by {transport:?}"),
        }
    }
}

impl Target {
    async fn open(self, packs: bool, ordered: bool) -> Result<(Arc<dyn Transport>, String), BuildError> {
        match self {
            Self::Transport(transport) => Ok((transport, String::new())),
            Self::Stream { config, stream, transport } => {
                let client = Client::new(&config);
                let spreads = spreads(&client, &stream, packs).await?;
                if spreads && (packs || ordered) {
                    return Err(BuildError::AutoDistribution { stream });
                }
                let inner: Arc<dyn Transport> = match transport {
                    TransportKind::Json => Arc::new(Wire::new(&config, &stream, Format::Json)?),
                    TransportKind::Cbor => Arc::new(Wire::new(&config, &stream, Format::Cbor)?),
                    TransportKind::Sdk => Arc::new(SdkTransport::new(client.clone(), &stream)),
                };
                Ok((Arc::new(Known { inner, client, stream: stream.clone(), spreads }), stream))
            }
        }
    }
}

/// Whether the stream distributes records itself. Without the permission to ask, the answer is no, unless it `must` be known.
async fn spreads(client: &Client, stream: &str, must: bool) -> Result<bool, DescribeError> {
    match shard_map::describe_stream(client, stream).await {
        Err(error) if error.is_not_permitted() && !must => {
            tracing::warn!(stream, %error, "the record distribution of the stream is not known: the producer assumes that partition keys decide");
            Ok(false)
        }
        summary => summary.map(|summary| summary.auto_distribution),
    }
}

/// A transport to a stream whose shards can be asked for.
struct Known {
    inner: Arc<dyn Transport>,
    client: Client,
    stream: String,
    /// Whether a record's key says nothing of its shard.
    spreads: bool,
}

impl Transport for Known {
    fn wants(&self) -> Wants {
        self.inner.wants()
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        self.inner.put_records(request)
    }

    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        if self.spreads {
            return ready(Ok(None)).boxed();
        }
        let (client, stream) = (self.client.clone(), self.stream.clone());
        async move { shard_map::list_open_shards(&client, &stream).await.map(Some) }.boxed()
    }
}

impl Settings {
    pub(super) fn rules(&self) -> Rules {
        Rules { pace: self.pace, ordered: self.ordered, pack: self.pack(), linger: self.linger }
    }

    /// The bounds of an aggregate, where records are aggregated.
    pub(super) fn pack(&self) -> Option<Pack> {
        self.aggregation.then_some(self.pack)
    }

    fn check(&self) -> Result<(), BuildError> {
        let semaphore = tokio::sync::Semaphore::MAX_PERMITS / 2;
        let millis = |time: Duration| usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
        for (setting, value, from, to) in [
            ("request_timeout in ms", millis(self.request_timeout), 1, usize::MAX),
            ("backoff's initial in ms", millis(self.backoff.initial()), 1, usize::MAX),
            ("max_in_flight_records", self.max_in_flight_records, 1, semaphore),
            ("max_record_bytes", self.max_record_bytes, 1, limits::BYTES_PER_RECORD_AT_MOST),
            ("max_in_flight_bytes", self.max_in_flight_bytes, self.max_record_bytes, semaphore),
            ("max_requests", self.max_requests, 1, usize::MAX),
            ("max_batch_records", self.batch.items, 1, limits::RECORDS_PER_REQUEST),
            ("max_batch_bytes", self.batch.bytes, self.max_record_bytes, limits::BYTES_PER_REQUEST),
            ("aggregation_max_records", self.pack().map_or(1, |pack| pack.records), 1, usize::MAX),
            ("aggregation_max_bytes", self.pack().map_or(1, |pack| pack.bytes), 1, self.max_record_bytes),
        ] {
            if !(from..=to).contains(&value) {
                return Err(BuildError::Setting { setting, value, expected: format!("{from} to {to}") });
            }
        }
        Ok(())
    }
}
