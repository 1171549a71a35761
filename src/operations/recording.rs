//! Records a run: a host between an operation and its program, which writes down what happens and passes it on.
//!
//! Each row of the record goes on as [`Event::Second`], so that a program can show a run as it is recorded.

use std::{
    collections::BTreeMap,
    env, io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use aws_stand_in::daemon::Daemon;
use serde_json::Value;

use super::{
    host::{Event, Host, Question},
    target::location,
};
use crate::{
    aws::{
        Clients, Where,
        cost::{self, Billed},
    },
    deliveries,
    engine::{Home, Node, StackId, State},
    load::{Done, LoadSecond, LoadTotals, Part},
    pipeline::{
        meter::{Meter, RunCost, SHOWN_REGION, SentSoFar},
        ttl,
    },
    record::{
        folders::{Records, name},
        machine,
        usage::UsageMeter,
        writer::{RecordWriter, now},
    },
    report::{
        RunReport,
        numbers::{counted, grouped},
        recorded::{About, FORMAT, Hourly},
        second::{DestinationSecond, Moment, MomentKind, ObjectsSecond, Second},
    },
    spec::Stack,
    verify::{
        Destination, SearchProgress, stream,
        watch::{Arrived, Objects},
    },
};

/// The run to record.
pub struct Subject<'a> {
    /// The state folder.
    pub home: &'a Home,
    /// The stack's id.
    pub id: &'a StackId,
    /// The stack.
    pub stack: &'a Stack,
    /// The stack file with its overlays and overrides, as a journal has it.
    pub spec: &'a Value,
    /// What the stack's journal says.
    pub state: &'a State,
    /// Clients for its target.
    pub clients: &'a Clients,
    /// The run's id.
    pub run: &'a str,
    /// Which part of it this process sends.
    pub part: Part,
    /// Estimates what it costs.
    pub meter: &'a Meter,
}

/// Records a run for as long as it lives. A run goes on without its record.
pub struct Recording<'a> {
    host: &'a dyn Host,
    inner: Mutex<Inner>,
}

struct Inner {
    /// When the load began; until it does, when the record did.
    began: Instant,
    writer: Option<RecordWriter>,
    /// Why the record is incomplete.
    broken: Option<String>,
    demo: UsageMeter,
    stand_in: Option<UsageMeter>,
    destinations: BTreeMap<Destination, DestinationSecond>,
    meter: Meter,
    /// What the load has sent by now.
    sent: SentSoFar,
    /// When the latest row ended.
    row_at: f64,
}

