//! Where a stack's schema and tables are. Its id does not say so; the tags of its role do, so that they are found
//! without a journal. A secret is told by its name or ARN, never more.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::data::{At, Database};
use crate::{
    aws::{
        clients::Clients,
        ownership::{Ownership, Tags},
        role,
    },
    engine::{Node, ProviderError, Scope},
};

/// Which Redshift: a word for what it is, and its name.
const AT: &str = "demo:redshift";
const DATABASE: &str = "demo:redshift-database";
const USER: &str = "demo:redshift-user";
const SECRET: &str = "demo:redshift-secret";

const WORKGROUP: &str = "workgroup";
const CLUSTER: &str = "cluster";
const OURS: &str = "created";

/// Characters of a tag's value (IAM API reference, Tag). A longer name of a secret is left out, and whoever looks then
/// asks as himself.
const LONGEST: usize = 256;

impl Database {
    /// As tags.
    pub(crate) fn tags(&self) -> Tags {
        let (at, name, user) = match &self.at {
            At::Workgroup(name) => (WORKGROUP, name, None),
            At::Cluster { identifier, user } => (CLUSTER, identifier, user.as_ref()),
            At::Ours(name) => (OURS, name, None),
        };
        let secret = self.secret.as_ref().filter(|secret| secret.len() <= LONGEST);
        let mut tags = Tags::from([(AT.to_owned(), format!("{at} {name}")), (DATABASE.to_owned(), self.name.clone())]);
        tags.extend(user.map(|user| (USER.to_owned(), user.clone())));
        tags.extend(secret.map(|secret| (SECRET.to_owned(), secret.clone())));
        tags
    }

    /// The name of the namespace and workgroup, where they are the stack's own.
    pub(super) fn created(&self) -> Option<String> {
        match &self.at {
            At::Ours(name) => Some(name.clone()),
            At::Workgroup(_) | At::Cluster { .. } => None,
        }
    }

    /// From tags; none where they tell of no Redshift.
    fn tagged(tags: &Tags) -> Option<Self> {
        let (at, name) = tags.get(AT)?.split_once(' ')?;
        let name = name.to_owned();
        let at = match at {
            WORKGROUP => At::Workgroup(name),
            CLUSTER => At::Cluster { identifier: name, user: tags.get(USER).cloned() },
            OURS => At::Ours(name),
            _ => return None,
        };
        Some(Self { at, name: tags.get(DATABASE)?.clone(), secret: tags.get(SECRET).cloned() })
    }
}

/// What a node of a stack tells: by its own wanted state, or by the tags of its role.
pub(super) fn told(node: &Node) -> Option<Database> {
    let tagged = Ownership::in_node(node).and_then(|ownership| Database::tagged(&ownership.tags));
    tagged.or_else(|| serde_json::from_value(node.desired.get("database")?.clone()).ok())
}

/// What the roles that are looked for tell.
pub(super) async fn tagged(clients: &Clients, scope: &Scope) -> Result<BTreeSet<Database>, ProviderError> {
    let roles = role::tagged(clients, scope).await?;
    Ok(roles.iter().filter_map(|(_, ownership)| Database::tagged(&ownership.tags)).collect())
}

/// What was looked at by this process.
#[derive(Debug)]
pub(super) struct Seen<T>(Mutex<BTreeSet<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Ord> Seen<T> {
    pub(super) fn note(&self, one: &T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(one.clone());
    }

    pub(super) fn all(&self) -> BTreeSet<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Seen<Database> {
    /// Where a schema or a table of ours may be. For the whole account no further than this process has looked already:
    /// a stack is found by its role too, and looking into every Redshift would wake it.
    pub(super) async fn and_tagged(
        &self,
        clients: &Clients,
        scope: &Scope,
    ) -> Result<BTreeSet<Database>, ProviderError> {
        let mut places = self.all();
        if matches!(scope, Scope::Stack(_)) {
            places.extend(tagged(clients, scope).await?);
        }
        Ok(places)
    }
}

impl Seen<String> {
    /// What namespaces and workgroups of our own are called. Not everywhere is there such a service, so that only what
    /// a stack is known to have is asked for.
    pub(super) async fn and_tagged(&self, clients: &Clients, scope: &Scope) -> Result<BTreeSet<String>, ProviderError> {
        let mut names = self.all();
        names.extend(tagged(clients, scope).await?.iter().filter_map(Database::created));
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_tags() {
        let cluster = At::Cluster { identifier: "c".to_owned(), user: Some("IAM:joe".to_owned()) };
        for at in [At::Workgroup("demo".to_owned()), cluster, At::Ours("a-00000001".to_owned())] {
            for secret in [None, Some("demo/redshift".to_owned())] {
                let place = Database { at: at.clone(), name: "dev".to_owned(), secret };
                assert_eq!(Database::tagged(&place.tags()), Some(place));
            }
        }
        assert_eq!(Database::tagged(&Tags::from([("team".to_owned(), "x".to_owned())])), None);
    }

    #[test]
    fn a_value_is_never_longer_than_a_tag() {
        let secret = Some("s".repeat(300));
        let place = Database { at: At::Workgroup("demo".to_owned()), name: "dev".to_owned(), secret };
        assert!(place.tags().values().all(|value| value.len() <= LONGEST));
    }
}
