//! Sends a stack's documents, or a part of them: what a process that drives the whole load and a worker that another process
//! leads have in common. Knows no delivery.

use std::{convert::Infallible, fs, future, io, path::PathBuf, sync::Arc, time::Duration};

use chrono::Utc;
use kinesis_producer::{BuildError, Builder, Producer, TransportKind};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle},
    time::sleep,
};

use super::host::{Event, Host};
use crate::{
    aws::{SendingClients, shards},
    engine::{Cancel, ProviderError},
    load::{
        self, AckLogError, AckWriter, Controls, Flaws, Gate, Header, LoadError, LoadResult, LoadSecond, OpenError,
        OpenWorkload, Part, Plan, Progress, ReserveTickets, Resumed, Sample,
    },
    spec::{Aggregation, Sending as Way, Stack, Transport},
    verify::{
        Destination,
        freshness::{self, Freshness, Lookup},
    },
};

/// How long the producer may take to finish its records after the last document.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);
/// How long records in flight may take to be acknowledged after a cancellation.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How many acknowledged documents may wait to be tracked.
const SAMPLES_WAITING: usize = 16;

/// Documents to send, and where to.
pub(super) struct Sending<'a> {
    /// The stack.
    pub(super) stack: &'a Stack,
    /// The name of its stream.
    pub(super) stream: &'a str,
    /// Clients for its target.
    pub(super) clients: &'a SendingClients,
    /// The documents.
    pub(super) opened: OpenWorkload,
    /// Which of them are imperfect, if any are.
    pub(super) flaws: Option<&'a Flaws>,
    /// The run's id.
    pub(super) run: String,
    /// Which of the run's documents this process sends.
    pub(super) part: Part,
    /// File to record acknowledgements in; it must not exist yet, unless another worker had the part before.
    pub(super) log: PathBuf,
    /// Reserves the run's tickets.
    pub(super) tickets: ReserveTickets,
    /// Where samples are looked up, if they are.
    pub(super) lookup: Option<Box<dyn Lookup>>,
}

