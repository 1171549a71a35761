//! Loads a stack: sends its documents, and meanwhile tracks samples and does what its deliveries ask for.

use std::{convert::Infallible, fs, future, io, path::PathBuf, sync::Arc, time::Duration};

use chrono::Utc;
use futures::future::join_all;
use kinesis_producer::{BuildError, Builder, Producer, TransportKind};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle},
    time::sleep,
};

use super::{
    conductor::{Conductor, Place, Request},
    control::ControlSocket,
    documents::{Documents, DocumentsError},
    guard::Guard,
    host::{Event, Host},
    watching::Watches,
};
use crate::{
    aws::{Clients, Names, shards},
    deliveries,
    engine::{Cancel, Home, ProviderError, StackId},
    fleet::{FleetError, RendezvousError},
    load::{
        self, AckLogError, AckWriter, Controls, Gate, Header, LoadError, LoadResult, LoadSecond, Part, Plan, Progress,
        ReserveTickets, Resumed, Sample,
    },
    pipeline::meter::Meter,
    report::thresholds::Abort,
    spec::{Action, Aggregation, Sending, Stack, Transport},
    verify::{
        Destination, VerifyError,
        freshness::{self, Freshness},
        stream::StreamReading,
        watch::Watch,
    },
};

/// How long the producer may take to finish its records after the last document.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);
/// How long records in flight may take to be acknowledged after a cancellation.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How often the stream is read meanwhile: seldom, since each time costs a call for each shard, and often enough for 10 MiB, which
/// is what a call gives.
const BETWEEN_READS: Duration = Duration::from_secs(4);
/// How many acknowledged documents may wait to be tracked.
const SAMPLES_WAITING: usize = 16;

/// A stack that is up, and the run that loads it.
pub struct StackLoad<'a> {
    /// The state folder.
    pub home: &'a Home,
    /// The stack's id.
    pub id: &'a StackId,
    /// The stack.
    pub stack: &'a Stack,
    /// The names of its resources.
    pub names: &'a Names,
    /// Clients for its target.
    pub clients: &'a Clients,
    /// What it sends.
    pub documents: &'a Documents,
    /// The run's id.
    pub run: String,
    /// Which of the run's documents this process sends.
    pub part: Part,
    /// File to record acknowledgements in; it must not exist yet.
    pub log: PathBuf,
    /// Reserves the run's tickets.
    pub tickets: ReserveTickets,
}

/// The result of a stack's load.
pub struct StackLoadResult {
    /// Its counts and times.
    pub load: LoadResult,
    /// How fresh the destination was meanwhile whose documents can be looked up, if the stack has one.
    pub freshness: Option<Freshness>,
    /// What was to be done to it meanwhile and went wrong.
    pub problems: Vec<String>,
    /// What was read of the stream meanwhile, where nothing else does.
    pub read: Option<StreamReading>,
    /// What has watched the destinations meanwhile.
    pub watches: Vec<Box<dyn Watch>>,
    /// Why it was stopped, if a threshold or the budget did that.
    pub aborted: Option<Abort>,
}

