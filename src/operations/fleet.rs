//! Loads a stack by several workers: starts them, leads them, and puts together what they come to.

use std::{
    fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::Utc;
use futures::poll;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    conductor::{Conductor, Place},
    documents::Documents,
    guard::Guard,
    host::{Event, Host},
    load::{StackLoadError, StackLoadResult, beside_load, take_requests, was_stopped},
    logs::Logs,
    watching::Watches,
};
use crate::{
    aws::{Clients, Names, shards},
    deliveries,
    engine::{Cancel, Home, Journal, StackId},
    fleet::{
        Coordinator, FleetEvent, FleetResult, InFolder, LastRead, LogOf, Processes, Rendezvous, RendezvousError,
        RunPlan, Tracked,
    },
    load::{self, AckLog, LoadError, Part, Progress},
    pipeline::meter::Meter,
    spec::Stack,
    verify::{Destination, freshness::Freshness},
};

/// The folder of a stack where the workers of its runs meet.
const FOLDER: &str = "fleet";
/// How often workers of this machine look for what is new.
const POLL: Duration = Duration::from_millis(100);

/// A stack that is up, and the run whose workers load it.
pub struct FleetLoad<'a> {
    /// The state folder.
    pub home: &'a Home,
    /// The stack's id.
    pub id: &'a StackId,
    /// The stack.
    pub stack: &'a Stack,
    /// The stack file with its overlays and overrides.
    pub spec: &'a Value,
    /// The names of its resources.
    pub names: &'a Names,
    /// Clients for its target.
    pub clients: &'a Clients,
    /// Called in place of the target's own endpoint.
    pub endpoint_url: Option<&'a str>,
    /// What it sends.
    pub documents: &'a Documents,
    /// Its journal, which this process has locked.
    pub journal: &'a Journal,
    /// The run's id.
    pub run: &'a str,
    /// How many workers share it.
    pub workers: u32,
}

