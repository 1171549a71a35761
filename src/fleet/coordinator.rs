//! The coordinator of a load that several workers share.

mod orders;
mod succession;
mod takeover;

use std::{fmt, io, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    event::{FleetEvent, Tell},
    launch::{Launcher, Running},
    message::{Assignment, COORDINATOR, PLAN, Pulse, RunPlan, Stage, Status, has_passed, since_1970},
    outcome::{FleetResult, merged},
    rendezvous::{Rendezvous, RendezvousError, Slot, read, write_once},
    seat::{End, PartOfLoad},
    told::Told,
};
use crate::{
    engine::Cancel,
    load::{Controls, Done, Part, Resumed},
};

pub use takeover::{Unled, plan_of, until_unled};

/// Between two heartbeats.
const BEAT: Duration = Duration::from_secs(1);
/// A worker, or the coordinator, that is not heard of for so long is taken for dead.
const LEASE: Duration = Duration::from_secs(60);
/// From when all are ready until they start, beside what they take to see it.
const LEAD: Duration = Duration::from_millis(200);
/// The lease of workers that nobody leads for now: they end when their load does.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// So many workers have a part, one after the other.
const MOST_GENERATIONS: u32 = 4;
/// Objects that are read or written at a time: of a thousand workers in a second, where each takes a tenth of one.
pub(super) const AT_A_TIME: usize = 128;
/// A shard's counts that all workers together may say each second. They are some 100 bytes of JSON each.
const MOST_COUNTS: usize = 100_000;

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
    /// It cannot be found out which workers run.
    #[error("cannot find the workers of the run: {0}")]
    Adopt(io::Error),
    /// The workers of a run end with whoever started them.
    #[error("the workers of the run ended with the process that started them")]
    NotTasks,
    /// Tasks of another run would send beside those of this one.
    #[error(
        "tasks of run {0} still run in the stack's cluster\n  \
         run `demo attach {0}` to lead them, or wait a minute: they end where the process that led them is gone"
    )]
    OtherRun(String),
    /// Another process leads the run.
    #[error("another process leads the run: its heartbeat in {0} goes on")]
    Led(String),
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
    pending: Option<orders::Pending>,
    actions: Vec<Done>,
    /// No more is to be offered.
    is_stopped: bool,
    /// All are told to end.
    is_ending: bool,
    failed: Option<FleetError>,
    problems: Vec<String>,
    /// Since when objects can be neither read nor written.
    cut_off: Option<Instant>,
    told: Told,
}

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
        let told = Told::waiting(2 * plan.poll);
        let parts = (1..=workers).map(|worker| PartOfLoad::new(Part { worker, of: workers }, documents));
        Self {
            place,
            launcher,
            controls,
            plan,
            parts: parts.collect(),
            documents,
            open_shards,
            pulse: Pulse { leader: rand::random(), beat: 0, lease: LEASE, start: None, orders: 0 },
            pulse_at: None,
            heartbeat: Slot::new(COORDINATOR),
            started: None,
            pending: None,
            actions: Vec::new(),
            is_stopped: false,
            is_ending: false,
            failed: None,
            problems: Vec::new(),
            cut_off: None,
            told,
        }
    }

    /// Whether so many workers are to say what each of so many shards got.
    pub fn counts_by_shard(workers: u32, open_shards: usize) -> bool {
        open_shards.saturating_mul(workers as usize) <= MOST_COUNTS
    }

    /// Until every part has ended. A raised `cancel` ends all of them in order.
    ///
    /// # Errors
    /// A worker cannot go on, and the others have ended. Those that run when this is dropped are ended.
    pub async fn run(mut self, cancel: &Cancel, tell: Tell<'_>) -> Result<FleetResult, FleetError> {
        let begun = self.begin(tell).await;
        self.finish(begun, cancel, tell).await
    }

    /// Until all workers send; they go on by themselves, until another process leads them. What they have come to, if it does
    /// not get so far. A raised `cancel` ends all of them in order.
    ///
    /// # Errors
    /// As of [`Coordinator::run`].
    pub async fn run_until_started(
        mut self,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<Option<FleetResult>, FleetError> {
        let are_sending = |coordinator: &Self| {
            coordinator.parts.iter().all(|part| part.stage() >= Stage::Sending) && !coordinator.is_ending
        };
        let mut begun = self.begin(tell).await;
        if begun.is_ok() {
            begun = self.lead(cancel, tell, are_sending).await;
        }
        if begun.is_err() || !are_sending(&self) {
            return self.finish(begun, cancel, tell).await.map(Some);
        }
        self.pulse.lease = FOR_EVER;
        if let Err(error) = self.beat().await {
            return self.finish(Err(error), cancel, tell).await.map(Some);
        }
        self.parts.iter_mut().filter_map(|part| part.running.take()).for_each(Running::release);
        self.launcher.close().await.iter().for_each(|problem| tell(FleetEvent::Warning(problem)));
        Ok(None)
    }

    /// Tells the workers what they share, unless another process has.
    async fn begin(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        if self.pulse.beat == 0 {
            write_once(&*self.place, PLAN, &self.plan).await?;
        }
        self.beat().await?;
        if !self.plan.by_shard {
            let (workers, shards) = (self.parts.len(), self.open_shards);
            let warning =
                format!("{workers} workers do not say what each of {shards} shards got: it would be too much");
            tell(FleetEvent::Warning(&warning));
        }
        if self.started.is_some() {
            tell(FleetEvent::Started { total: self.documents });
        }
        let vacant = (0..self.parts.len()).filter(|index| self.parts[*index].seat.generation == 0).collect();
        match self.seat(vacant).await?.into_iter().next() {
            Some((index, source)) => Err(FleetError::Launch { part: self.parts[index].seat.part, source }),
            None => Ok(()),
        }
    }

    /// Leads the workers until every part has ended, and says what that came to; ends them where it went wrong before.
    async fn finish(
        mut self,
        begun: Result<(), FleetError>,
        cancel: &Cancel,
        tell: Tell<'_>,
    ) -> Result<FleetResult, FleetError> {
        let led = match begun {
            Ok(()) => self.lead(cancel, tell, |_| false).await,
            failed => failed,
        };
        let ended = self.ended_after();
        let running = self.parts.iter_mut().filter_map(|part| part.running.take());
        if let Err(FleetError::Rendezvous(RendezvousError::Taken { .. })) = led {
            // They are another process's now.
            running.for_each(Running::release);
            return Err(FleetError::Led(self.place.title()));
        }
        running.for_each(drop);
        let left = self.launcher.close().await;
        if let Err(error) = led {
            left.iter().for_each(|problem| tell(FleetEvent::Warning(problem)));
            return Err(error);
        }
        self.problems.extend(left);
        self.told.tell_end(&self.parts, ended, tell);
        match self.failed {
            Some(error) => Err(error),
            None => Ok(merged(self.parts, self.actions, self.problems, self.open_shards)),
        }
    }

    /// Leads the workers, until every part has ended or it is enough.
    async fn lead(
        &mut self,
        cancel: &Cancel,
        tell: Tell<'_>,
        is_enough: impl Fn(&Self) -> bool,
    ) -> Result<(), FleetError> {
        let mut ticks = interval(self.plan.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !is_enough(self) && self.parts.iter().any(|part| part.end.is_none()) {
            tokio::select! {
                biased;
                () = cancel.raised(), if !self.is_ending => {
                    let told = self.end_all().await;
                    self.bear(told)?;
                }
                _ = ticks.tick() => {
                    let ticked = self.tick(tell).await;
                    self.bear(ticked)?;
                }
                asked = self.controls.next(), if self.pending.is_none() && self.started.is_some() => self.act(asked).await?,
            }
        }
        Ok(())
    }

    /// Lets a failure pass, as workers do: for as long as these may not hear of their coordinator.
    fn bear(&mut self, ticked: Result<(), FleetError>) -> Result<(), FleetError> {
        match ticked {
            Err(FleetError::Rendezvous(RendezvousError::Bucket(error))) => {
                let since = *self.cut_off.get_or_insert_with(Instant::now);
                if since.elapsed() < LEASE { Ok(()) } else { Err(RendezvousError::Bucket(error).into()) }
            }
            ticked => {
                self.cut_off = None;
                ticked
            }
        }
    }

    async fn tick(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        self.beat_in_time().await?;
        if self.plan.expires.is_some_and(has_passed) {
            self.end_all().await?;
        }
        self.hear().await?;
        self.bury(tell).await?;
        self.start(tell).await?;
        self.answer();
        self.told.tell(&self.parts, (self.elapsed(), self.documents), tell);
        Ok(())
    }

    async fn beat_in_time(&mut self) -> Result<(), FleetError> {
        match self.pulse_at.is_some_and(|at| at.elapsed() + self.plan.poll / 2 < BEAT) {
            true => Ok(()),
            false => self.beat().await,
        }
    }

    async fn beat(&mut self) -> Result<(), FleetError> {
        self.pulse.beat += 1;
        self.heartbeat.write(&*self.place, &self.pulse).await?;
        self.pulse_at = Some(Instant::now());
        Ok(())
    }

    /// The next workers take seats; those that cannot be started are returned, with why.
    async fn seat(&mut self, vacant: Vec<usize>) -> Result<Vec<(usize, io::Error)>, FleetError> {
        let assigned: Vec<_> = vacant.iter().map(|index| self.assign(*index)).collect();
        let place = &*self.place;
        let writes = assigned.iter().map(|(name, assignment)| write_once(place, name.as_str(), assignment));
        stream::iter(writes).buffer_unordered(AT_A_TIME).try_collect::<()>().await?;
        let mut failed = Vec::new();
        for index in vacant {
            match self.launcher.launch(self.parts[index].seat) {
                Ok(running) => self.parts[index].seated(running),
                Err(source) => failed.push((index, source)),
            }
        }
        Ok(failed)
    }

    /// What the next worker of a part is told, and the object's name.
    fn assign(&mut self, index: usize) -> (String, Assignment) {
        let part = &mut self.parts[index];
        part.seat.generation += 1;
        let seat = part.seat;
        let (done, times) = (part.before.clone(), part.may_have_been_sent);
        let actions = self.actions.iter().cloned();
        let pending = self.pending.iter().map(|of| Done { at: of.at, action: of.asked.action.clone() });
        let actions = actions.chain(pending).filter(|done| !done.action.is_shared()).collect();
        let resumed = (seat.generation > 1).then_some(Resumed { done, times, actions });
        (seat.assignment(), Assignment { resumed, orders: self.pulse.orders })
    }

    /// Reads what workers say. A process that is gone has said all.
    async fn hear(&mut self) -> Result<(), FleetError> {
        let live = self.parts.iter().enumerate().filter(|(_, part)| part.end.is_none());
        let place = &self.place;
        let reads =
            live.map(|(index, part)| async move { (index, read::<Status>(&**place, &part.seat.status()).await) });
        // In whatever order: one that answers late keeps no other waiting.
        let heard: Vec<_> = stream::iter(reads).buffer_unordered(AT_A_TIME).collect().await;
        let mut failed = None;
        for (index, status) in heard {
            match status {
                Ok(status) => self.parts[index].hear(status),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Says when the load starts, once all are ready.
    async fn start(&mut self, tell: Tell<'_>) -> Result<(), FleetError> {
        let are_ready = self.parts.iter().all(|part| part.stage() >= Stage::Ready);
        if self.started.is_some() || self.is_ending || !are_ready {
            return Ok(());
        }
        let after = LEAD + 2 * self.plan.poll;
        self.pulse.start = Some(i64::try_from((since_1970() + after).as_millis()).unwrap_or(i64::MAX));
        self.beat().await?;
        self.started = Some(Instant::now() + after);
        tell(FleetEvent::Started { total: self.documents });
        Ok(())
    }

    /// Seconds from when the load began until it ended: what ended while nobody led ended earlier than now.
    fn ended_after(&self) -> f64 {
        let of_part = |part: &PartOfLoad| match &part.end {
            Some(End::Finished(finished)) => Some(finished.load.seconds),
            _ => None,
        };
        let all: Option<Vec<f64>> = self.parts.iter().map(of_part).collect();
        all.map_or(self.elapsed(), |all| all.into_iter().fold(0.0, f64::max).min(self.elapsed()))
    }

    /// Seconds since the load began.
    pub fn elapsed(&self) -> f64 {
        self.started.map_or(0.0, |started| started.elapsed().as_secs_f64())
    }
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coordinator of {} workers in {}", self.parts.len(), self.place.title())
    }
}
