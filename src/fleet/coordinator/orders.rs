//! What all workers of a load are told to do, and when they have done it.

use super::{Coordinator, FleetError};
use crate::{
    fleet::{
        message::{Order, order},
        rendezvous::write_once,
        seat::{End, PartOfLoad},
    },
    load::{Asked, Done},
    spec::Action,
};

/// An order that workers have not all carried out.
pub(super) struct Pending {
    number: u64,
    pub(super) asked: Asked,
    pub(super) at: f64,
}

impl Coordinator {
    /// Ends all in order; those that have not been heard of have nothing to end.
    pub(super) async fn end_all(&mut self) -> Result<(), FleetError> {
        if self.is_ending {
            return Ok(());
        }
        self.order(&Order::End).await?;
        self.is_ending = true;
        for part in self.parts.iter_mut().filter(|part| part.end.is_none() && part.status.is_none()) {
            part.running = None;
            part.end = Some(End::Lost);
        }
        Ok(())
    }

    /// All workers are told this next.
    pub(super) async fn order(&mut self, what: &Order) -> Result<(), FleetError> {
        let number = self.pulse.orders + 1;
        write_once(&*self.place, order(number), what).await?;
        self.pulse.orders = number;
        self.beat().await
    }

    /// Passes on what is asked of the load; what is done to the stream is done by whoever asks.
    pub(super) async fn act(&mut self, asked: Asked) -> Result<(), FleetError> {
        let at = self.elapsed();
        if asked.action.is_shared() {
            self.acted(asked, at);
            return Ok(());
        }
        self.order(&Order::Act(Done { at, action: asked.action.clone() })).await?;
        self.is_stopped |= asked.action == Action::Stop;
        self.pending = Some(Pending { number: self.pulse.orders, asked, at });
        Ok(())
    }

    fn acted(&mut self, asked: Asked, at: f64) {
        let done = Done { at, action: asked.action.clone() };
        self.actions.push(done.clone());
        asked.answer(done);
    }

    /// Answers once every worker has carried out the order.
    pub(super) fn answer(&mut self) {
        let Some(Pending { number, .. }) = self.pending else { return };
        let live = || self.parts.iter().filter(|part| part.end.is_none());
        let orders = |part: &PartOfLoad| part.status.as_ref().map_or(0, |status| status.orders);
        if live().all(|part| orders(part) >= number) {
            let acted = self.parts.iter().filter_map(|part| Some(part.status.as_ref()?.acted)).fold(0.0, f64::max);
            let Some(Pending { asked, at, .. }) = self.pending.take() else { return };
            self.acted(asked, at.max(acted));
        }
    }
}
