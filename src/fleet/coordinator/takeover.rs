//! The coordinator of a load that another process led before.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{BEAT, Coordinator, FleetError, LEASE};
use crate::{
    fleet::{
        last_words::{LastWords, last_words},
        launch::Launcher,
        message::{COORDINATOR, Ended, Order, PLAN, Pulse, RunPlan, Seat, order, since_1970},
        rendezvous::{Rendezvous, RendezvousError, Slot, read},
        seat::PartOfLoad,
        told::Told,
    },
    load::Controls,
    spec::Action,
};

/// A coordinator that lives has said something new by then.
const LISTENS: Duration = BEAT.saturating_mul(4);
/// Why a part's worker was replaced that this process did not see.
const BEFORE: &str = "while another process led the run";

/// What all workers of a run were told.
///
/// # Errors
/// There is no such run.
pub async fn plan_of(place: &dyn Rendezvous) -> Result<RunPlan, RendezvousError> {
    read(place, PLAN).await?.ok_or_else(|| RendezvousError::Gone(place.title()))
}

impl Coordinator {
    /// Takes the lead of a load of so many documents that another process led, which is gone or has left it to itself.
    ///
    /// # Errors
    /// Another process leads it, or there is no such run.
    pub async fn take_over(
        place: Arc<dyn Rendezvous>,
        launcher: Box<dyn Launcher>,
        controls: Controls,
        plan: RunPlan,
        (documents, workers): (u64, u32),
        open_shards: usize,
    ) -> Result<Self, FleetError> {
        let mut led = Self::new(place, launcher, controls, plan, (documents, workers), open_shards);
        led.pulse = led.silent_pulse().await?;
        led.heartbeat = Slot::take_over(&*led.place, COORDINATOR).await?;
        led.started = led.pulse.start.map(begun);
        led.recall_parts().await?;
        led.recall_orders().await?;
        led.adopt().await?;
        led.told = Told::nothing(&led.parts, led.elapsed());
        Ok(led)
    }

    /// The last heartbeat of whoever led before, once it is known to be the last.
    async fn silent_pulse(&self) -> Result<Pulse, FleetError> {
        let gone = || RendezvousError::Gone(self.place.title());
        let pulse: Pulse = read(&*self.place, COORDINATOR).await?.ok_or_else(gone)?;
        sleep(LISTENS).await;
        let later: Pulse = read(&*self.place, COORDINATOR).await?.ok_or_else(gone)?;
        match pulse.beat == later.beat {
            true => Ok(Pulse { lease: LEASE, ..pulse }),
            false => Err(FleetError::Led(self.place.title())),
        }
    }

    /// What each part's workers came to, as they said it.
    async fn recall_parts(&mut self) -> Result<(), FleetError> {
        let seats: Vec<Seat> = self.place.list().await?.iter().filter_map(|name| Seat::of_assignment(name)).collect();
        for part in &mut self.parts {
            let of_part = seats.iter().filter(|seat| seat.part == part.seat.part);
            let latest = of_part.map(|seat| seat.generation).max().unwrap_or(0);
            for generation in 1..latest {
                part.seat.generation = generation;
                let words = last_words(&*self.place, &*self.launcher, part.seat).await?;
                self.problems.extend(recall(part, words));
            }
            part.seat.generation = latest;
            part.hear(read(&*self.place, &part.seat.status()).await?);
        }
        Ok(())
    }

    async fn recall_orders(&mut self) -> Result<(), FleetError> {
        for number in 1..=self.pulse.orders {
            match read(&*self.place, &order(number)).await? {
                Some(Order::End) => self.is_ending = true,
                Some(Order::Act(done)) => {
                    self.is_stopped |= done.action == Action::Stop;
                    self.actions.push(done);
                }
                None => {}
            }
        }
        Ok(())
    }

    async fn adopt(&mut self) -> Result<(), FleetError> {
        let seated = || self.parts.iter().filter(|part| part.seat.generation > 0);
        let seats: Vec<Seat> = seated().map(|part| part.seat).collect();
        let adopted = self.launcher.adopt(&seats).await.map_err(FleetError::Adopt)?.ok_or(FleetError::NotTasks)?;
        let seated = self.parts.iter_mut().filter(|part| part.seat.generation > 0);
        seated.zip(adopted).for_each(|(part, running)| part.running = Some(running));
        Ok(())
    }
}

/// Takes what a worker came to that another has replaced; what of it cannot be read is returned.
fn recall(part: &mut PartOfLoad, words: LastWords) -> Option<String> {
    let LastWords { status, log, ended } = words;
    part.hear(status);
    let unreadable = match log {
        Ok(log) => {
            part.log = log.or(part.log.take());
            None
        }
        Err(error) => Some(error.to_string()),
    };
    match ended {
        Some(Ended::Finished(finished)) => part.leave(finished.load),
        Some(Ended::Failed(_)) | None => part.vacate(BEFORE),
    }
    unreadable
}

/// When a load began that began at this time, in milliseconds since 1970, or will begin.
fn begun(start: i64) -> Instant {
    let (start, now) = (Duration::from_millis(start.unsigned_abs()), since_1970());
    match start.checked_sub(now) {
        Some(after) => Instant::now() + after,
        None => Instant::now().checked_sub(now - start).unwrap_or_else(Instant::now),
    }
}
