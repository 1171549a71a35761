//! A worker of a load that another process leads.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;

use super::{
    documents::{Documents, DocumentsError},
    host::{Event, Host, Question},
    known::state_folder,
    load::{Led, StackLoad, StackLoadError, StackLoadResult},
    logs::Logs,
    target::{self, ConnectError},
};
use crate::{
    aws::Names,
    engine::{Cancel, HomeError, StackId},
    fleet::{AtGate, Ended, Figures, Finished, InFolder, Member, RendezvousError, RunPlan, Seat, Tally, Tracked, View},
    load::{self, AckWriter},
    spec::{self, SpecErrors},
    verify::freshness::Freshness,
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
enum SendError {
    #[error("invalid stack id `{0}`")]
    Id(String),
    #[error("cannot read the stack: {0}")]
    Spec(SpecErrors),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    #[error(transparent)]
    Load(#[from] StackLoadError),
}

/// Takes a seat in the run whose workers meet in this folder, and sends its part of the load. A raised `cancel` ends this worker
/// in order, and so does its coordinator.
///
/// # Errors
/// The worker cannot meet its coordinator, or cannot send.
pub async fn work(folder: &Path, seat: Seat, cancel: &Cancel) -> Result<(), MemberError> {
    let mut member = Member::join(Arc::new(InFolder::at(folder)), seat).await?;
    let reporter = Reporter::default();
    let (gate, at_gate) = AtGate::new();
    let (control, controls) = load::control();
    let led = Led { controls, gate, began: member.plan.began, resumed: member.resumed.take() };
    let plan = member.plan.clone();
    let sent = tokio::select! {
        sent = send(&plan, seat, led, cancel, &reporter) => sent,
        never = member.attend(&reporter, &control, at_gate, cancel) => match never {},
    };
    let ended = match sent {
        Ok(sent) => Ended::Finished(Box::new(finished(sent))),
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
    led: Led,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<StackLoadResult, SendError> {
    let stack = spec::from_value(&plan.spec).map_err(SendError::Spec)?;
    let id: StackId = plan.stack.parse().map_err(|_| SendError::Id(plan.stack.clone()))?;
    let home = state_folder()?;
    let clients = target::connect(&home, &stack.target, plan.endpoint_url.as_deref()).await?;
    let documents = Documents::check(&stack).await?;
    let tickets = plan.tickets.clone();
    let load = StackLoad {
        home: &home,
        id: &id,
        stack: &stack,
        names: &Names::of(&stack, &id),
        clients: &clients,
        documents: &documents,
        run: plan.run.clone(),
        part: seat.part,
        log: Logs::of(&home, &id).path(&plan.run, seat.part),
        tickets: Box::new(move |_| Ok(tickets.clone())),
    };
    Ok(load.send_led(led, cancel, host).await?)
}

fn finished(sent: StackLoadResult) -> Finished {
    let StackLoadResult { load, freshness, problems, .. } = sent;
    let tracked = freshness.map(|Freshness { destination, tracked, unseen, why, ms }| {
        let destination = destination.label.to_owned();
        Tracked { destination, tracked, unseen, why, ms }
    });
    Finished { load, tracked, problems }
}

/// Keeps what the load says for the worker's heartbeats.
#[derive(Default)]
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
