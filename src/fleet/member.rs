//! A worker of a shared load, as its coordinator knows it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    figures::Figures,
    message::{
        Assignment, COORDINATOR, Ended, Order, PLAN, Pulse, RunPlan, Seat, Stage, Status, has_passed, order, since_1970,
    },
    rendezvous::{Rendezvous, RendezvousError, Slot, read, write_once},
};
use crate::{
    engine::Cancel,
    load::{Control, Done, Gate, Resumed},
};

/// Between two heartbeats.
const BEAT: Duration = Duration::from_secs(1);

/// What a load has done so far.
pub trait View: Send + Sync {
    /// Its figures.
    fn figures(&self) -> Figures;

    /// How many seconds of the load they have: a new one is said at once, so that the coordinator counts it in its second.
    fn seconds(&self) -> u64;

    /// The text of its acknowledgement log, if it has one.
    fn log(&self) -> Option<String>;
}

/// A worker in its seat.
pub struct Member {
    place: Arc<dyn Rendezvous>,
    seat: Seat,
    /// What all workers of the run are told.
    pub plan: RunPlan,
    /// What another worker did of the part.
    pub resumed: Option<Resumed>,
    status: Status,
    status_slot: Slot,
    log_slot: Slot,
    /// When the log was written.
    logged_at: Option<Instant>,
    /// The coordinator's latest heartbeat, and when it was new.
    pulse: (Pulse, Instant),
}

/// The coordinator's side of a load's [`Gate`].
pub struct AtGate {
    ready: Option<oneshot::Receiver<()>>,
    start: Option<oneshot::Sender<std::time::Instant>>,
}

impl AtGate {
    /// A gate, and what opens it.
    pub fn new() -> (Gate, Self) {
        let (ready, is_ready) = oneshot::channel();
        let (start, starts) = oneshot::channel();
        (Gate { ready, start: starts }, Self { ready: Some(is_ready), start: Some(start) })
    }

    /// Whether the load has come to it.
    fn is_reached(&mut self) -> bool {
        let is_reached = self.ready.as_mut().is_some_and(|ready| ready.try_recv().is_ok());
        if is_reached {
            self.ready = None;
        }
        is_reached
    }

    fn open(&mut self, at: i64) {
        let until = Duration::from_millis(at.unsigned_abs());
        let (now, clock) = (Instant::now().into_std(), since_1970());
        let start = match until.checked_sub(clock) {
            Some(after) => now + after,
            None => now.checked_sub(clock - until).unwrap_or(now),
        };
        // A load that is over starts no more.
        let _ = self.start.take().map(|opens| opens.send(start));
    }
}

impl Member {
    /// Takes a seat.
    ///
    /// # Errors
    /// There is no such run, or no such seat in it.
    pub async fn join(place: Arc<dyn Rendezvous>, seat: Seat) -> Result<Self, RendezvousError> {
        let gone = || RendezvousError::Gone(place.title());
        let plan: RunPlan = read(&*place, PLAN).await?.ok_or_else(gone)?;
        let Assignment { resumed, orders } = read(&*place, &seat.assignment()).await?.ok_or_else(gone)?;
        // A task that was given up while it started has a successor.
        if place.get(&seat.next().assignment()).await?.is_some() {
            return Err(RendezvousError::Replaced(seat.to_string()));
        }
        let pulse: Pulse = read(&*place, COORDINATOR).await?.ok_or_else(gone)?;
        let status = Status { beat: 0, stage: Stage::Preparing, figures: Figures::default(), orders, acted: 0.0 };
        Ok(Self {
            place,
            seat,
            plan,
            resumed,
            status,
            status_slot: Slot::new(seat.status()),
            log_slot: Slot::new(seat.log()),
            logged_at: None,
            pulse: (pulse, Instant::now()),
        })
    }

    /// Does what the coordinator says, and says what the load does; never ends by itself. Raises `cancel` when the load is to
    /// end, and when the coordinator is gone. May be dropped wherever it waits.
    pub async fn attend(
        &mut self,
        view: &dyn View,
        control: &Control,
        mut gate: AtGate,
        cancel: &Cancel,
    ) -> Infallible {
        let mut ticks = interval(self.plan.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut beat_at, mut seconds): (Option<Instant>, u64) = (None, 0);
        loop {
            ticks.tick().await;
            let before = (self.status.stage, self.status.orders);
            if gate.is_reached() {
                self.status.stage = Stage::Ready;
            }
            if self.is_abandoned().await || self.has_expired() {
                cancel.raise();
            }
            // An order that cannot be read now is read the next time.
            let _ = self.obey(control, &mut gate, cancel).await;
            let known = std::mem::replace(&mut seconds, view.seconds());
            let is_new = before != (self.status.stage, self.status.orders) || known != seconds;
            if is_new || beat_at.is_none_or(|at| at.elapsed() >= BEAT) {
                // A coordinator that has not heard of it for long takes it for dead.
                let _ = self.beat(view).await;
                beat_at = Some(Instant::now());
            }
        }
    }

    /// Listens for the coordinator; one that cannot be heard for as long as it may be missing is gone.
    async fn is_abandoned(&mut self) -> bool {
        match read::<Pulse>(&*self.place, COORDINATOR).await {
            Ok(Some(pulse)) if pulse != self.pulse.0 => self.pulse = (pulse, Instant::now()),
            Ok(None) => return true,
            Ok(Some(_)) | Err(_) => {}
        }
        let (Pulse { lease, .. }, at) = self.pulse;
        at.elapsed() >= lease
    }

    /// Whether the stack is to be gone by now.
    fn has_expired(&self) -> bool {
        self.plan.expires.is_some_and(has_passed)
    }

    async fn obey(&mut self, control: &Control, gate: &mut AtGate, cancel: &Cancel) -> Result<(), RendezvousError> {
        let Pulse { start, orders, .. } = self.pulse.0;
        if let Some(at) = start.filter(|_| self.status.stage == Stage::Ready) {
            gate.open(at);
            self.status.stage = Stage::Sending;
        }
        while self.status.orders < orders {
            let Some(ordered) = read(&*self.place, &order(self.status.orders + 1)).await? else { return Ok(()) };
            match ordered {
                Order::End => cancel.raise(),
                Order::Act(_) if self.status.stage < Stage::Sending => return Ok(()),
                Order::Act(Done { action, .. }) => {
                    // A load that is over has nothing left to be done to.
                    let done = control.act(action).await;
                    self.status.acted = done.map_or(self.status.acted, |done| done.at);
                }
            }
            self.status.orders += 1;
        }
        Ok(())
    }

    async fn beat(&mut self, view: &dyn View) -> Result<(), RendezvousError> {
        if self.logged_at.is_none_or(|at| at.elapsed() >= self.plan.logged) {
            self.write_log(view).await?;
        }
        self.status.beat += 1;
        self.status.figures = view.figures();
        self.status_slot.write(&*self.place, &self.status).await
    }

    async fn write_log(&mut self, view: &dyn View) -> Result<(), RendezvousError> {
        let Some(log) = view.log() else { return Ok(()) };
        self.log_slot.write_text(&*self.place, log.into_bytes()).await?;
        self.logged_at = Some(Instant::now());
        Ok(())
    }

    /// Says what the load came to.
    ///
    /// # Errors
    /// The coordinator will not know: it is gone, or they cannot meet.
    pub async fn leave(mut self, view: &dyn View, ended: &Ended) -> Result<(), RendezvousError> {
        self.write_log(view).await?;
        write_once(&*self.place, self.seat.ended(), ended).await?;
        self.status.stage = Stage::Ended;
        self.beat(view).await
    }
}
