//! Loads a stack: sends its documents, and meanwhile tracks samples and does what its deliveries ask for.

use std::{convert::Infallible, fs, future, io, path::PathBuf, time::Duration};

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
};
use crate::{
    aws::{Clients, Names, shards},
    deliveries,
    engine::{Cancel, Home, ProviderError, StackId},
    load::{self, Header, LoadError, LoadResult, Part, Plan, Progress, ReserveTickets, Sample},
    pipeline::meter::Meter,
    report::thresholds::Abort,
    spec::{Action, Aggregation, Sending, Stack, Transport},
    verify::{
        Destination, VerifyError,
        freshness::{self, Freshness},
        stream::StreamReading,
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
    /// Estimates what the run costs.
    pub meter: &'a Meter,
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
    /// The load ended early.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The tracking of samples panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// A new id for an unnamed run.
pub fn new_run() -> String {
    format!("{}-{:04x}", Utc::now().format("%Y%m%dT%H%M%S"), rand::random::<u16>())
}

impl StackLoad<'_> {
    /// Sends the stack's load until it ends or is cancelled.
    pub async fn send(self, cancel: &Cancel, host: &dyn Host) -> Result<StackLoadResult, StackLoadError> {
        let Self { home, id, stack, names, clients, documents, part, meter, .. } = self;
        fs::create_dir_all(self.log.parent().expect("a log lies in a folder"))?;
        let shards = shards::open_ranges(&clients.kinesis, &names.stream).await?;
        let opened = documents.open(stack).await?;
        let (read, mut reads) = mpsc::unbounded_channel();
        let (samples, tracking) = track(stack, names, clients, read).await?.unzip();
        let (seconds, mut each_second) = mpsc::unbounded_channel();
        let (control, controls) = load::control();
        let reserve = if opened.begins_anew() { from_one(self.tickets) } else { self.tickets };
        let (opened, reserve) = opened
            .begin(&stack.load.schedule, (part, documents.flaws.as_ref()), reserve)
            .map_err(DocumentsError::from)?;
        let mut guard = Guard::new(stack, part, meter, shards.len());
        let plan = Plan {
            header: Header { run: self.run, origin: opened.origin, part, flaws: documents.flaws.clone() },
            reserve,
            source: opened.source,
            schedule: stack.load.schedule.clone(),
            give_up: stack.load.give_up,
            partition_key: stack.load.partition_key.clone(),
            shards,
            controls,
            samples,
            seconds: Some(seconds),
        };
        // Workers leave it to `demo verify`.
        let mut read = deliveries::reading(stack, names, clients, &plan.source.identity()).filter(|_| part.is_whole());
        let producer = producer(stack, names, clients).build().await?;
        let (progress, mut changes) = watch::channel(Progress::default());
        let loading = load::run(plan, &producer, &self.log, &progress, cancel);
        let beside = beside_load(stack, names, clients, part);
        let draining = end_draining(cancel, &producer);
        let (socket, mut requests) = take_requests(home, id, part, host);
        let events = stack.load.events.iter().filter(|event| part.worker == 1 || !event.action.is_shared());
        let place = Place { home, stack, names, clients };
        let mut conductor = Conductor::new(control.clone(), place, events.cloned(), cancel, host);
        host.notify(Event::LoadStarted { total: total(stack, part) });
        let load = {
            let conducting = conductor.conduct(changes.clone(), &mut requests);
            let reading = keep_up(read.as_mut());
            tokio::pin!(loading, beside, draining, conducting, reading);
            loop {
                tokio::select! {
                    load = &mut loading => break load?,
                    never = &mut beside => match never {},
                    never = &mut draining => match never {},
                    never = &mut conducting => match never {},
                    never = &mut reading => match never {},
                    Some(second) = each_second.recv() => {
                        host.notify(Event::LoadSecond(&second));
                        if let Some(abort) = guard.watch(&second) {
                            control.stop();
                            host.notify(Event::Aborted(abort));
                        }
                    }
                    Some((destination, took)) = reads.recv() => host.notify(Event::Read { destination, took }),
                    Ok(()) = changes.changed() => host.notify(Event::Loading(&changes.borrow_and_update())),
                }
            }
        };
        while let Ok(second) = each_second.try_recv() {
            host.notify(Event::LoadSecond(&second));
        }
        // Whoever asks from now on is told at once that the load is over.
        drop((socket, requests));
        host.notify(Event::Loaded(&load));
        let was_stopped = load.cancelled || load.gave_up || load.actions.iter().any(|done| done.action == Action::Stop);
        let problems = conductor.end(was_stopped).await;
        producer.close(CLOSE_WITHIN).await;
        let freshness = match tracking {
            Some(tracking) if !load.cancelled => measured(tracking, cancel).await?,
            _ => None,
        };
        Ok(StackLoadResult { load, freshness, problems, read, aborted: guard.ended() })
    }
}

/// Takes what other processes ask for. A load goes on where none can.
fn take_requests(
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

/// The freshness of the tracked samples; none if the operation is cancelled first.
async fn measured(tracking: JoinHandle<Freshness>, cancel: &Cancel) -> Result<Option<Freshness>, JoinError> {
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
        if let Err(error) = read.catch_up().await {
            // Whatever it is, the search meets it again, and says it.
            tracing::debug!("the stream is not read beside the load: {error}");
        }
    }
}

/// What deliveries do while the load goes on; the first worker does it for all.
async fn beside_load(stack: &Stack, names: &Names, clients: &Clients, part: Part) -> Infallible {
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