impl FleetLoad<'_> {
    /// Has the workers send the load until it ends or is cancelled. Their logs are where those of the run's parts belong.
    pub async fn send(
        self,
        meter: &Meter,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<StackLoadResult, StackLoadError> {
        let Self { home, id, stack, names, clients, .. } = self;
        let open_shards = shards::open_ranges(&clients.kinesis, &names.stream).await?.len();
        let documents = stack.load.schedule.documents().ok_or(LoadError::Endless)?;
        let plan = self.plan(documents, open_shards).await?;
        fs::create_dir_all(Logs::of(home, id).path(self.run, Part::WHOLE).parent().expect("a log lies in a folder"))?;
        // Whoever led a run before is gone, or would have the journal: so are its workers, or will be at once.
        let folder = home.stack(id).join(FOLDER).join(self.run);
        forget(home, id).await?;
        let place = Arc::new(InFolder::create(&folder)?);
        let launcher = Box::new(Processes::new(&folder, self.log_of())?);
        let (control, controls) = load::control();
        let shared = (documents, self.workers);
        let coordinator = Coordinator::new(place, launcher, controls, plan, shared, open_shards);
        let events = stack.load.events.iter().cloned();
        let mut conductor =
            Conductor::new(control.clone(), Place { home, stack, names, clients }, events, cancel, host);
        let identity = self.documents.open(stack).await?.source.identity();
        let mut watches = Watches::of(stack, names, clients, &identity);
        let guard = Mutex::new(Guard::new(stack, Part::WHOLE, meter, open_shards));
        let sent = {
            let (socket, mut requests) = take_requests(home, id, Part::WHOLE, host);
            let (progress, changes) = watch::channel(Progress::default());
            let conducting = conductor.conduct(changes, &mut requests);
            let beside = beside_load(stack, names, clients, Part::WHOLE);
            let destinations = deliveries::destinations(stack);
            let tell = |event: FleetEvent<'_>| {
                if let FleetEvent::Second(second) = &event {
                    guard.lock().unwrap_or_else(PoisonError::into_inner).stop_or_pass(second, &control, host);
                }
                pass_on(event, &progress, &destinations, host);
            };
            tokio::pin!(conducting);
            let sent = tokio::select! {
                sent = coordinator.run(cancel, &tell) => sent,
                never = &mut conducting => match never {},
                never = beside => match never {},
                never = watches.look_on(host) => match never {},
            };
            // A stop is answered when it has ended the load.
            let _ = poll!(&mut conducting);
            drop(socket);
            sent
        };
        let cleared = forget(home, id).await;
        let FleetResult { load, tracked, mut problems, logs } = sent?;
        self.keep(&logs)?;
        cleared?;
        host.notify(Event::Loaded(&load));
        problems.extend(conductor.end(was_stopped(&load)).await);
        let freshness = tracked.and_then(|tracked| freshness(tracked, &deliveries::destinations(stack)));
        let aborted = guard.into_inner().unwrap_or_else(PoisonError::into_inner).ended();
        Ok(StackLoadResult { load, freshness, problems, read: None, watches: watches.all, aborted })
    }

    /// What all workers are told, with the tickets that they share.
    async fn plan(&self, documents: u64, open_shards: usize) -> Result<RunPlan, StackLoadError> {
        let source = self.documents.open(self.stack).await.map_err(StackLoadError::from)?.source;
        let count = documents.div_ceil(source.documents_per_ticket().max(1));
        let reserved = self.journal.reserve_shared(self.run, count, self.workers);
        let tickets = reserved.map_err(|source| LoadError::Reserve { count, source: source.into() })?;
        Ok(RunPlan {
            spec: self.spec.clone(),
            stack: self.id.to_string(),
            run: self.run.to_owned(),
            tickets,
            flaws: self.documents.flaws.clone(),
            began: Utc::now().timestamp_millis(),
            endpoint_url: self.endpoint_url.map(str::to_owned),
            poll: POLL,
            logged: Duration::ZERO,
            by_shard: Coordinator::counts_by_shard(self.workers, open_shards),
        })
    }

    /// Where the workers of this machine write their logs.
    fn log_of(&self) -> LogOf {
        let (logs, run) = (Logs::of(self.home, self.id), self.run.to_owned());
        Box::new(move |part| logs.path(&run, part))
    }

    /// Puts the workers' logs where the verification looks for them, unless they are there: a worker of this machine writes
    /// its own.
    fn keep(&self, logs: &[AckLog]) -> io::Result<()> {
        let folder = Logs::of(self.home, self.id);
        for log in logs {
            let path = folder.path(self.run, log.header.part);
            if !path.exists() {
                fs::write(path, log.text())?;
            }
        }
        Ok(())
    }
}

/// Removes what the workers of a killed run left of the folder where they met; those that are still there end.
pub(super) async fn forget(home: &Home, id: &StackId) -> Result<(), RendezvousError> {
    InFolder::at(&home.stack(id).join(FOLDER)).clear().await
}

fn pass_on(event: FleetEvent<'_>, progress: &watch::Sender<Progress>, destinations: &[Destination], host: &dyn Host) {
    match event {
        FleetEvent::Started { total } => host.notify(Event::LoadStarted { total: Some(total) }),
        FleetEvent::Progress(now) => {
            progress.send_replace(now.clone());
            host.notify(Event::Loading(now));
        }
        FleetEvent::Second(second) => host.notify(Event::LoadSecond(second)),
        FleetEvent::Read(LastRead { destination, took, .. }) => {
            if let Some(destination) = labelled(destinations, destination) {
                host.notify(Event::Read { destination, took: *took });
            }
        }
        FleetEvent::Workers(states) => host.notify(Event::Workers(states)),
        FleetEvent::Warning(text) => host.notify(Event::Warning(text)),
    }
}

fn labelled(destinations: &[Destination], label: &str) -> Option<Destination> {
    destinations.iter().find(|destination| destination.label == label).copied()
}

fn freshness(tracked: Tracked, destinations: &[Destination]) -> Option<Freshness> {
    let destination = labelled(destinations, &tracked.destination)?;
    let Tracked { tracked, unseen, why, ms, .. } = tracked;
    Some(Freshness { destination, tracked, unseen, why, ms })
}
