//! The coordinator of a load that another process led before.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{BEAT, Coordinator, FleetError, LEASE};
use crate::{
    fleet::{
        last_words::{LastWords, last_words},
        launch::Launcher,
        message::{COORDINATOR, Ended, Order, PLAN, Pulse, RunPlan, Seat, Stage, order, since_1970},
        rendezvous::{Rendezvous, RendezvousError, Slot, read},
        seat::PartOfLoad,
    },
    load::{Controls, Part},
    spec::Action,
};

/// A coordinator that lives has said something new by then.
const LISTENS: Duration = BEAT.saturating_mul(15);
/// Why a part's worker was replaced that this process did not see.
const BEFORE: &str = "while another process led the run";

/// What all workers of a run were told.
///
/// # Errors
/// There is no such run.
pub async fn plan_of(place: &dyn Rendezvous) -> Result<RunPlan, RendezvousError> {
    read(place, PLAN).await?.ok_or_else(|| RendezvousError::Gone(place.title()))
}

/// A run that nobody leads.
#[derive(Debug)]
pub struct Unled(Pulse);

/// Waits until it is known that nobody leads a run.
///
/// # Errors
/// Somebody leads it, or there is no such run.
pub async fn until_unled(place: &dyn Rendezvous) -> Result<Unled, FleetError> {
    let gone = || RendezvousError::Gone(place.title());
    let pulse: Pulse = read(place, COORDINATOR).await?.ok_or_else(gone)?;
    sleep(LISTENS).await;
    let later: Pulse = read(place, COORDINATOR).await?.ok_or_else(gone)?;
    match pulse == later {
        true => Ok(Unled(pulse)),
        false => Err(FleetError::Led(place.title())),
    }
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
        (Unled(before), plan): (Unled, RunPlan),
        (documents, workers): (u64, u32),
        open_shards: usize,
    ) -> Result<Self, FleetError> {
        let mut led = Self::new(place, launcher, controls, plan, (documents, workers), open_shards);
        let heartbeat = Slot::take_over(&*led.place, COORDINATOR).await?;
        if read::<Pulse>(&*led.place, COORDINATOR).await?.as_ref() != Some(&before) {
            return Err(FleetError::Led(led.place.title()));
        }
        led.pulse = Pulse { leader: led.pulse.leader, lease: LEASE, ..before };
        led.heartbeat = heartbeat;
        led.started = led.pulse.start.map(begun);
        // Workers wait for it no longer than for the one before; and whoever else takes the lead now fails.
        led.beat().await?;
        led.recall_orders().await?;
        led.recall_parts().await?;
        led.adopt().await?;
        let has_ended = led.parts.iter().all(|part| part.stage() == Stage::Ended);
        // What ended while nobody led has one row.
        let elapsed = if has_ended { 0.0 } else { led.elapsed() };
        let parts = if has_ended { &[] } else { led.parts.as_slice() };
        led.told = std::mem::take(&mut led.told).nothing_before(parts, elapsed);
        Ok(led)
    }

    /// What each part's workers came to, as they said it.
    async fn recall_parts(&mut self) -> Result<(), FleetError> {
        let names = self.place.list().await?;
        let mut latest: HashMap<Part, u32> = HashMap::new();
        for seat in names.iter().filter_map(|name| Seat::of_assignment(name)) {
            let known = latest.entry(seat.part).or_default();
            *known = seat.generation.max(*known);
        }
        for index in 0..self.parts.len() {
            let generations = latest.get(&self.parts[index].seat.part).copied().unwrap_or(0);
            for generation in 1..generations {
                let part = &mut self.parts[index];
                part.seat.generation = generation;
                let words = last_words(&*self.place, &*self.launcher, part.seat).await?;
                self.problems.extend(recall(part, words));
                self.beat_in_time().await?;
            }
            self.parts[index].seat.generation = generations;
        }
        self.hear().await
    }

    /// An order that was written last may not be in the heartbeat.
    async fn recall_orders(&mut self) -> Result<(), FleetError> {
        self.pulse.orders = 0;
        while let Some(ordered) = read(&*self.place, &order(self.pulse.orders + 1)).await? {
            self.pulse.orders += 1;
            match ordered {
                Order::End => self.is_ending = true,
                Order::Act(done) => {
                    self.is_stopped |= done.action == Action::Stop;
                    self.actions.push(done);
                }
            }
        }
        self.beat().await
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
