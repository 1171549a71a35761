//! Providers that retry while a failure is transient. Every call of a provider may be repeated: it must also survive a crash
//! at any point of an earlier one.

mod explain;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use self::explain::explained;
use crate::{
    aws::clients::Clients,
    engine::{Cause, Difference, Foreign, Node, Observed, Owned, Progress, Provider, ProviderError, Scope, Transient},
};

/// How long a transient failure is retried, by its kind, and the longest pause before another try. Roles take seconds, minutes are on
/// record, and their stack stands still until they are seen. The longest change that holds up a deletion is that of a stream of
/// hundreds of shards.
const TIMES: [(Transient, Duration, Duration); 3] = [
    (Transient::Role, Duration::from_secs(5 * 60), Duration::from_secs(2)),
    (Transient::Rate, Duration::from_secs(10 * 60), Duration::from_secs(15)),
    (Transient::Busy, Duration::from_secs(20 * 60), Duration::from_secs(15)),
];
/// Looks wait less: nothing says how they go on, and nobody can end them.
const READ_BUDGET: Duration = Duration::from_secs(5 * 60);
/// The longest pause before the second try.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Wraps a provider so that it retries what is transient, and completes its errors with what the service leaves out.
pub(in crate::aws) fn retrying(provider: Arc<dyn Provider>, clients: &Clients) -> Arc<dyn Provider> {
    Arc::new(Retrying { provider, clients: clients.clone() })
}

struct Retrying {
    provider: Arc<dyn Provider>,
    clients: Clients,
}

#[async_trait]
impl Provider for Retrying {
    fn kind(&self) -> &'static str {
        self.provider.kind()
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let mut backoff = Backoff::for_reads();
        loop {
            match self.provider.read(node).await {
                Err(error) => backoff.pause(error, &self.clients).await?,
                found => return found,
            }
        }
    }

    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError> {
        let mut backoff = Backoff::default();
        loop {
            match self.provider.create(node, progress).await {
                // Ours of an attempt whose answer was lost, or somebody's: the engine looks which.
                Err(error) if error.cause == BUSY && self.is_there(node).await => return Err(error),
                Err(error) => backoff.wait(error, progress, &self.clients).await?,
                made => return made,
            }
        }
    }

    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.provider.make_ready(node, progress).await {
            backoff.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn change(&self, node: &Node, differs: &[Difference], progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.provider.change(node, differs, progress).await {
            backoff.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn foreign(&self, node: &Node) -> Result<Vec<Foreign>, ProviderError> {
        let mut backoff = Backoff::for_reads();
        loop {
            match self.provider.foreign(node).await {
                Err(error) => backoff.pause(error, &self.clients).await?,
                found => return found,
            }
        }
    }

    async fn delete_foreign(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.provider.delete_foreign(node, progress).await {
            backoff.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.provider.delete(node, progress).await {
            backoff.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    fn note(&self, node: &Node) {
        self.provider.note(node);
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut backoff = Backoff::for_reads();
        loop {
            match self.provider.owned(scope).await {
                Err(error) => backoff.pause(error, &self.clients).await?,
                found => return found,
            }
        }
    }
}

const BUSY: Cause = Cause::Transient(Transient::Busy);

impl Retrying {
    async fn is_there(&self, node: &Node) -> bool {
        matches!(self.read(node).await, Ok(Observed::Ours { .. } | Observed::Foreign { .. }))
    }
}

/// The attempts of one piece of work.
#[derive(Default)]
struct Backoff {
    tries: u32,
    since: BTreeMap<Transient, Instant>,
    at_most: Option<Duration>,
}

impl Backoff {
    fn for_reads() -> Self {
        Self { at_most: Some(READ_BUDGET), ..Self::default() }
    }

    /// Waits before the next try and tells so, or gives up.
    async fn wait(
        &mut self,
        error: ProviderError,
        progress: &Progress<'_>,
        clients: &Clients,
    ) -> Result<(), ProviderError> {
        let (what, time) = self.next(error, clients).await?;
        progress.wait(what, time).await
    }

    /// [`Backoff::wait`] where there is nobody to tell.
    async fn pause(&mut self, error: ProviderError, clients: &Clients) -> Result<(), ProviderError> {
        let (_, time) = self.next(error, clients).await?;
        tokio::time::sleep(time).await;
        Ok(())
    }

    /// What is waited for and how long, with full jitter: those who were refused together do not come back together.
    async fn next(
        &mut self,
        error: ProviderError,
        clients: &Clients,
    ) -> Result<(&'static str, Duration), ProviderError> {
        let Cause::Transient(transient) = error.cause else { return Err(explained(error, clients).await) };
        let waited = self.since.entry(transient).or_insert_with(Instant::now).elapsed();
        if waited >= self.budget(transient) {
            return Err(given_up(error, transient, waited));
        }
        let longest = FIRST_PAUSE.saturating_mul(1 << self.tries.min(8)).min(times(transient).1);
        self.tries += 1;
        Ok((waiting_for(transient), longest.mul_f64(rand::random())))
    }

    fn budget(&self, transient: Transient) -> Duration {
        let (budget, _) = times(transient);
        self.at_most.map_or(budget, |at_most| at_most.min(budget))
    }
}

fn times(transient: Transient) -> (Duration, Duration) {
    let (_, budget, pause) = TIMES.into_iter().find(|(kind, ..)| *kind == transient).expect("each kind has its times");
    (budget, pause)
}

fn waiting_for(transient: Transient) -> &'static str {
    match transient {
        Transient::Role => "waiting for its role to become visible",
        Transient::Rate => "waiting for throttling to end",
        Transient::Busy => "waiting for another change to end",
    }
}

fn given_up(error: ProviderError, transient: Transient, waited: Duration) -> ProviderError {
    let advice = match transient {
        Transient::Role => "check that the role allows what the message names, then run the command again",
        Transient::Rate => "other callers may use up the account's rate; run the command again to continue",
        Transient::Busy => "check what else is changing it; run the command again to continue",
    };
    ProviderError {
        cause: Cause::TimedOut,
        message: format!("still after {} s: {}", waited.as_secs(), error.message),
        advice: advice.to_owned(),
        ..error
    }
}
