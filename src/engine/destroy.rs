//! `down`: from the journal alone, in reverse, past failures; and then a look whether anything is left.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};

use super::{
    cancel::Cancel,
    graph::{Node, ResourceKey},
    id::StackId,
    journal::{Entry, Journal, JournalError},
    owned::{Owned, Scope},
    provider::{Cause, Doing, Foreign, Observed, Observer, Outcome, Progress, Provider, ProviderError, Providers},
    state::{Phase, State},
    work::{Stop, Work},
};

/// What becomes of a resource that contains what is not the stack's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignContents {
    /// It stays, and is reported.
    #[default]
    Keep,
    /// It goes, with all that it contains.
    Delete,
}

/// What `down` did and what it left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Down {
    /// Each resource that is gone now, in that order.
    pub removed: Vec<(ResourceKey, Outcome)>,
    /// What could not be removed, or not be looked for, and why.
    pub failed: Vec<(ResourceKey, ProviderError)>,
    /// Everything that still carries the stack's ownership tags, by key.
    pub leftovers: Vec<Owned>,
    /// Someone said stop before everything was tried.
    pub interrupted: bool,
}

impl Down {
    /// Nothing of ours is left, and that was seen.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.leftovers.is_empty() && !self.interrupted
    }

    /// Whether any resource stays because it contains what is not the stack's.
    pub fn has_kept(&self) -> bool {
        self.failed.iter().any(|(key, _)| self.keeps(key))
    }

    /// Whether this resource stays because it contains what is not the stack's.
    pub fn keeps(&self, key: &ResourceKey) -> bool {
        self.failed.iter().any(|(failed, why)| failed == key && why.cause == Cause::Foreign)
    }
}

/// Removes all that the journal knows, each after everything that stands on it was tried; then takes the inventory and,
/// where it is clean, closes the journal. May be repeated, also after it has closed.
pub async fn down(
    providers: &Providers,
    journal: &Journal,
    foreign: ForeignContents,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Down, JournalError> {
    let state = journal.state();
    // Before the first is gone: one may tell where another is.
    providers.note(state.resources().iter().map(|resource| &resource.node));
    let nodes: Vec<Node> = state.live().map(|resource| resource.node.clone()).collect();
    let removing = Work { providers, journal, observer, cancel };
    let mut waiting: Vec<&Node> = nodes.iter().rev().collect();
    let mut tried: BTreeSet<&ResourceKey> = BTreeSet::new();
    let mut down = Down::default();
    let mut under_way = FuturesUnordered::new();
    loop {
        if !cancel.is_raised() {
            let stood_on = |node: &Node| {
                nodes.iter().any(|other| other.depends_on.contains(&node.key) && !tried.contains(&other.key))
            };
            for node in waiting.extract_if(.., |node| !stood_on(node)) {
                under_way.push(removing.remove(node, foreign));
            }
        }
        let Some((node, result)) = under_way.next().await else { break };
        tried.insert(&node.key);
        match result {
            Ok(outcome) => down.removed.push((node.key.clone(), outcome)),
            Err(Stop::Provider(error)) => down.failed.push((node.key.clone(), error)),
            Err(Stop::Journal(error)) => return Err(error),
        }
    }
    down.interrupted = !waiting.is_empty() || down.failed.iter().any(|(_, why)| why.cause == Cause::Interrupted);
    take_inventory(providers, journal, &mut down).await;
    if down.is_clean() && !state.is_closed() && state.opened().is_some() {
        journal.record(Entry::Closed)?;
    }
    Ok(down)
}

async fn take_inventory(providers: &Providers, journal: &Journal, down: &mut Down) {
    let state = journal.state();
    let looks = providers.all().map(|provider| async { (provider.kind(), look(provider, journal.id(), &state).await) });
    for (kind, found) in join_all(looks).await {
        match found {
            Ok(found) => down.leftovers.extend(found),
            Err(error) => down.failed.push((ResourceKey::new(kind, "inventory"), error)),
        }
    }
    down.leftovers.sort_by(|one, other| one.node.key.cmp(&other.node.key));
}

/// What is left of one kind. Where the journal has a name that does not follow from the stack's id, all names are
/// looked at.
async fn look(provider: &Arc<dyn Provider>, id: &StackId, state: &State) -> Result<Vec<Owned>, ProviderError> {
    let scope = Scope::Stack(id.clone());
    let keys = state.resources().iter().map(|resource| &resource.node.key);
    match keys.filter(|key| key.kind == provider.kind()).all(|key| scope.may_be(&key.name)) {
        true => provider.owned(&scope).await,
        false => provider.owned_under_any_name(id).await,
    }
}

impl<'a> Work<'a> {
    async fn remove(self, node: &'a Node, foreign: ForeignContents) -> (&'a Node, Result<Outcome, Stop>) {
        let progress = self.begin(node, Doing::Deleting);
        let result = self.take_down(node, foreign, &progress).await;
        progress.end(&result);
        (node, result)
    }

    async fn take_down(
        &self,
        node: &Node,
        contents: ForeignContents,
        progress: &Progress<'_>,
    ) -> Result<Outcome, Stop> {
        let (provider, key) = (self.provider(node)?, &node.key);
        let phase = self.phase(key);
        let outcome = match provider.read(node).await? {
            Observed::Ours { .. } => Outcome::Deleted,
            Observed::Absent => Outcome::AlreadyGone,
            // Our call never worked: what is there has always been someone else's.
            Observed::Foreign { .. } if phase == Some(Phase::Intended) => Outcome::AlreadyGone,
            Observed::Foreign { why } => return Err(not_ours(node, &why).into()),
        };
        if outcome == Outcome::Deleted && contents == ForeignContents::Keep {
            let foreign = provider.foreign(node).await?;
            if !foreign.is_empty() {
                return Err(Foreign::kept(&foreign, &key.to_string(), self.journal.id().as_str()).into());
            }
        }
        if phase != Some(Phase::Deleting) {
            self.note(Entry::Deleting { key: key.clone() }).await?;
        }
        if outcome == Outcome::Deleted {
            if contents == ForeignContents::Delete {
                provider.delete_foreign(node, progress).await?;
            }
            provider.delete(node, progress).await?;
        }
        self.note(Entry::Gone { key: key.clone() }).await?;
        Ok(outcome)
    }
}

fn not_ours(node: &Node, why: &str) -> ProviderError {
    ProviderError {
        cause: Cause::Other,
        call: "check before deleting".to_owned(),
        resource: node.key.to_string(),
        message: format!("it no longer carries this stack's tags: {why}; it was not touched"),
        advice: "delete it yourself if it is yours, then run `demo down` again".to_owned(),
    }
}