/// Why a stack cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum StackLoadError {
    /// There is no folder for the acknowledgement log.
    #[error(transparent)]
    LogFolder(#[from] io::Error),
    /// The stream's shards cannot be listed.
    #[error(transparent)]
    Shards(#[from] ProviderError),
    /// The documents cannot be opened.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// A destination cannot be read.
    #[error(transparent)]
    Lookup(#[from] VerifyError),
    /// There is no producer for the stream.
    #[error(transparent)]
    Producer(#[from] BuildError),
    /// The load's workers and this process cannot meet.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
    /// The acknowledgement log cannot be created.
    #[error(transparent)]
    AckLog(#[from] AckLogError),
    /// The load ended early.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Several workers shared it, and it ended early.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The tracking of samples panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// A new id for an unnamed run.
pub fn new_run() -> String {
    format!("{}-{:04x}", Utc::now().format("%Y%m%dT%H%M%S"), rand::random::<u16>())
}

/// A load that another process leads: it says when it starts, and acts on it.
pub struct Led {
    /// What is done to it.
    pub controls: Controls,
    /// Its start.
    pub gate: Gate,
    /// When event times begin, in milliseconds since 1970.
    pub began: i64,
    /// What another worker did of the part.
    pub resumed: Option<Resumed>,
}

/// A load that is ready.
struct Prepared {
    plan: Plan,
    producer: Producer,
    acks: Arc<AckWriter>,
    each_second: mpsc::UnboundedReceiver<LoadSecond>,
    reads: mpsc::UnboundedReceiver<(Destination, Duration)>,
    tracking: Option<JoinHandle<Freshness>>,
}

impl StackLoad<'_> {
    /// Sends the stack's load until it ends, is cancelled, or crosses what it may not; `meter` estimates its cost.
    pub async fn send(
        self,
        meter: &Meter,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<StackLoadResult, StackLoadError> {
        let Self { home, id, stack, names, clients, part, .. } = self;
        let (control, controls) = load::control();
        let mut prepared = self.prepare(controls, None, host).await?;
        let (progress, changes) = watch::channel(Progress::default());
        let beside = beside_load(stack, names, clients, part);
        let (socket, mut requests) = take_requests(home, id, part, host);
        let events = stack.load.events.iter().filter(|event| part.worker == 1 || !event.action.is_shared());
        let place = Place { home, stack, names, clients };
        let mut guard = Guard::new(stack, part, meter, prepared.plan.shards.len());
        let mut conductor = Conductor::new(control.clone(), place, events.cloned(), cancel, host);
        // Workers leave it to `demo verify`.
        let identity = prepared.plan.source.identity();
        let mut read = deliveries::reading(stack, names, clients, &identity).filter(|_| part.is_whole());
        let mut watches = match part.is_whole() {
            true => Watches::of(stack, names, clients, &identity),
            false => Watches::default(),
        };
        prepared.plan.samples.append(&mut watches.samples);
        let (load, tracking) = {
            let conducting = conductor.conduct(changes, &mut requests);
            let reading = keep_up(read.as_mut());
            let watching = watches.look_on(host);
            let meanwhile = async {
                tokio::select! {
                    never = beside => never,
                    never = conducting => never,
                    never = reading => never,
                    never = watching => never,
                }
            };
            let look = |second: &LoadSecond| guard.stop_or_pass(second, &control, host);
            prepared.send(total(stack, part), (progress, meanwhile), look, cancel, host).await?
        };
        // Whoever asks from now on is told at once that the load is over.
        drop((socket, requests));
        host.notify(Event::Loaded(&load));
        let problems = conductor.end(was_stopped(&load)).await;
        let freshness = measured(tracking, &load, cancel).await?;
        Ok(StackLoadResult { load, freshness, problems, read, watches: watches.all, aborted: guard.ended() })
    }

    /// Sends a part of the load that another process leads, until it ends or is cancelled.
    pub async fn send_led(self, led: Led, cancel: &Cancel, host: &dyn Host) -> Result<StackLoadResult, StackLoadError> {
        let Led { controls, gate, began, resumed } = led;
        let total = total(self.stack, self.part);
        let prepared = self.prepare(controls, Some((gate, began, resumed)), host).await?;
        let alone = future::pending::<Infallible>();
        let sending = prepared.send(total, (watch::Sender::default(), alone), |_| {}, cancel, host);
        let (load, tracking) = sending.await?;
        host.notify(Event::Loaded(&load));
        let freshness = measured(tracking, &load, cancel).await?;
        Ok(StackLoadResult { load, freshness, problems: Vec::new(), read: None, watches: Vec::new(), aborted: None })
    }

    async fn prepare(
        self,
        controls: Controls,
        led: Option<(Gate, i64, Option<Resumed>)>,
        host: &dyn Host,
    ) -> Result<Prepared, StackLoadError> {
        let Self { stack, names, clients, documents, part, .. } = self;
        fs::create_dir_all(self.log.parent().expect("a log lies in a folder"))?;
        let shards = shards::open_ranges(&clients.kinesis, &names.stream).await?;
        let opened = documents.open(stack).await?;
        let (read, reads) = mpsc::unbounded_channel();
        // One worker of those that another process leads tracks for all.
        let tracks = led.is_none() || part.worker == 1;
        let tracked = if tracks { track(stack, names, clients, read).await? } else { None };
        let (samples, tracking) = tracked.unzip();
        let (seconds, each_second) = mpsc::unbounded_channel();
        let reserve = if opened.begins_anew() { from_one(self.tickets) } else { self.tickets };
        let (gate, began, resumed) = match led {
            Some((gate, began, resumed)) => (Some(gate), began, resumed),
            None => (None, Utc::now().timestamp_millis(), None),
        };
        let (opened, reserve) = opened
            .begin((began, &stack.load.schedule), (part, documents.flaws.as_ref()), reserve)
            .map_err(DocumentsError::from)?;
        let header = Header { run: self.run, origin: opened.origin, part, flaws: documents.flaws.clone() };
        let acks = Arc::new(match &resumed {
            Some(resumed) => AckWriter::succeed(&self.log, &header, &resumed.done),
            None => AckWriter::create(&self.log, &header),
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
        let producer = producer(stack, names, clients).build().await?;
        Ok(Prepared { plan, producer, acks, each_second, reads, tracking })
    }
}

impl Prepared {
    /// Sends it, and tells what it does; something else is done meanwhile, and each second is looked at.
    async fn send(
        self,
        total: Option<u64>,
        (progress, meanwhile): (watch::Sender<Progress>, impl Future<Output = Infallible>),
        mut look: impl FnMut(&LoadSecond),
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<(LoadResult, Option<JoinHandle<Freshness>>), StackLoadError> {
        let Self { plan, producer, acks, mut each_second, mut reads, tracking } = self;
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

/// Whether a load ended before it came to its end.
pub(super) fn was_stopped(load: &LoadResult) -> bool {
    load.cancelled || load.gave_up || load.actions.iter().any(|done| done.action == Action::Stop)
}

/// Takes what other processes ask for. A load goes on where none can.
pub(super) fn take_requests(
    home: &Home,
    id: &StackId,
    part: Part,
    host: &dyn Host,
) -> (Option<ControlSocket>, mpsc::Receiver<Request>) {
    match ControlSocket::open(home, id, part) {
        Ok((socket, requests)) => (Some(socket), requests),
        Err(error) => {
            host.notify(Event::Warning(&format!("`demo control` cannot act on this run: {error}")));
            (None, mpsc::channel(1).1)
        }
    }
}

/// The producer that a stack asks for.
fn producer(stack: &Stack, names: &Names, clients: &Clients) -> Builder {
    let Sending { transport, aggregation, ordered } = stack.load.sending;
    let transport = match transport {
        Transport::Json => TransportKind::Json,
        Transport::Cbor => TransportKind::Cbor,
        Transport::Sdk => TransportKind::Sdk,
    };
    let builder = Producer::builder(clients.config(), names.stream.as_str())
        .max_record_bytes(stack.stream.max_record_kib as usize * 1024)
        .transport(transport)
        .ordered(ordered);
    match aggregation {
        Aggregation::Off => builder,
        Aggregation::On { max_bytes } => builder.aggregation(true).aggregation_max_bytes(max_bytes as usize),
    }
}

/// Tracks samples of the load in the first destination where documents can be looked up, and tells how long each took.
async fn track(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    read: mpsc::UnboundedSender<(Destination, Duration)>,
) -> Result<Option<(mpsc::Sender<Sample>, JoinHandle<Freshness>)>, VerifyError> {
    for delivery in deliveries::of(&stack.deliver) {
        if let Some(lookup) = delivery.lookup(names, clients).await? {
            let (samples, to_track) = mpsc::channel(SAMPLES_WAITING);
            let destination = lookup.destination();
            // Nobody listens once the load is over.
            let tell = move |took| _ = read.send((destination, took));
            let tracking = tokio::spawn(async move { freshness::track(lookup.as_ref(), to_track, tell).await });
            return Ok(Some((samples, tracking)));
        }
    }
    Ok(None)
}

/// The freshness of the tracked samples, if any were; none if the operation is cancelled first.
async fn measured(
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

/// Gives up on unacknowledged records some time after a cancellation, so that the load ends.
async fn end_draining(cancel: &Cancel, producer: &Producer) -> Infallible {
    cancel.raised().await;
    sleep(DRAIN_WITHIN).await;
    producer.close(Duration::ZERO).await;
    future::pending().await
}

/// Reads what comes into the stream, so that there is little left to read after the load.
async fn keep_up(read: Option<&mut StreamReading>) -> Infallible {
    let Some(read) = read else { future::pending().await };
    loop {
        sleep(BETWEEN_READS).await;
        if let Err(error) = read.keep_up().await {
            // Whatever it is, the search meets it again, and says it.
            tracing::debug!("the stream is not read beside the load: {error}");
        }
    }
}

/// What deliveries do while the load goes on; the first worker does it for all.
pub(super) async fn beside_load(stack: &Stack, names: &Names, clients: &Clients, part: Part) -> Infallible {
    let deliveries = deliveries::of(&stack.deliver).into_iter().filter(|_| part.worker == 1);
    join_all(deliveries.filter_map(|delivery| delivery.beside_load(names, clients))).await;
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
