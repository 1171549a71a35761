//! The coordinator of a load that several workers share.

use std::{fmt, io, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    figures::{LastRead, Sum},
    launch::Launcher,
    message::{
        Assignment, COORDINATOR, Ended, Finished, Order, PLAN, Pulse, RunPlan, START, Stage, Start, Status, order,
        since_1970,
    },
    outcome::{FleetResult, merged},
    rendezvous::{Rendezvous, RendezvousError, Slot, read, write_once},
    seat::{End, PartOfLoad, WorkerState},
};
use crate::{
    engine::Cancel,
    load::{AckLog, Asked, Controls, Done, LoadSecond, Part, Progress, Resumed},
    spec::Action,
};

/// Between two heartbeats.
const BEAT: Duration = Duration::from_secs(1);
/// A worker, or the coordinator, that is not heard of for so long is taken for dead.
const LEASE: Duration = Duration::from_secs(60);
/// From when all are ready until they start, beside what they take to see it.
const LEAD: Duration = Duration::from_millis(200);
/// A row of the record waits so long for workers to say what they did in its second.
const ROW_WAITS: f64 = 0.5;
/// So many workers have a part, one after the other.
const MOST_GENERATIONS: u32 = 4;
/// Objects that are read at a time.
const READS: usize = 64;

/// What happens to a shared load.
pub enum FleetEvent<'a> {
    /// It starts now.
    Started {
        /// Its documents.
        total: u64,
    },
    /// It goes on.
    Progress(&'a Progress),
    /// A second of it is over.
    Second(&'a LoadSecond),
    /// A document that a worker tracks could be read.
    Read(&'a LastRead),
    /// What each worker does.
    Workers(&'a [WorkerState]),
    /// A worker is gone.
    Warning(&'a str),
}

/// Why a shared load has no result.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Coordinator and workers cannot meet.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
    /// A worker cannot be started.
    #[error("cannot start worker {part}: {source}")]
    Launch {
        /// Its part.
        part: Part,
        /// Why not.
        source: io::Error,
    },
    /// A worker cannot go on, and neither could another.
    #[error("worker {part}: {why}")]
    Worker {
        /// Its part.
        part: Part,
        /// Why not.
        why: String,
    },
}

/// Has N workers send one load.
pub struct Coordinator {
    place: Arc<dyn Rendezvous>,
    launcher: Box<dyn Launcher>,
    controls: Controls,
    plan: RunPlan,
    parts: Vec<PartOfLoad>,
    documents: u64,
    open_shards: usize,
    pulse: Pulse,
    pulse_at: Option<Instant>,
    heartbeat: Slot,
    started: Option<Instant>,
    orders: u64,
    pending: Option<Pending>,
    actions: Vec<Done>,
    /// No more is to be offered.
    is_stopped: bool,
    /// All are told to end.
    is_ending: bool,
    failed: Option<FleetError>,
    problems: Vec<String>,
    told: Told,
}

/// An order that workers have not all carried out.
struct Pending {
    number: u64,
    asked: Asked,
    at: f64,
}

/// What was told last.
#[derive(Default)]
struct Told {
    rows: u64,
    row_at: f64,
    row: Sum,
    places: Vec<Box<str>>,
    read: u64,
    workers: Vec<WorkerState>,
}

/// Tells somebody what happens.
pub type Tell<'a> = &'a (dyn Fn(FleetEvent<'_>) + Send + Sync);

impl Coordinator {
    /// Of so many documents, sent by so many workers into a stream with so many open shards.
    pub fn new(
        place: Arc<dyn Rendezvous>,
        launcher: Box<dyn Launcher>,
        controls: Controls,
        plan: RunPlan,
        (documents, workers): (u64, u32),
        open_shards: usize,
    ) -> Self {
        let parts = (1..=workers).map(|worker| PartOfLoad::new(Part { worker, of: workers }, documents));
        Self {
            place,
            launcher,
            controls,
            plan,
            parts: parts.collect(),
            documents,
            open_shards,
            pulse: Pulse { beat: 0, lease: LEASE },
            pulse_at: None,
            heartbeat: Slot::new(COORDINATOR),
            started: None,
            orders: 0,
            pending: None,
            actions: Vec::new(),
            is_stopped: false,
            is_ending: false,
            failed: None,
            problems: Vec::new(),
            told: Told::default(),
        }
    }

    /// Until every part has ended. A raised `cancel` ends all of them in order.
    ///
    /// # Errors
    /// A worker cannot go on, and the others have ended. Those that run when this is dropped are ended.
    pub async fn run(mut self, cancel: &Cancel, tell: Tell<'_>) -> Result<FleetResult, FleetError> {
        write_once(&*self.place, PLAN, &self.plan).await?;
        self.beat().await?;
        for index in 0..self.parts.len() {
            self.seat(index).await?;
        }
        let mut ticks = interval(self.plan.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.parts.iter().any(|part| part.end.is_none()) {
            tokio::select! {
                biased;
                () = cancel.raised(), if !self.is_ending => self.end_all().await?,
                _ = ticks.tick() => self.tick(tell).await?,
                asked = self.controls.next(), if self.pending.is_none() && self.started.is_some() => self.act(asked).await?,
            }
        }
        self.row(tell, self.elapsed());
        tell(FleetEvent::Workers(&self.states()));
        match self.failed {
            Some(error) => Err(error),
            None => Ok(merged(self.parts, self.actions, self.problems, self.open_shards)),
        }
    }

    async fn tick(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        self.beat().await?;
        self.hear().await?;
        for index in 0..self.parts.len() {
            self.look_after(index, tell).await?;
        }
        self.start(tell).await?;
        self.answer();
        self.tell(tell);
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), FleetError> {
        if self.pulse_at.is_some_and(|at| at.elapsed() < BEAT) {
            return Ok(());
        }
        self.pulse.beat += 1;
        self.heartbeat.write(&*self.place, &self.pulse).await?;
        self.pulse_at = Some(Instant::now());
        Ok(())
    }

    /// The next worker takes a seat.
    async fn seat(&mut self, index: usize) -> Result<(), FleetError> {
        let part = &mut self.parts[index];
        part.seat.generation += 1;
        let seat = part.seat;
        let done = part.before.clone();
        let actions = self.actions.iter().cloned();
        let pending = self.pending.iter().map(|of| Done { at: of.at, action: of.asked.action.clone() });
        let actions = actions.chain(pending).filter(|done| !done.action.is_shared()).collect();
        let times = part.may_have_been_sent;
        let resumed = (seat.generation > 1).then_some(Resumed { done, times, actions });
        write_once(&*self.place, seat.assignment(), &Assignment { resumed, orders: self.orders }).await?;
        let running = self.launcher.launch(seat).map_err(|source| FleetError::Launch { part: seat.part, source })?;
        self.parts[index].seated(running);
        Ok(())
    }

    /// Reads what workers say. A process that is gone has said all.
    async fn hear(&mut self) -> Result<(), FleetError> {
        let live = self.parts.iter().enumerate().filter(|(_, part)| part.end.is_none());
        let place = &self.place;
        let reads =
            live.map(|(index, part)| async move { (index, read::<Status>(&**place, &part.seat.status()).await) });
        let heard: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        for (index, status) in heard {
            self.parts[index].hear(status?);
        }
        Ok(())
    }

    /// Finds out whether a worker has ended, in order or not.
    async fn look_after(&mut self, index: usize, tell: Tell<'_>) -> Result<(), FleetError> {
        let part = &mut self.parts[index];
        if part.end.is_some() {
            return Ok(());
        }
        let gone = part.running.as_mut().and_then(|running| running.ended());
        if gone.is_some() || part.stage() == Stage::Ended {
            let ended = read::<Ended>(&*self.place, &part.seat.ended()).await?;
            if let Some(ended) = ended {
                return self.take(index, ended, tell).await;
            }
        }
        let silent = part.silent();
        match gone {
            Some(how) => self.lose(index, how, tell).await,
            None if silent >= self.pulse.lease => {
                self.lose(index, format!("no heartbeat for {} s", silent.as_secs()), tell).await
            }
            None => Ok(()),
        }
    }

    /// Takes what a worker came to.
    async fn take(&mut self, index: usize, ended: Ended, tell: Tell<'_>) -> Result<(), FleetError> {
        self.read_log(index).await?;
        let part = &mut self.parts[index];
        part.hear(read::<Status>(&*self.place, &part.seat.status()).await?);
        if let Some(mut running) = part.running.take() {
            running.kill();
        }
        match ended {
            Ended::Finished(finished) if finished.load.cancelled && !self.is_over() && self.may_go_on(index) => {
                return self.hand_on(index, *finished, tell).await;
            }
            Ended::Finished(finished) => self.parts[index].end = Some(End::Finished(finished)),
            Ended::Failed(why) => {
                let part = &mut self.parts[index];
                part.end = Some(End::Failed);
                self.failed.get_or_insert(FleetError::Worker { part: part.seat.part, why });
                self.end_all().await?;
            }
        }
        Ok(())
    }

    /// A worker was told to end by somebody else, and did so in order: another goes on with its part.
    async fn hand_on(&mut self, index: usize, finished: Finished, tell: Tell<'_>) -> Result<(), FleetError> {
        let part = &mut self.parts[index];
        tell(FleetEvent::Warning(&format!("worker {} was told to end; another goes on with its part", part.seat)));
        self.problems.extend(finished.problems);
        part.leave(finished.load);
        self.seat_or_give_up(index, "told to end", tell).await
    }

    /// Whether no more is to be offered.
    fn is_over(&self) -> bool {
        self.is_ending || self.is_stopped
    }

    /// Whether a part has documents left, and not too many workers had it.
    fn may_go_on(&self, index: usize) -> bool {
        let part = &self.parts[index];
        part.done().count() < part.len() && part.seat.generation < MOST_GENERATIONS
    }

    /// A worker is dead: another finishes its part, unless the load is to end anyway or too many had it.
    async fn lose(&mut self, index: usize, how: String, tell: Tell<'_>) -> Result<(), FleetError> {
        if let Some(mut running) = self.parts[index].running.take() {
            running.kill();
        }
        self.read_log(index).await?;
        let part = &mut self.parts[index];
        let (seat, done) = (part.seat, part.done());
        if done.count() >= part.len() {
            let warning = format!("worker {seat} ended ({how}) when all that it had was acknowledged");
            part.lose(&how);
            tell(FleetEvent::Warning(&warning));
            return Ok(());
        }
        if self.is_over() || !self.may_go_on(index) {
            let why = if self.is_over() { "while the load was ending" } else { "as others had before it" };
            self.give_up(index, &format!("{how}, {why}"), tell);
            return Ok(());
        }
        let next = done.all().first_missing(self.parts[index].documents.start);
        let warning = format!("worker {seat} ended ({how}); another goes on from document {next} of the run");
        tell(FleetEvent::Warning(&warning));
        self.parts[index].vacate(&how);
        self.seat_or_give_up(index, &how, tell).await
    }

    async fn seat_or_give_up(&mut self, index: usize, how: &str, tell: Tell<'_>) -> Result<(), FleetError> {
        match self.seat(index).await {
            Err(FleetError::Launch { source, .. }) => self.give_up(index, &format!("{how}; {source}"), tell),
            seated => return seated,
        }
        Ok(())
    }

    /// Nobody is to have a part any more.
    fn give_up(&mut self, index: usize, why: &str, tell: Tell<'_>) {
        let part = &mut self.parts[index];
        let (seat, missing) = (part.seat, part.lose(why));
        let problem =
            format!("worker {seat} ended ({why}): {missing} of its {} documents were not offered", part.len());
        tell(FleetEvent::Warning(&problem));
        self.problems.push(problem);
    }

    async fn read_log(&mut self, index: usize) -> Result<(), FleetError> {
        let seat = self.parts[index].seat;
        let name = seat.log();
        let text = match self.launcher.log(seat) {
            Some(text) => text,
            None => match self.place.get(&name).await? {
                Some(found) => String::from_utf8_lossy(&found.text).into_owned(),
                None => return Ok(()),
            },
        };
        // A log that has no tickets yet says less than the one before it.
        match AckLog::parse(&text, name.as_ref()) {
            Ok(log) if !log.tickets.is_empty() => self.parts[index].log = Some(log),
            Ok(_) => {}
            Err(error) => self.problems.push(error.to_string()),
        }
        Ok(())
    }

    /// Says when the load starts, once all are ready.
    async fn start(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        let are_ready = self.parts.iter().all(|part| part.stage() >= Stage::Ready);
        if self.started.is_some() || self.is_ending || !are_ready {
            return Ok(());
        }
        let after = LEAD + 2 * self.plan.poll;
        let at = i64::try_from((since_1970() + after).as_millis()).unwrap_or(i64::MAX);
        write_once(&*self.place, START, &Start { at }).await?;
        self.started = Some(Instant::now() + after);
        tell(FleetEvent::Started { total: self.documents });
        Ok(())
    }

    async fn end_all(&mut self) -> Result<(), FleetError> {
        if !std::mem::replace(&mut self.is_ending, true) {
            self.orders += 1;
            write_once(&*self.place, order(self.orders), &Order::End).await?;
        }
        Ok(())
    }

    /// Passes on what is asked of the load; what is done to the stream is done by whoever asks.
    async fn act(&mut self, asked: Asked) -> Result<(), FleetError> {
        let at = self.elapsed();
        if asked.action.is_shared() {
            self.acted(asked, at);
            return Ok(());
        }
        self.orders += 1;
        write_once(&*self.place, order(self.orders), &Order::Act(asked.action.clone())).await?;
        self.is_stopped |= asked.action == Action::Stop;
        self.pending = Some(Pending { number: self.orders, asked, at });
        Ok(())
    }

    fn acted(&mut self, asked: Asked, at: f64) {
        let done = Done { at, action: asked.action.clone() };
        self.actions.push(done.clone());
        asked.answer(done);
    }

    /// Answers once every worker has carried out the order.
    fn answer(&mut self) {
        let Some(Pending { number, .. }) = self.pending else { return };
        let live = || self.parts.iter().filter(|part| part.end.is_none());
        let orders = |part: &PartOfLoad| part.status.as_ref().map_or(0, |status| status.orders);
        if live().all(|part| orders(part) >= number) {
            let acted = self.parts.iter().filter_map(|part| Some(part.status.as_ref()?.acted)).fold(0.0, f64::max);
            let Some(Pending { asked, at, .. }) = self.pending.take() else { return };
            self.acted(asked, at.max(acted));
        }
    }

    /// Seconds since the load began.
    fn elapsed(&self) -> f64 {
        self.started.map_or(0.0, |started| started.elapsed().as_secs_f64())
    }

    fn tell(&mut self, tell: Tell<'_>) {
        let states = self.states();
        if states != self.told.workers {
            tell(FleetEvent::Workers(&states));
            self.told.workers = states;
        }
        let elapsed = self.elapsed();
        if elapsed <= 0.0 {
            return;
        }
        tell(FleetEvent::Progress(&self.progress(elapsed)));
        let read = self.parts.iter().filter_map(|part| part.status.as_ref()?.figures.read.as_ref()).next();
        if let Some(read) = read.filter(|read| read.number > self.told.read) {
            self.told.read = read.number;
            tell(FleetEvent::Read(read));
        }
        if elapsed >= (self.told.rows + 1) as f64 + ROW_WAITS {
            self.told.rows = (elapsed - ROW_WAITS) as u64;
            self.row(tell, self.told.rows as f64);
        }
    }

    fn progress(&self, elapsed: f64) -> Progress {
        let sum = Sum::of(self.parts.iter().flat_map(PartOfLoad::figures));
        let sending = || self.parts.iter().filter(|part| part.stage() == Stage::Sending);
        let statuses = || sending().filter_map(|part| part.status.as_ref());
        let are_all = |is: fn(&Status) -> bool| sending().next().is_some() && statuses().all(is);
        let silences = statuses().filter_map(|status| status.figures.silence.clone());
        let silence = silences.min_by_key(|silence| silence.lasts);
        Progress {
            silence: silence.filter(|_| are_all(|status| status.figures.silence.is_some())),
            is_paused: are_all(|status| status.figures.is_paused),
            ..sum.told(Duration::from_secs_f64(elapsed), self.documents)
        }
    }

    /// Ends a row of the record.
    fn row(&mut self, tell: Tell<'_>, at: f64) {
        if at <= self.told.row_at {
            return;
        }
        let sum = Sum::of(self.parts.iter().flat_map(PartOfLoad::figures));
        let row = sum.since(&self.told.row, (self.told.row_at, at), &mut self.told.places);
        (self.told.row, self.told.row_at) = (sum, at);
        tell(FleetEvent::Second(&row));
    }

    fn states(&self) -> Vec<WorkerState> {
        self.parts.iter().map(PartOfLoad::state).collect()
    }
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coordinator of {} workers in {}", self.parts.len(), self.place.title())
    }
}
