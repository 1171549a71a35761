//! Providers whose work is done again for as long as what it fails with passes by itself. All of it may be: every call of a
//! provider may be made again after a crash at any point of an earlier one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use super::explain::explained;
use crate::{
    aws::clients::Clients,
    engine::{Cause, Difference, Node, Observed, Owned, Passing, Progress, Provider, ProviderError, Scope},
};

/// How long what passes is borne, by what it is: roles take seconds, minutes are on record; the longest change that holds up
/// a deletion is that of a stream of hundreds of shards.
const BUDGETS: [(Passing, Duration); 3] = [
    (Passing::Role, Duration::from_secs(5 * 60)),
    (Passing::Rate, Duration::from_secs(10 * 60)),
    (Passing::Busy, Duration::from_secs(20 * 60)),
];
/// Looks wait less: nothing says how they go on, and nobody can end them.
const LOOK_BUDGET: Duration = Duration::from_secs(5 * 60);
/// The longest pause before the second try, and before any.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// A provider that bears what passes, and whose errors say all that can be known.
pub(in crate::aws) fn patient(provider: Arc<dyn Provider>, clients: &Clients) -> Arc<dyn Provider> {
    Arc::new(Patient { provider, clients: clients.clone() })
}

struct Patient {
    provider: Arc<dyn Provider>,
    clients: Clients,
}

#[async_trait]
impl Provider for Patient {
    fn kind(&self) -> &'static str {
        self.provider.kind()
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let mut patience = Patience::for_looks();
        loop {
            match self.provider.read(node).await {
                Err(error) => patience.pause(error, &self.clients).await?,
                found => return found,
            }
        }
    }

    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError> {
        let mut patience = Patience::default();
        loop {
            match self.provider.create(node, progress).await {
                // Ours of an attempt whose answer was lost, or somebody's: the engine looks which.
                Err(error) if error.cause == BUSY && self.is_there(node).await => return Err(error),
                Err(error) => patience.wait(error, progress, &self.clients).await?,
                made => return made,
            }
        }
    }

    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut patience = Patience::default();
        while let Err(error) = self.provider.make_ready(node, progress).await {
            patience.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn change(&self, node: &Node, differs: &[Difference], progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut patience = Patience::default();
        while let Err(error) = self.provider.change(node, differs, progress).await {
            patience.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut patience = Patience::default();
        while let Err(error) = self.provider.delete(node, progress).await {
            patience.wait(error, progress, &self.clients).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut patience = Patience::for_looks();
        loop {
            match self.provider.owned(scope).await {
                Err(error) => patience.pause(error, &self.clients).await?,
                found => return found,
            }
        }
    }
}

const BUSY: Cause = Cause::Passing(Passing::Busy);

impl Patient {
    async fn is_there(&self, node: &Node) -> bool {
        matches!(self.read(node).await, Ok(Observed::Ours { .. } | Observed::Foreign { .. }))
    }
}

/// How long one piece of work has been borne with.
#[derive(Default)]
struct Patience {
    tries: u32,
    since: BTreeMap<Passing, Instant>,
    at_most: Option<Duration>,
}

impl Patience {
    fn for_looks() -> Self {
        Self { at_most: Some(LOOK_BUDGET), ..Self::default() }
    }

    /// Waits before the next try and tells so, or gives up.
    async fn wait(
        &mut self,
        error: ProviderError,
        progress: &Progress<'_>,
        clients: &Clients,
    ) -> Result<(), ProviderError> {
        let (what, time) = self.bear(error, clients).await?;
        progress.wait(what, time).await
    }

    /// [`Patience::wait`] where there is nobody to tell.
    async fn pause(&mut self, error: ProviderError, clients: &Clients) -> Result<(), ProviderError> {
        let (_, time) = self.bear(error, clients).await?;
        tokio::time::sleep(time).await;
        Ok(())
    }

    /// What is waited for and how long, with full jitter: those who were refused together do not come back together.
    async fn bear(
        &mut self,
        error: ProviderError,
        clients: &Clients,
    ) -> Result<(&'static str, Duration), ProviderError> {
        let Cause::Passing(passing) = error.cause else { return Err(explained(error, clients).await) };
        let waited = self.since.entry(passing).or_insert_with(Instant::now).elapsed();
        if waited >= self.budget(passing) {
            return Err(worn_out(error, passing, waited));
        }
        let longest = PAUSES.0.saturating_mul(1 << self.tries.min(8)).min(PAUSES.1);
        self.tries += 1;
        Ok((waiting_for(passing), longest.mul_f64(rand::random())))
    }

    fn budget(&self, passing: Passing) -> Duration {
        let (_, budget) = BUDGETS.into_iter().find(|(of, _)| *of == passing).expect("every one has its budget");
        self.at_most.map_or(budget, |at_most| at_most.min(budget))
    }
}

fn waiting_for(passing: Passing) -> &'static str {
    match passing {
        Passing::Role => "waiting for its role to become visible",
        Passing::Rate => "waiting for throttling to end",
        Passing::Busy => "waiting for another change to end",
    }
}

fn worn_out(error: ProviderError, passing: Passing, waited: Duration) -> ProviderError {
    let advice = match passing {
        Passing::Role => "check that the role allows what the message names, then run the command again",
        Passing::Rate => "other callers may use up the account's rate; run the command again to continue",
        Passing::Busy => "check what else is changing it; run the command again to continue",
    };
    ProviderError {
        cause: Cause::TimedOut,
        message: format!("still after {} s: {}", waited.as_secs(), error.message),
        advice: advice.to_owned(),
        ..error
    }
}
