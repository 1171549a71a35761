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
    fargate,
    guard::Guard,
    host::{Event, Host},
    load::{StackLoadError, StackLoadResult, beside_load, take_requests, was_stopped},
    logs::Logs,
    meeting::Meeting,
    watching::Watches,
};
use crate::{
    aws::{Clients, Names, shards},
    deliveries,
    engine::{Cancel, Home, Journal, JournalError, StackId},
    fleet::{
        Coordinator, FleetError, FleetEvent, FleetResult, InFolder, LastRead, LogOf, Processes, Rendezvous,
        RendezvousError, RunPlan, Tell, Tracked, Unled, logs_in,
    },
    load::{self, AckLog, Controls, LoadError, Part, Progress},
    pipeline::{meter::Meter, ttl},
    spec::{self, Stack, Workers},
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
    /// Who shares it.
    pub workers: &'a Workers,
}

/// How far this process leads the workers.
pub enum Lead {
    /// From their start to the end.
    Whole,
    /// Until all send: they go on by themselves.
    UntilStarted,
    /// From where another process left them, which told them this.
    TakenOver(Box<(Unled, RunPlan)>),
}

impl FleetLoad<'_> {
    /// Has the workers send the load until it ends or is cancelled; their logs are then where those of the run's parts belong.
    /// None where they go on by themselves.
    pub async fn send(
        self,
        lead: Lead,
        meter: &Meter,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<Option<StackLoadResult>, StackLoadError> {
        let Self { home, id, stack, names, clients, .. } = self;
        let open_shards = shards::open_ranges(&clients.kinesis, &names.stream).await?.len();
        fs::create_dir_all(Logs::of(home, id).path(self.run, Part::WHOLE).parent().expect("a log lies in a folder"))?;
        let (is_detached, is_taken) = (matches!(lead, Lead::UntilStarted), matches!(lead, Lead::TakenOver(_)));
        let (control, controls) = load::control();
        let (coordinator, place) = match self.coordinator(lead, controls, open_shards).await {
            Err(error) if is_taken => return Err(StackLoadError::NotLed(Box::new(error))),
            coordinator => coordinator?,
        };
        let elapsed = Duration::from_secs_f64(coordinator.elapsed());
        let (past, events): (Vec<_>, Vec<_>) = stack.load.events.iter().cloned().partition(|event| event.at < elapsed);
        past.iter().for_each(|event| host.notify(Event::Warning(&missed(event))));
        let events = events.into_iter();
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
                sent = led(coordinator, is_detached, cancel, &tell) => sent,
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
        let sent = match sent {
            // What its workers had acknowledged is known all the same.
            Err(error) => {
                self.keep_left(&*place, host).await;
                return Err(error.into());
            }
            Ok(sent) => sent,
        };
        let Some(FleetResult { load, tracked, mut problems, logs }) = sent else { return Ok(None) };
        self.keep(&logs)?;
        place.clear().await?;
        cleared?;
        host.notify(Event::Loaded(&load));
        problems.extend(conductor.end(was_stopped(&load)).await);
        let freshness = tracked.and_then(|tracked| freshness(tracked, &deliveries::destinations(stack)));
        let aborted = guard.into_inner().unwrap_or_else(PoisonError::into_inner).ended();
        Ok(Some(StackLoadResult { load, freshness, problems, read: None, watches: watches.all, aborted }))
    }

    async fn meeting(&self, lead: &Lead) -> Result<Meeting, StackLoadError> {
        let Self { home, id, stack, names, clients, run, .. } = *self;
        if let Workers::Fargate(tasks) = self.workers {
            return fargate::meeting(stack, tasks, names, clients, run).await;
        }
        if matches!(lead, Lead::TakenOver(_)) {
            return Err(FleetError::NotTasks.into());
        }
        // Whoever led a run before is gone, or would have the journal: so are its workers, or will be at once.
        forget(home, id).await?;
        let folder = home.stack(id).join(FOLDER).join(run);
        let place = Arc::new(InFolder::create(&folder)?);
        let launcher = Box::new(Processes::new(&folder, self.log_of())?);
        Ok(Meeting { place, launcher, poll: POLL, logged: Duration::ZERO })
    }

    async fn coordinator(
        &self,
        lead: Lead,
        controls: Controls,
        open_shards: usize,
    ) -> Result<(Coordinator, Arc<dyn Rendezvous>), StackLoadError> {
        let meeting = self.meeting(&lead).await?;
        let met = meeting.place.clone();
        let documents = self.stack.load.schedule.documents().ok_or(LoadError::Endless)?;
        let shared = (documents, self.workers.count());
        if let Lead::TakenOver(left) = lead {
            let Meeting { place, launcher, .. } = meeting;
            return Ok((Coordinator::take_over(place, launcher, controls, *left, shared, open_shards).await?, met));
        }
        let plan = self.plan(documents, open_shards, &meeting).await?;
        Ok((Coordinator::new(meeting.place, meeting.launcher, controls, plan, shared, open_shards), met))
    }

    /// What all workers are told, with the tickets that they share.
    async fn plan(&self, documents: u64, open_shards: usize, meeting: &Meeting) -> Result<RunPlan, StackLoadError> {
        let source = self.documents.open(self.stack).await.map_err(StackLoadError::from)?.source;
        let (count, workers) = (documents.div_ceil(source.documents_per_ticket().max(1)), self.workers.count());
        let expires = ttl::known(&self.journal.state());
        let failed = |source: JournalError| LoadError::Reserve { count, source: source.into() };
        let tickets = self.journal.reserve_shared(self.run, count, workers).map_err(failed)?;
        // Another machine may lead the run from now on.
        self.journal.reflect().await.map_err(failed)?;
        Ok(RunPlan {
            spec: self.spec.clone(),
            stack: self.id.to_string(),
            run: self.run.to_owned(),
            tickets,
            flaws: self.documents.flaws.clone(),
            began: Utc::now().timestamp_millis(),
            endpoint_url: self.endpoint_url.map(str::to_owned),
            poll: meeting.poll,
            logged: meeting.logged,
            by_shard: Coordinator::counts_by_shard(workers, open_shards),
            expires: expires.map(|at| at.timestamp_millis()),
        })
    }

    /// Where the workers of this machine write their logs.
    fn log_of(&self) -> LogOf {
        let (logs, run) = (Logs::of(self.home, self.id), self.run.to_owned());
        Box::new(move |part| logs.path(&run, part))
    }

    /// Keeps the logs that the workers of a load left that has failed; why it failed is what matters more.
    async fn keep_left(&self, place: &dyn Rendezvous, host: &dyn Host) {
        let kept = match logs_in(place).await {
            Ok(logs) => self.keep(&logs).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = kept {
            host.notify(Event::Warning(&format!("what the workers had acknowledged is not kept: {why}")));
        }
    }

    /// Keeps the workers' logs: a worker of this machine has written its own.
    fn keep(&self, logs: &[AckLog]) -> io::Result<()> {
        Logs::of(self.home, self.id).keep(self.run, logs)
    }
}

/// Removes what the workers of a killed run left of the folder where they met; those that are still there end.
pub(super) async fn forget(home: &Home, id: &StackId) -> Result<(), RendezvousError> {
    InFolder::at(&home.stack(id).join(FOLDER)).clear().await
}

/// Leads the workers as far as they are to be led.
async fn led(
    coordinator: Coordinator,
    is_detached: bool,
    cancel: &Cancel,
    tell: Tell<'_>,
) -> Result<Option<FleetResult>, FleetError> {
    match is_detached {
        true => coordinator.run_until_started(cancel, tell).await,
        false => coordinator.run(cancel, tell).await.map(Some),
    }
}

/// What was due when nobody may have led the load.
fn missed(spec::Event { at, action }: &spec::Event) -> String {
    format!("`{action}` was due after {} s; it is not done again, whether or not it was done then", at.as_secs())
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
