//! The stacks of an account and region, by the ownership tags on their resources; needs no journal.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use super::{
    clients::Clients,
    cost::{self, Cost},
    inventory::{self, Found},
    kind::Kind,
    kinds, moment,
    ownership::Ownership,
    schedule::Schedules,
};
use crate::engine::{Node, Owned, ProviderError, Scope, StackId};

/// A stack of which something is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// Its id.
    pub id: StackId,
    /// Who made it; may be empty.
    pub owner: String,
    /// When its time is over; never when `None`.
    pub expires: Option<DateTime<Utc>>,
    /// What is there of it, by key.
    pub nodes: Vec<Node>,
}

/// What a look at an account has found.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its stacks, by id.
    pub stacks: Vec<Present>,
    /// Kinds that could not be looked at.
    pub hidden: Vec<(&'static str, ProviderError)>,
}

impl Present {
    /// Whether its time is over; never where it has none.
    pub fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// What is there of it costs so much by the hour.
    pub fn cost(&self, clients: &Clients) -> Cost {
        cost::per_hour(&self.nodes, clients.place())
    }

    /// Such as `bucket, role ×2, stream`.
    pub fn kinds(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.nodes.iter().for_each(|node| *counts.entry(&node.key.kind).or_default() += 1);
        let named = counts.into_iter().map(|(kind, n)| if n == 1 { kind.to_owned() } else { format!("{kind} ×{n}") });
        named.collect::<Vec<_>>().join(", ")
    }
}

/// Looks for every stack; what cannot be looked at does not hide the rest.
///
/// # Errors
/// How large a stream is, which its cost follows from, could not be asked.
pub async fn look(clients: &Clients) -> Result<Account, ProviderError> {
    let Found { owned, hidden } = inventory::look(clients, &Scope::Account).await;
    let mut account = Account { stacks: by_stack(owned), hidden };
    for stack in &mut account.stacks {
        stack.nodes = try_join_all(stack.nodes.drain(..).map(|node| kinds::with_size(clients, node))).await?;
    }
    Ok(account)
}

/// What carries ownership tags that no stack of ours can have is not ours.
fn by_stack(found: Vec<Owned>) -> Vec<Present> {
    let mut stacks: BTreeMap<StackId, Vec<Owned>> = BTreeMap::new();
    for owned in found {
        match owned.stack.parse() {
            Ok(id) => stacks.entry(id).or_default().push(owned),
            Err(error) => tracing::warn!("{} skipped: {error}", owned.node.key),
        }
    }
    stacks.into_iter().map(|(id, owned)| present(id, owned)).collect()
}

fn present(id: StackId, mut owned: Vec<Owned>) -> Present {
    owned.sort_by(|one, other| one.node.key.cmp(&other.node.key));
    let owner = owned
        .iter()
        .filter_map(|owned| Ownership::in_node(&owned.node))
        .map(|ownership| ownership.owner)
        .find(|who| !who.is_empty());
    Present {
        owner: owner.unwrap_or_default(),
        expires: expires(&owned),
        nodes: owned.into_iter().map(|owned| owned.node).collect(),
        id,
    }
}

/// As its schedule says, as long as there is one; else the latest of what its resources say: a change of the time to
/// live may have been cut off.
fn expires(owned: &[Owned]) -> Option<DateTime<Utc>> {
    let moment = |owned: &Owned| moment::read(owned.expires.as_deref()?);
    let scheduled = owned.iter().filter(|owned| owned.node.key.kind == Schedules::KIND).find_map(moment);
    scheduled.or_else(|| owned.iter().filter_map(moment).max())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ResourceKey;

    fn owned(stack: &str, kind: &str, expires: Option<&str>) -> Owned {
        let node = Node {
            key: ResourceKey::new(kind, stack),
            depends_on: Vec::new(),
            desired: json!({"mark": {"owner": "joe"}}),
            detail: String::new(),
        };
        Owned { stack: stack.to_owned(), expires: expires.map(str::to_owned), node, command: String::new() }
    }

    #[test]
    fn stacks_are_told_apart_and_their_end_is_the_schedules() {
        let (early, late) = ("2026-11-24T12:00:00Z", "2026-11-24T14:00:00Z");
        let stacks = by_stack(vec![
            owned("b-00000002", "stream", None),
            owned("a-00000001", "stream", Some(late)),
            owned("a-00000001", "schedule", Some(early)),
            owned("c-00000003", "role", Some(early)),
            owned("c-00000003", "bucket", Some(late)),
            owned("c-00000003", "role", None),
            owned("somebody's", "stream", Some(early)),
        ]);
        let said: Vec<_> =
            stacks.iter().map(|one| (one.id.as_str(), one.kinds(), one.expires.map(moment::written))).collect();
        let at = |moment: &str| Some(moment.to_owned());
        assert_eq!(
            said,
            [
                ("a-00000001", "schedule, stream".to_owned(), at(early)),
                ("b-00000002", "stream".to_owned(), None),
                ("c-00000003", "bucket, role ×2".to_owned(), at(late)),
            ]
        );
        let at_one: DateTime<Utc> = "2026-11-24T13:00:00Z".parse().expect("a time");
        let past: Vec<_> = stacks.iter().filter(|stack| stack.is_past(at_one)).map(|stack| stack.id.as_str()).collect();
        assert_eq!(past, ["a-00000001"]);
    }
}
