//! `up`: makes what is wanted, side by side where it can, from wherever an earlier `up` was cut off.

use std::collections::BTreeSet;

use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    cancel::Cancel,
    graph::{Graph, Node, ResourceKey},
    journal::{Entry, Journal, JournalError},
    provider::{Cause, Doing, Observed, Observer, Outcome, Progress, Provider, ProviderError, Providers},
    state::Phase,
};

/// What `up` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Each resource and how it came to be ready, in that order.
    pub resources: Vec<(ResourceKey, Outcome)>,
}

/// Why `up` did not get there. What was made stays, and is in the journal: `up` again goes on, `down` removes it.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Some resources could not be made.
    #[error("{}", .0.iter().map(|(_, why)| why.to_string()).collect::<Vec<_>>().join("\n"))]
    Failed(Vec<(ResourceKey, ProviderError)>),
    /// Someone said stop.
    #[error("interrupted; the same command goes on from here, `demo down` removes what was made")]
    Interrupted,
    /// The journal says that `down` has begun.
    #[error("stack {0} is being taken down; finish that with `demo down {0}`, then `up` makes a new one")]
    GoingDown(String),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why one resource could not be made.
enum Stop {
    Provider(ProviderError),
    Journal(JournalError),
}

impl From<ProviderError> for Stop {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Makes everything of the graph ready. After a failure or a raised `cancel` nothing new is started, and what is under
/// way is let finish or, where it only waits, is left waiting.
pub async fn up(
    graph: &Graph,
    providers: &Providers,
    journal: &Journal,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, ApplyError> {
    if journal.state().is_going_down() || journal.state().is_closed() {
        return Err(ApplyError::GoingDown(journal.id().to_string()));
    }
    let making = Making { providers, journal, observer, cancel };
    let mut waiting: Vec<&Node> = graph.nodes().iter().collect();
    let mut ready = BTreeSet::new();
    let mut applied = Applied::default();
    let mut failed = Vec::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        if failed.is_empty() && !cancel.is_raised() {
            for node in waiting.extract_if(.., |node| node.depends_on.iter().all(|on| ready.contains(on))) {
                under_way.push(making.make(node));
            }
        }
        let Some((node, result)) = under_way.next().await else { break };
        match result {
            Ok(outcome) => {
                ready.insert(node.key.clone());
                applied.resources.push((node.key.clone(), outcome));
            }
            Err(Stop::Provider(error)) => failed.push((node.key.clone(), error)),
            Err(Stop::Journal(error)) => return Err(error.into()),
        }
    }
    failed.retain(|(_, error)| error.cause != Cause::Interrupted);
    match (failed.is_empty(), waiting.is_empty() && applied.resources.len() == graph.nodes().len()) {
        (true, true) => Ok(applied),
        (true, false) => Err(ApplyError::Interrupted),
        (false, _) => Err(ApplyError::Failed(failed)),
    }
}

#[derive(Clone, Copy)]
struct Making<'a> {
    providers: &'a Providers,
    journal: &'a Journal,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

impl<'a> Making<'a> {
    async fn make(self, node: &'a Node) -> (&'a Node, Result<Outcome, Stop>) {
        let progress = Progress::begin(node, Doing::Creating, self.observer, self.cancel);
        let result = match self.providers.of(&node.key) {
            Ok(provider) => self.bring_up(provider.as_ref(), node, &progress).await,
            Err(error) => Err(error.into()),
        };
        match &result {
            Ok(outcome) => progress.end(&Ok(*outcome)),
            Err(Stop::Provider(error)) => progress.end(&Err(error.clone())),
            Err(Stop::Journal(error)) => progress.fail(&error.to_string()),
        }
        (node, result)
    }

    async fn bring_up(&self, provider: &dyn Provider, node: &Node, progress: &Progress<'_>) -> Result<Outcome, Stop> {
        let key = &node.key;
        let outcome = match provider.read(node).await? {
            Observed::Foreign { why } => return Err(foreign(node, &why).into()),
            Observed::Ours { differs, .. } if !differs.is_empty() => return Err(changed(node, &differs).into()),
            Observed::Ours { identity, ready, .. } => match self.phase(key) {
                Some(Phase::Ready) if ready => return Ok(Outcome::Kept),
                Some(Phase::Ready | Phase::Accepted) => Outcome::Adopted,
                _ => {
                    self.journal.record(Entry::Intended { node: node.clone() })?;
                    self.accept(key, identity)?;
                    Outcome::Adopted
                }
            },
            Observed::Absent => {
                if matches!(self.phase(key), Some(Phase::Accepted | Phase::Ready)) {
                    self.journal.record(Entry::Lost { key: key.clone() })?;
                }
                self.create(provider, node, progress).await?
            }
        };
        provider.make_ready(node, progress).await?;
        if self.phase(key) == Some(Phase::Accepted) {
            self.journal.record(Entry::Ready { key: key.clone() })?;
        }
        Ok(outcome)
    }

    /// Creates, and where the call failed looks whether it has worked all the same.
    async fn create(&self, provider: &dyn Provider, node: &Node, progress: &Progress<'_>) -> Result<Outcome, Stop> {
        self.journal.record(Entry::Intended { node: node.clone() })?;
        let error = match provider.create(node, progress).await {
            Ok(identity) => {
                self.accept(&node.key, identity)?;
                return Ok(Outcome::Created);
            }
            Err(error) if error.cause == Cause::Interrupted => return Err(error.into()),
            Err(error) => error,
        };
        match provider.read(node).await {
            Ok(Observed::Ours { identity, .. }) => {
                self.accept(&node.key, identity)?;
                Ok(Outcome::Created)
            }
            _ => Err(error.into()),
        }
    }

    fn accept(&self, key: &ResourceKey, identity: String) -> Result<(), JournalError> {
        self.journal.record(Entry::Accepted { key: key.clone(), identity })
    }

    fn phase(&self, key: &ResourceKey) -> Option<Phase> {
        self.journal.state().phase(key)
    }
}

fn foreign(node: &Node, why: &str) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: "looking before making it".to_owned(),
        resource: node.key.to_string(),
        message: format!("it exists and is not this stack's: {why}; it was not touched"),
        advice: "choose another name in the stack file, or remove the other one yourself".to_owned(),
    }
}

fn changed(node: &Node, differs: &[String]) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: "comparing with the stack file".to_owned(),
        resource: node.key.to_string(),
        message: format!("it is there, but {}", differs.join("; ")),
        advice: "`demo down` and `demo up` make it anew; or put the stack file back as it was".to_owned(),
    }
}
