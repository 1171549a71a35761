//! `up`: makes what is wanted, side by side where it can, from wherever an earlier `up` was cut off.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    cancel::{Cancel, Interrupted},
    graph::{Node, ResourceKey},
    journal::{Entry, Journal, JournalError},
    plan::{Action, Survey},
    provider::{Cause, Difference, Doing, Observed, Observer, Outcome, Progress, Provider, ProviderError, Providers},
    state::Phase,
    work::{Stop, Work},
};

/// Pauses before a create whose answer was lost, and that is not to be seen, is tried again.
const LOST_ANSWERS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

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
    /// Something stands in the way; nothing was changed.
    #[error("nothing was changed\n{}", .0.iter().map(|(_, why)| why.to_string()).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<(ResourceKey, ProviderError)>),
    /// Someone said stop.
    #[error("interrupted")]
    Interrupted,
    /// The journal says that `down` has begun.
    #[error("stack {0} is being removed; run `demo down {0}` to finish, then `demo up` to create a new one")]
    GoingDown(String),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Makes everything of the surveyed graph ready: refuses if something stands in the way, then creates and changes what is
/// not as wanted. After a failure or a raised `cancel` it starts nothing new; calls under way finish, waits end.
pub async fn up(
    survey: &Survey,
    providers: &Providers,
    journal: &Journal,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, ApplyError> {
    if journal.with_state(|state| state.is_going_down() || state.is_closed()) {
        return Err(ApplyError::GoingDown(journal.id().to_string()));
    }
    if cancel.is_raised() {
        return Err(ApplyError::Interrupted);
    }
    let (graph, refused) = (survey.graph(), refusals(survey, journal));
    if !refused.is_empty() {
        return Err(ApplyError::Refused(refused));
    }
    let making = Work { providers, journal, observer, cancel };
    making.note(Entry::Began { wanted: graph.nodes().iter().map(|node| node.key.clone()).collect() }).await?;
    let mut waiting: Vec<&Node> = graph.nodes().iter().collect();
    let mut ready = BTreeSet::new();
    let mut applied = Applied::default();
    let mut failed = Vec::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        if failed.is_empty() && !cancel.is_raised() {
            for node in waiting.extract_if(.., |node| node.depends_on.iter().all(|on| ready.contains(on))) {
                under_way.push(making.make(node, survey.reading(node)));
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

/// What stands in the way of the whole.
fn refusals(survey: &Survey, journal: &Journal) -> Vec<(ResourceKey, ProviderError)> {
    let state = journal.state();
    let in_the_way = survey.actions(&state).filter_map(|(node, action)| {
        let why = match action {
            Ok(Action::Refuse(why)) => foreign(node, &why),
            Ok(Action::Replace(differs)) => replaced(node, &differs),
            Ok(_) => return None,
            Err(error) => error,
        };
        Some((node.key.clone(), why))
    });
    in_the_way.collect()
}

impl From<Interrupted> for ApplyError {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl<'a> Work<'a> {
    async fn make(
        self,
        node: &'a Node,
        reading: &Result<Observed, ProviderError>,
    ) -> (&'a Node, Result<Outcome, Stop>) {
        let progress = self.begin(node, Doing::Creating);
        let result = self.bring_up(node, reading.clone(), &progress).await;
        progress.end(&result);
        (node, result)
    }

    async fn bring_up(
        &self,
        node: &Node,
        reading: Result<Observed, ProviderError>,
        progress: &Progress<'_>,
    ) -> Result<Outcome, Stop> {
        let (provider, key) = (self.provider(node)?.as_ref(), &node.key);
        let outcome = match reading? {
            Observed::Foreign { why } => return Err(foreign(node, &why).into()),
            Observed::Absent => {
                if matches!(self.phase(key), Some(Phase::Accepted | Phase::Ready)) {
                    self.record(Entry::Lost { key: key.clone() }).await?;
                }
                self.create(provider, node, progress).await?
            }
            Observed::Ours { identity, ready, differs } => {
                let finished = ready && self.phase(key) == Some(Phase::Ready);
                self.adopt(node, identity).await?;
                match Difference::replacing(&differs) {
                    none if !none.is_empty() => return Err(replaced(node, &none).into()),
                    _ if !differs.is_empty() => self.change(provider, node, &differs, progress).await?,
                    _ if finished => return self.keep(node).await,
                    _ => Outcome::Adopted,
                }
            }
        };
        provider.make_ready(node, progress).await?;
        if self.phase(key) == Some(Phase::Accepted) {
            self.record(Entry::Ready { key: key.clone() }).await?;
        }
        Ok(outcome)
    }

    /// Creates, and where the call failed looks whether it has worked all the same.
    async fn create(&self, provider: &dyn Provider, node: &Node, progress: &Progress<'_>) -> Result<Outcome, Stop> {
        self.record(Entry::Intended { node: node.clone() }).await?;
        let mut again = LOST_ANSWERS.iter();
        loop {
            let error = match provider.create(node, progress).await {
                Ok(identity) => {
                    self.accept(&node.key, identity).await?;
                    return Ok(Outcome::Created);
                }
                Err(error) if error.cause == Cause::Interrupted => return Err(error.into()),
                Err(error) => error,
            };
            match provider.read(node).await {
                Ok(Observed::Ours { identity, .. }) => {
                    self.accept(&node.key, identity).await?;
                    return Ok(Outcome::Created);
                }
                Ok(Observed::Foreign { why }) => return Err(foreign(node, &why).into()),
                Ok(Observed::Absent) | Err(_) => {}
            }
            match again.next() {
                Some(pause) if error.cause == Cause::Unreachable => progress.wait("no answer", *pause).await?,
                _ => return Err(error.into()),
            }
        }
    }

    async fn change(
        &self,
        provider: &dyn Provider,
        node: &Node,
        differs: &[Difference],
        progress: &Progress<'_>,
    ) -> Result<Outcome, Stop> {
        self.record(Entry::Changing { node: node.clone() }).await?;
        provider.change(node, differs, progress).await?;
        Ok(Outcome::Changed)
    }

    /// Takes what is there and ours into the journal, where it is not known yet.
    async fn adopt(&self, node: &Node, identity: String) -> Result<(), JournalError> {
        if matches!(self.phase(&node.key), Some(Phase::Accepted | Phase::Ready)) {
            return Ok(());
        }
        self.record(Entry::Intended { node: node.clone() }).await?;
        self.accept(&node.key, identity).await
    }

    /// It is as wanted; the journal may still know it as it was wanted before.
    async fn keep(&self, node: &Node) -> Result<Outcome, Stop> {
        if self.journal.with_state(|state| state.resource(&node.key).is_some_and(|known| known.node != *node)) {
            self.record(Entry::Changing { node: node.clone() }).await?;
            self.record(Entry::Ready { key: node.key.clone() }).await?;
        }
        Ok(Outcome::Kept)
    }

    async fn accept(&self, key: &ResourceKey, identity: String) -> Result<(), JournalError> {
        self.record(Entry::Accepted { key: key.clone(), identity }).await
    }
}

fn foreign(node: &Node, why: &str) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: "check before creating".to_owned(),
        resource: node.key.to_string(),
        message: format!("it exists and does not belong to this stack: {why}; it was not touched"),
        advice: "choose another name in the stack file, or delete the existing resource yourself".to_owned(),
    }
}

fn replaced(node: &Node, differs: &[Difference]) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: "compare with the stack file".to_owned(),
        resource: node.key.to_string(),
        message: format!("it would have to be replaced: {}; it was not touched", Difference::listed(differs)),
        advice: "run `demo down` and `demo up` to replace it, or restore the stack file".to_owned(),
    }
}
