//! A worker of a load that another process leads.

use std::{
    error::Error,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;
use tokio::task::{JoinError, spawn_blocking};

use super::{
    host::{Event, Host, Question},
    sending::{Led, SendError, Sending, measured},
};
use crate::{
    aws::{Names, SendingClients},
    engine::{Cancel, StackId},
    fleet::{
        AtGate, Ended, Figures, Finished, Member, Rendezvous, RendezvousError, RunPlan, Seat, Tally, Tracked, View,
    },
    load::{self, AckWriter, LoadResult, OpenError, OpenWorkload},
    spec::{self, SpecErrors, Stack},
    verify::freshness::{Freshness, Lookup},
};

/// Why a worker could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// It cannot meet its coordinator.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
    /// It cannot send; its coordinator knows why.
    #[error("{0}")]
    Failed(String),
}

/// Why a worker cannot send.
#[derive(Debug, thiserror::Error)]
enum MemberSendError {
    #[error("invalid stack id `{0}`")]
    Id(String),
    #[error("cannot read the stack: {0}")]
    Spec(SpecErrors),
    #[error(transparent)]
    Equipment(Box<dyn Error + Send + Sync>),
    #[error(transparent)]
    Documents(#[from] OpenError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// What a worker sends with, where it runs.
pub(super) struct Equipment {
    /// Clients for the stack's target.
    pub(super) clients: SendingClients,
    /// The file of its acknowledgement log.
    pub(super) log: PathBuf,
    /// Where samples of its documents are looked up, if they are.
    pub(super) lookup: Option<Box<dyn Lookup>>,
}

/// The stack that a worker sends into, as its coordinator wrote it down.
pub(super) struct Target<'a> {
    /// What all workers of the run are told.
    pub(super) plan: &'a RunPlan,
    /// The stack.
    pub(super) stack: &'a Stack,
    /// Its id.
    pub(super) id: &'a StackId,
    /// The names of its resources.
    pub(super) names: &'a Names,
}

/// Takes a seat in the run whose workers meet in this place, and sends its part of the load with what `equip` gives it. A
/// raised `cancel` ends this worker in order, and so does its coordinator.
///
/// # Errors
/// The worker cannot meet its coordinator, or cannot send.
pub(super) async fn work(
    place: Arc<dyn Rendezvous>,
    seat: Seat,
    equip: impl AsyncFnOnce(Target<'_>) -> Result<Equipment, Box<dyn Error + Send + Sync>>,
    cancel: &Cancel,
) -> Result<(), MemberError> {
    let mut member = Member::join(place, seat).await?;
    let reporter = Reporter { tally: Mutex::new(Tally::new(member.plan.by_shard)), acks: OnceLock::new() };
    let (gate, at_gate) = AtGate::new();
    let (control, controls) = load::control();
    let led = Led { controls, gate, began: member.plan.began, resumed: member.resumed.take() };
    let plan = member.plan.clone();
    let sent = tokio::select! {
        sent = send(&plan, seat, equip, led, cancel, &reporter) => sent,
        never = member.attend(&reporter, &control, at_gate, cancel) => match never {},
    };
    let ended = match sent {
        Ok((mut load, freshness)) => {
            if !plan.by_shard {
                load.shards.clear();
            }
            Ended::Finished(Box::new(finished(load, freshness)))
        }
        Err(error) => Ended::Failed(error.to_string()),
    };
    member.leave(&reporter, &ended).await?;
    match ended {
        Ended::Finished(_) => Ok(()),
        Ended::Failed(why) => Err(MemberError::Failed(why)),
    }
}

async fn send(
    plan: &RunPlan,
    seat: Seat,
    equip: impl AsyncFnOnce(Target<'_>) -> Result<Equipment, Box<dyn Error + Send + Sync>>,
    led: Led,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<(LoadResult, Option<Freshness>), MemberSendError> {
    let stack = spec::from_value(&plan.spec).map_err(MemberSendError::Spec)?;
    let id: StackId = plan.stack.parse().map_err(|_| MemberSendError::Id(plan.stack.clone()))?;
    let names = Names::of(&stack, &id);
    let target = Target { plan, stack: &stack, id: &id, names: &names };
    let Equipment { clients, log, lookup } = equip(target).await.map_err(MemberSendError::Equipment)?;
    let of = stack.clone();
    let sending = Sending {
        stack: &stack,
        stream: &names.stream,
        clients: &clients,
        opened: spawn_blocking(move || OpenWorkload::of(&of)).await??,
        flaws: plan.flaws.as_ref(),
        run: plan.run.clone(),
        part: seat.part,
        log,
        tickets: {
            let tickets = plan.tickets.clone();
            Box::new(move |_| Ok(tickets.clone()))
        },
        lookup,
    };
    let (load, tracking) = sending.send_led(led, cancel, host).await?;
    let freshness = measured(tracking, &load, cancel).await?;
    Ok((load, freshness))
}

fn finished(load: LoadResult, freshness: Option<Freshness>) -> Finished {
    let tracked = freshness.map(|Freshness { destination, tracked, unseen, why, ms }| {
        let destination = destination.label.to_owned();
        Tracked { destination, tracked, unseen, why, ms }
    });
    Finished { load, tracked, problems: Vec::new() }
}

/// Keeps what the load says for the worker's heartbeats.
struct Reporter {
    tally: Mutex<Tally>,
    acks: OnceLock<Arc<AckWriter>>,
}

impl Reporter {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for Reporter {
    fn figures(&self) -> Figures {
        self.tally().figures()
    }

    fn seconds(&self) -> u64 {
        self.tally().seconds()
    }

    fn log(&self) -> Option<String> {
        self.acks.get().map(|acks| acks.log().text())
    }
}

#[async_trait]
impl Host for Reporter {
    fn notify(&self, event: Event<'_>) {
        match event {
            Event::LogOpened(acks) => _ = self.acks.set(acks.clone()),
            Event::Loading(progress) => self.tally().progress(progress),
            Event::LoadSecond(second) => self.tally().second(second),
            Event::Read { destination, took } => self.tally().read(destination.label, took),
            _ => {}
        }
    }

    async fn confirm(&self, _: &Question) -> io::Result<bool> {
        Ok(false)
    }
}