impl<'a> Recording<'a> {
    /// Begins the record of a run; what happens from now on is to go through it.
    pub async fn begin(host: &'a dyn Host, subject: Subject<'_>) -> Self {
        let stand_in = stand_in(&subject).await.map(|pid| UsageMeter::new(Some(pid)));
        let folder = Records::of(subject.home).folder(subject.id, subject.run, subject.part);
        let (writer, broken) = match RecordWriter::begin(folder.clone(), about(&subject)) {
            Ok(writer) => (Some(writer), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let inner = Inner {
            began: Instant::now(),
            writer,
            broken: None,
            demo: UsageMeter::new(None),
            stand_in,
            destinations: BTreeMap::new(),
            meter: subject.meter.clone(),
            sent: SentSoFar::default(),
            row_at: 0.0,
        };
        let recording = Self { host, inner: Mutex::new(inner) };
        let broken = recording.inner().note(broken);
        if broken.is_none() {
            host.notify(Event::RecordStarted(&folder));
        }
        recording.warn(broken);
        recording
    }

    /// What the run costs by now.
    pub fn cost(&self) -> RunCost {
        let inner = self.inner();
        inner.meter.now(inner.sent)
    }

    /// Writes the result as far as there is one, and says in it whether the record is complete.
    pub fn save(&self, report: &mut RunReport) {
        let mut inner = self.inner();
        report.unrecorded = inner.broken.clone();
        let broken = inner.write(|writer| writer.report(report));
        report.unrecorded = inner.broken.clone();
        drop(inner);
        self.warn(broken);
    }

    /// Writes the final result.
    pub fn end(&self, report: &mut RunReport, error: Option<String>) {
        let mut inner = self.inner();
        report.unrecorded = inner.broken.clone();
        let broken = inner.write(|writer| writer.end(report, error));
        report.unrecorded = inner.broken.clone();
        drop(inner);
        self.warn(broken);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn(&self, broken: Option<String>) {
        if let Some(why) = broken {
            self.host.notify(Event::Warning(&format!("the record of this run is incomplete: {why}")));
        }
    }
}

#[async_trait]
impl Host for Recording<'_> {
    fn notify(&self, event: Event<'_>) {
        let mut inner = self.inner();
        let at = inner.time_of(&event);
        let moment = moment(at, &event);
        let mut broken = moment.and_then(|moment| inner.write(|writer| writer.moment(&moment)));
        let row = inner.row(at, &event);
        if let Some(row) = &row {
            broken = broken.or(inner.write(|writer| writer.second(row)));
        }
        drop(inner);
        self.host.notify(event);
        row.iter().for_each(|row| self.host.notify(Event::Second(row)));
        self.warn(broken);
    }

    async fn confirm(&self, question: &Question) -> io::Result<bool> {
        self.host.confirm(question).await
    }
}

impl Inner {
    /// Writes something, if the record is complete so far or what is written is its end; why it no longer is, if that is new.
    fn write(&mut self, write: impl FnOnce(&mut RecordWriter)) -> Option<String> {
        let writer = self.writer.as_mut()?;
        write(writer);
        let broken = writer.broken().map(str::to_owned);
        self.note(broken)
    }

    /// The first reason is kept and told.
    fn note(&mut self, broken: Option<String>) -> Option<String> {
        if self.broken.is_some() {
            return None;
        }
        self.broken = broken;
        self.broken.clone()
    }

    /// Seconds since the load began; the load's own clock where it says when.
    fn time_of(&mut self, event: &Event<'_>) -> f64 {
        let at = match event {
            Event::LoadSecond(second) => second.at,
            Event::Acted(done) => done.at,
            Event::LoadStarted { .. } => {
                self.began = Instant::now();
                0.0
            }
            _ => self.began.elapsed().as_secs_f64(),
        };
        (at * 1e3).round() / 1e3
    }

    /// The row that an event ends, if it ends one.
    fn row(&mut self, at: f64, event: &Event<'_>) -> Option<Second> {
        match event {
            Event::LoadSecond(load) => {
                let LoadTotals { acknowledged: documents, bytes, .. } = load.so_far;
                self.sent = SentSoFar { documents, bytes, seconds: load.at };
                Some(self.second(at, Some((*load).clone())))
            }
            Event::Read { destination, took } => {
                let destination = self.destination(*destination);
                destination.freshness_ms = Some(took.as_millis() as f64);
                *destination.tracked.get_or_insert(0) += 1;
                None
            }
            Event::Arrived { destination, arrived } => {
                self.arrived(*destination, arrived);
                None
            }
            Event::Loaded(_) => {
                // What has landed from now on is what the search finds.
                self.destinations.values_mut().for_each(|destination| destination.objects = None);
                None
            }
            Event::Searching(progress) => {
                self.found(*progress);
                (at - self.row_at >= 1.0).then(|| self.second(at, None))
            }
            Event::Searched(progress) => {
                self.found(*progress);
                Some(self.second(at, None))
            }
            _ => None,
        }
    }

    fn second(&mut self, at: f64, load: Option<LoadSecond>) -> Second {
        self.row_at = at;
        if load.is_some() {
            self.destinations.values_mut().for_each(|destination| destination.hold_against(self.sent.documents));
        }
        let destinations = self.destinations.values().cloned().collect();
        let (demo, stand_in) = (self.demo.read(), self.stand_in.as_mut().and_then(UsageMeter::read));
        let cost = Some(self.meter.now(self.sent).dollars);
        Second { at, load, destinations, cost, demo, stand_in }
    }

    fn found(&mut self, progress: SearchProgress) {
        let destination = self.destination(progress.destination);
        destination.landed = Some(progress.documents);
        destination.behind = Some(progress.expected.saturating_sub(progress.documents));
    }

    fn arrived(&mut self, destination: Destination, arrived: &Arrived) {
        let Arrived { documents, objects, latest } = *arrived;
        let destination = self.destination(destination);
        destination.landed = documents;
        destination.objects = objects.map(|Objects { count, bytes, unread }| ObjectsSecond { count, bytes, unread });
        destination.freshness_ms = latest.map(|took| took.as_millis() as f64);
    }

    fn destination(&mut self, destination: Destination) -> &mut DestinationSecond {
        let unknown = || DestinationSecond { name: destination.label.to_owned(), ..DestinationSecond::default() };
        self.destinations.entry(destination).or_insert_with(unknown)
    }
}

/// What an event is in the record; none where it is no more than progress.
fn moment(at: f64, event: &Event<'_>) -> Option<Moment> {
    let moment = |kind, text: String| Some(Moment { at, kind, text, done: None });
    let phase = |text: &str| moment(MomentKind::Phase, text.to_owned());
    match event {
        Event::LoadStarted { total } => {
            let documents =
                total.map_or("as many documents as possible".to_owned(), |total| counted(total, "document"));
            moment(MomentKind::Phase, format!("the load begins: {documents}"))
        }
        Event::Acted(done) => {
            let (done, text) = (Some(Done::clone(done)), done.action.to_string());
            Some(Moment { at, kind: MomentKind::Action, text, done })
        }
        Event::Aborted(abort) => moment(MomentKind::Warning, format!("the load is stopped: {abort}")),
        Event::StreamChanged { action, took } => {
            moment(MomentKind::Action, format!("{action}: done in {:.1} s", took.as_secs_f64()))
        }
        Event::Loaded(_) => phase("the load is over"),
        Event::SearchStarted { .. } => phase("the verification begins"),
        Event::Searched(SearchProgress { destination, documents, expected, .. }) => {
            let text = format!("{}: {} of {} found", destination.label, grouped(*documents), grouped(*expected));
            moment(MomentKind::Phase, text)
        }
        Event::Verified(_) => phase("the verification is over"),
        Event::RemovingAfterRun => phase("the removal begins"),
        Event::Removed { down, .. } => {
            let (removed, left) = (down.removed.len(), down.leftovers.len());
            moment(MomentKind::Phase, format!("the removal is over: {removed} removed, {left} left"))
        }
        Event::Warning(text) => moment(MomentKind::Warning, (*text).to_owned()),
        Event::RunFailed(error) => moment(MomentKind::Warning, error.to_string()),
        _ => None,
    }
}

fn about(subject: &Subject<'_>) -> About {
    let Subject { id, stack, spec, state, clients, run, part, .. } = subject;
    let destinations: Vec<_> = deliveries::of(&stack.deliver).iter().map(|delivery| delivery.destination()).collect();
    let destinations = if destinations.is_empty() { vec![stream::DESTINATION] } else { destinations };
    let nodes = || state.live().map(|resource| &resource.node);
    About {
        format: FORMAT,
        run: name(run, *part),
        stack: id.to_string(),
        worker: (!part.is_whole()).then(|| part.to_string()),
        started: now(),
        target: location(clients),
        spec: (*spec).clone(),
        destinations: destinations.iter().map(|destination| destination.label.to_owned()).collect(),
        command: command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine::this(),
        cost: cost::per_hour(nodes(), clients.place()).to_string(),
        hourly: Some(hourly(nodes(), clients.place())),
        expires: ttl::known(state).map(ttl::written),
    }
}

/// What resources cost by the hour, or would if they were on AWS.
fn hourly<'a>(nodes: impl Iterator<Item = &'a Node>, place: &Where) -> Hourly {
    let region = place.billed().unwrap_or(SHOWN_REGION);
    let cost = cost::per_hour(nodes, &region);
    Hourly {
        dollars: cost.always(),
        computing: cost.computing(),
        region: cost.prices_of.unwrap_or(region.to_owned()),
        as_of: cost::as_of().to_owned(),
        is_billed: place.billed().is_some(),
        is_least: !cost.unknown.is_empty(),
    }
}

/// The command line of this program, by its name alone.
fn command() -> Vec<String> {
    let mut words = env::args();
    let program = words.next().unwrap_or_default();
    let program = Path::new(&program).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    std::iter::once(program).chain(words).collect()
}

/// The process of the stand-in, if calls go to it.
async fn stand_in(subject: &Subject<'_>) -> Option<u32> {
    if !matches!(subject.clients.place(), Where::Local { .. }) {
        return None;
    }
    let endpoint = Daemon::at(&subject.home.local()).status().await.ok().flatten();
    endpoint.map(|endpoint| endpoint.pid)
}
