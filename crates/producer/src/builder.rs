//! What a producer may be told before it starts.

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

/// How requests are written and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// JSON, by the producer's own client.
    #[default]
    Json,
    /// CBOR, by the producer's own client: a quarter less to send and to hash than JSON. A service that refuses it is sent
    /// JSON from then on.
    Cbor,
    /// By the AWS SDK's client: the slowest, and the one that everybody knows.
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

/// Why a producer does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// The stream cannot be looked at.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// The configuration has not all that a request needs.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Records are packed together by shard, and the transport does not tell the shards.
    #[error(
        "aggregation needs the stream's shards, and the transport does not tell them: give it `shards`, or turn aggregation off"
    )]
    NoShards,
    /// Keys do not decide about shards: consumers would pass over aggregated records, and records of one key have no order.
    /// Source: Kinesis developer guide, service-managed record distribution.
    #[error(
        "stream {stream} distributes its records itself (AUTO): there aggregated records are lost on consumers, and no key \
         has an order; turn `aggregation` and `ordered` off, or have the stream distribute by partition key"
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

    /// How requests are written and sent; [`TransportKind::Json`] by default. A producer [`with_transport`](Producer::with_transport) a transport
    /// has it already.
    pub fn transport(mut self, kind: TransportKind) -> Self {
        if let Target::Stream { transport, .. } = &mut self.target {
            *transport = kind;
        }
        self
    }

    /// Packs records that go to the same shard into one Kinesis record, in the Kinesis Producer Library's format; not by
    /// default. Consumers have to take them apart: Firehose and the Kinesis Client Library do.
    ///
    /// It needs the stream's shards (kinesis:ListShards) and how it distributes records (kinesis:DescribeStreamSummary),
    /// which is looked at once, by [`build`](Self::build). A producer [`with_transport`](Producer::with_transport) a transport only needs its
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

    /// Keeps the order of records of the same hash key (explicit, or else that of the partition key), through retries too,
    /// by having one request on its way for each shard, with no key in it twice; not by default. With aggregation, where a
    /// request has one record of many for each shard, that costs least. While shards are not known, there is one request on
    /// its way for the whole stream.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.settings.ordered = ordered;
        self
    }

    /// Gives each shard no more than it takes, so that hardly anything is throttled; by default it does, where the stream's
    /// shards are known. While all records together are less than half of what all shards take, shards are not counted by
    /// themselves until one throttles.
    pub fn pace(mut self, pace: bool) -> Self {
        self.settings.pace = pace;
        self
    }

    /// Records taken and not ended; 50,000 by default.
    pub fn max_in_flight_records(mut self, records: usize) -> Self {
        self.settings.max_in_flight_records = records;
        self
    }

    /// Bytes of records taken and not ended, partition keys included; 64 MiB by default.
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
        self.settings.batch.bytes = self.settings.batch.bytes.max(bytes);
        self
    }

    /// How long a record waits for company in a request; 10 ms by default, 0 is allowed. With aggregation it has waited as
    /// long for company in its aggregate before.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = linger.min(FOR_EVER);
        self
    }

    /// Gives up a record that is not acknowledged so long after `put` took it; by default it never does. Looked at when a
    /// record is about to be sent, so one that waits for its shard or whose attempt is under way ends later, and after an
    /// attempt in vain: one that would be over before the next ends at once.
    pub fn record_ttl(mut self, ttl: Duration) -> Self {
        self.settings.record_ttl = Some(ttl.min(FOR_EVER));
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

    /// Bytes in one request, partition keys included; by default 1 MiB, or as much as a record may have. The service takes
    /// 10 MiB. Several requests that are ready at the same time are hashed together, so smaller ones are sent for less.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.settings.batch.bytes = bytes;
        self
    }

    /// The pace of retries; 50 ms doubling to 2 s by default.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Looks at the stream and starts the producer's one task, on the runtime that this is called from.
    ///
    /// The shard map is read where it is allowed (kinesis:ListShards) and keys decide the shards (as
    /// kinesis:DescribeStreamSummary tells); without it, limits are not kept shard by shard, and nothing is packed.
    ///
    /// # Errors
    /// When a setting cannot work, there is no runtime, the configuration lacks what a request needs, the stream is not
    /// there or cannot be looked at, or it is not one for what was asked.
    pub async fn build(self) -> Result<Producer, BuildError> {
        self.settings.check()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let (packs, ordered) = (self.settings.aggregation, self.settings.ordered);
        let (transport, stream) = self.target.open(packs, ordered).await?;
        let map = match transport.shards().await {
            Err(error) if error.is_not_permitted() && !packs => {
                tracing::warn!(stream, %error, "shards are not known: no limits are kept shard by shard");
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

/// Whether the stream chooses records' shards itself. Who may not ask is believed that it does not, unless it `must` be known.
async fn spreads(client: &Client, stream: &str, must: bool) -> Result<bool, DescribeError> {
    match shard_map::describe_stream(client, stream).await {
        Err(error) if error.is_not_permitted() && !must => {
            tracing::warn!(stream, %error, "the stream is taken for one that places records by their keys");
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
