//! Loads a stack: sends its documents, and meanwhile tracks samples and does what its deliveries ask for.

use std::{convert::Infallible, future, io, path::PathBuf, time::Duration};

use chrono::Utc;
use futures::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    task::JoinError,
    time::sleep,
};

use super::{
    conductor::{Conductor, Place, Request},
    control::ControlSocket,
    documents::{Documents, DocumentsError},
    guard::Guard,
    host::{Event, Host},
    sending::{SendError, Sending, measured},
    watching::Watches,
};
use crate::{
    aws::{Clients, Names, SendingClients, worker_program::ProgramError},
    deliveries,
    engine::{Cancel, Home, ProviderError, StackId},
    fleet::{FleetError, RendezvousError},
    load::{self, LoadError, LoadResult, LoadSecond, Part, Progress, ReserveTickets},
    pipeline::meter::Meter,
    report::thresholds::Abort,
    spec::{Action, Stack},
    verify::{
        VerifyError,
        freshness::{Freshness, Lookup},
        stream::StreamReading,
        watch::Watch,
    },
};

/// How often the stream is read meanwhile: seldom, since each time costs a call for each shard, and often enough for 10 MiB, which
/// is what a call gives.
const BETWEEN_READS: Duration = Duration::from_secs(4);

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
    /// The load's workers and this process cannot meet.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
    /// The load cannot be shared.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is no program for tasks.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// They cannot be sent, or the load ended early.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Several workers shared it, and it ended early.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The lead of its workers cannot be taken.
    #[error("cannot take the lead of the run, whose tasks are left alone: {0}")]
    NotLed(Box<StackLoadError>),
    /// The tracking of samples panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

impl StackLoadError {
    /// Whether the stack is in use by workers that this process does not lead.
    pub(super) fn leaves_workers(&self) -> bool {
        matches!(self, Self::NotLed(_) | Self::Fleet(FleetError::Led(_)))
    }
}

/// A new id for an unnamed run.
pub fn new_run() -> String {
    format!("{}-{:04x}", Utc::now().format("%Y%m%dT%H%M%S"), rand::random::<u16>())
}

impl StackLoad<'_> {
    /// Sends the stack's load until it ends, is cancelled, or crosses what it may not; `meter` estimates its cost.
    pub async fn send(
        self,
        meter: &Meter,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<StackLoadResult, StackLoadError> {
        let Self { home, id, stack, names, clients, documents, part, .. } = self;
        let (control, controls) = load::control();
        let sending = Sending {
            stack,
            stream: &names.stream,
            clients: &SendingClients::of(clients),
            opened: documents.open(stack).await?,
            flaws: documents.flaws.as_ref(),
            run: self.run,
            part,
            log: self.log,
            tickets: self.tickets,
            lookup: lookup(stack, names, clients).await?,
        };
        let mut prepared = sending.prepare(controls, host).await?;
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
            prepared.send((progress, meanwhile), look, cancel, host).await?
        };
        // Whoever asks from now on is told at once that the load is over.
        drop((socket, requests));
        host.notify(Event::Loaded(&load));
        let problems = conductor.end(was_stopped(&load)).await;
        let freshness = measured(tracking, &load, cancel).await?;
        Ok(StackLoadResult { load, freshness, problems, read, watches: watches.all, aborted: guard.ended() })
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

/// What looks up samples of a load: in the first destination where documents can be looked up.
pub(super) async fn lookup(
    stack: &Stack,
    names: &Names,
    clients: &Clients,
) -> Result<Option<Box<dyn Lookup>>, VerifyError> {
    for delivery in deliveries::of(&stack.deliver) {
        if let Some(lookup) = delivery.lookup(names, clients).await? {
            return Ok(Some(lookup));
        }
    }
    Ok(None)
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