/// Why documents cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no folder for the acknowledgement log.
    #[error(transparent)]
    LogFolder(#[from] io::Error),
    /// The stream's shards cannot be listed.
    #[error(transparent)]
    Shards(#[from] ProviderError),
    /// The documents cannot be opened.
    #[error(transparent)]
    Documents(#[from] OpenError),
    /// There is no producer for the stream.
    #[error(transparent)]
    Producer(#[from] BuildError),
    /// The acknowledgement log cannot be created.
    #[error(transparent)]
    AckLog(#[from] AckLogError),
    /// The load ended early.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A load that another process leads: it says when it starts, and acts on it.
pub(super) struct Led {
    /// What is done to it.
    pub(super) controls: Controls,
    /// Its start.
    pub(super) gate: Gate,
    /// When event times begin, in milliseconds since 1970.
    pub(super) began: i64,
    /// What another worker did of the part.
    pub(super) resumed: Option<Resumed>,
}

/// A load that is ready.
pub(super) struct Prepared {
    /// What is sent.
    pub(super) plan: Plan,
    total: Option<u64>,
    producer: Producer,
    acks: Arc<AckWriter>,
    each_second: mpsc::UnboundedReceiver<LoadSecond>,
    reads: mpsc::UnboundedReceiver<(Destination, Duration)>,
    tracking: Option<JoinHandle<Freshness>>,
}

impl Sending<'_> {
    /// Gets a load ready that this process drives.
    pub(super) async fn prepare(self, controls: Controls, host: &dyn Host) -> Result<Prepared, SendError> {
        self.ready((controls, None, Utc::now().timestamp_millis(), None), host).await
    }

    /// Sends a part of a load that another process leads, until it ends or is cancelled.
    pub(super) async fn send_led(
        self,
        led: Led,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<(LoadResult, Option<JoinHandle<Freshness>>), SendError> {
        let Led { controls, gate, began, resumed } = led;
        let prepared = self.ready((controls, Some(gate), began, resumed), host).await?;
        let alone = future::pending::<Infallible>();
        let sent = prepared.send((watch::Sender::default(), alone), |_| {}, cancel, host).await?;
        host.notify(Event::Loaded(&sent.0));
        Ok(sent)
    }

    async fn ready(
        self,
        (controls, gate, began, resumed): (Controls, Option<Gate>, i64, Option<Resumed>),
        host: &dyn Host,
    ) -> Result<Prepared, SendError> {
        let Self { stack, stream, clients, opened, flaws, run, part, log, tickets, lookup } = self;
        fs::create_dir_all(log.parent().expect("a log lies in a folder"))?;
        let shards = shards::open_ranges(&clients.kinesis, stream).await?;
        let (read, reads) = mpsc::unbounded_channel();
        let (samples, tracking) = lookup.map(|lookup| track(lookup, read)).unzip();
        let (seconds, each_second) = mpsc::unbounded_channel();
        let reserve = if opened.begins_anew() { from_one(tickets) } else { tickets };
        let (opened, reserve) = opened.begin((began, &stack.load.schedule), (part, flaws), reserve)?;
        let header = Header { run, origin: opened.origin, part, flaws: flaws.cloned() };
        let acks = Arc::new(match &resumed {
            Some(resumed) => AckWriter::succeed(&log, &header, &resumed.done),
            None => AckWriter::create(&log, &header),
        }?);
        host.notify(Event::LogOpened(&acks));
        let plan = Plan {
            header,
            reserve,
            source: opened.source,
            schedule: stack.load.schedule.clone(),
            give_up: stack.load.give_up,
            partition_key: stack.load.partition_key.clone(),
            shards,
            controls,
            samples: samples.into_iter().collect(),
            seconds: Some(seconds),
            gate,
            resumed,
        };
        let producer = producer(stack, stream, clients).build().await?;
        Ok(Prepared { total: total(stack, part), plan, producer, acks, each_second, reads, tracking })
    }
}

impl Prepared {
    /// Sends it, and tells what it does; something else is done meanwhile, and each second is looked at.
    pub(super) async fn send(
        self,
        (progress, meanwhile): (watch::Sender<Progress>, impl Future<Output = Infallible>),
        mut look: impl FnMut(&LoadSecond),
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<(LoadResult, Option<JoinHandle<Freshness>>), SendError> {
        let Self { plan, total, producer, acks, mut each_second, mut reads, tracking } = self;
        let mut changes = progress.subscribe();
        host.notify(Event::LoadStarted { total });
        let load = {
            let loading = load::run_logged(plan, &producer, acks, &progress, cancel);
            let draining = end_draining(cancel, &producer);
            tokio::pin!(loading, draining, meanwhile);
            loop {
                tokio::select! {
                    load = &mut loading => break load?,
                    never = &mut meanwhile => match never {},
                    never = &mut draining => match never {},
                    Some(second) = each_second.recv() => {
                        host.notify(Event::LoadSecond(&second));
                        look(&second);
                    }
                    Some((destination, took)) = reads.recv() => host.notify(Event::Read { destination, took }),
                    Ok(()) = changes.changed() => host.notify(Event::Loading(&changes.borrow_and_update())),
                }
            }
        };
        while let Ok(second) = each_second.try_recv() {
            host.notify(Event::LoadSecond(&second));
        }
        producer.close(CLOSE_WITHIN).await;
        Ok((load, tracking))
    }
}

/// The freshness of the tracked samples, if any were; none if the operation is cancelled first.
pub(super) async fn measured(
    tracking: Option<JoinHandle<Freshness>>,
    load: &LoadResult,
    cancel: &Cancel,
) -> Result<Option<Freshness>, JoinError> {
    let Some(tracking) = tracking.filter(|_| !load.cancelled) else { return Ok(None) };
    let task = tracking.abort_handle();
    tokio::select! {
        freshness = tracking => freshness.map(Some),
        () = cancel.raised() => {
            task.abort();
            Ok(None)
        }
    }
}

/// The producer that a stack asks for.
fn producer(stack: &Stack, stream: &str, clients: &SendingClients) -> Builder {
    let Way { transport, aggregation, ordered } = stack.load.sending;
    let transport = match transport {
        Transport::Json => TransportKind::Json,
        Transport::Cbor => TransportKind::Cbor,
        Transport::Sdk => TransportKind::Sdk,
    };
    let builder = Producer::builder(&clients.config, stream)
        .max_record_bytes(stack.stream.max_record_kib as usize * 1024)
        .transport(transport)
        .ordered(ordered);
    match aggregation {
        Aggregation::Off => builder,
        Aggregation::On { max_bytes } => builder.aggregation(true).aggregation_max_bytes(max_bytes as usize),
    }
}

/// Tracks samples of the load, and tells how long each took until it could be read.
fn track(
    lookup: Box<dyn Lookup>,
    read: mpsc::UnboundedSender<(Destination, Duration)>,
) -> (mpsc::Sender<Sample>, JoinHandle<Freshness>) {
    let (samples, to_track) = mpsc::channel(SAMPLES_WAITING);
    let destination = lookup.destination();
    // Nobody listens once the load is over.
    let tell = move |took| _ = read.send((destination, took));
    (samples, tokio::spawn(async move { freshness::track(lookup.as_ref(), to_track, tell).await }))
}

/// Gives up on unacknowledged records some time after a cancellation, so that the load ends.
async fn end_draining(cancel: &Cancel, producer: &Producer) -> Infallible {
    cancel.raised().await;
    sleep(DRAIN_WITHIN).await;
    producer.close(Duration::ZERO).await;
    future::pending().await
}

/// Numbers documents from 1 in each run, and still reserves the tickets in the journal.
fn from_one(mut tickets: ReserveTickets) -> ReserveTickets {
    let mut reserved = 0;
    Box::new(move |count| {
        tickets(count)?;
        let numbers = reserved + 1..=reserved + count;
        reserved += count;
        Ok(numbers)
    })
}

fn total(stack: &Stack, part: Part) -> Option<u64> {
    let whole = stack.load.schedule.documents()?;
    let own = part.documents(whole);
    Some(own.end - own.start)
}
