//! How we tell our own: ownership tags on everything that a stack makes, given in the call that makes it.
//!
//! Streams, delivery streams, buckets and roles carry it as tags, Glue's databases and tables in their parameters
//! (tables take no tags), workgroups in their description too, schedules in theirs alone, Redshift's schemas and tables
//! in a comment, our objects in their metadata. Nothing without it is ever deleted.

use std::{
    collections::{BTreeMap, HashMap},
    env,
    future::Future,
};

use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::engine::{Node, ProviderError, Scope, StackId};

/// The tag, or parameter, that says which stack something belongs to.
pub const STACK: &str = "demo:stack";
/// The tag that says who made it.
pub const OWNER: &str = "demo:owner";
/// The tag that says when a stack is to be gone, RFC 3339 in UTC.
pub const EXPIRES: &str = "demo:expires";

/// Marks that are read at a time; of the services here the slowest answers ten calls a second (DynamoDB API reference,
/// ListTagsOfResource).
const AT_ONCE: usize = 4;
/// What services answer of something that has gone since it was listed.
const GONE: [&str; 4] = ["ResourceNotFoundException", "EntityNotFoundException", "NoSuchBucket", "NoSuchEntity"];

/// A stack's ownership tags and the user's own tags. A tag that the stack file has dropped stays where it was put:
/// nothing on a resource tells ours of then from those that somebody else has put there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ownership {
    /// The stack's id.
    pub stack: String,
    /// Who made it.
    pub owner: String,
    /// The user's own.
    pub tags: BTreeMap<String, String>,
    /// When the stack is to be gone, RFC 3339 in UTC.
    pub expires: Option<String>,
}

/// Tags, or parameters, as a service tells them.
pub(super) type Tags = BTreeMap<String, String>;

impl Ownership {
    /// The ownership tags of a stack that the current user makes.
    pub fn new(id: &StackId, tags: &BTreeMap<String, String>) -> Self {
        let owner = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default();
        Self { stack: id.to_string(), owner: taggable(&owner), tags: tags.clone(), expires: None }
    }

    /// Ownership tags that were found, if the scope covers them.
    pub(super) fn found<'a>(scope: &Scope, found: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut tags = collected(found);
        let stack = tags.remove(STACK).filter(|stack| scope.covers(stack))?;
        let (owner, expires) = (tags.remove(OWNER).unwrap_or_default(), tags.remove(EXPIRES));
        Some(Self { stack, owner, tags, expires })
    }

    /// The same, with more tags.
    pub(crate) fn with(&self, more: Tags) -> Self {
        let tags = self.tags.clone().into_iter().chain(more).collect();
        Self { tags, ..self.clone() }
    }

    /// The ownership tags in a node's wanted state, of whatever kind: every kind has them under the same key.
    pub fn in_node(node: &Node) -> Option<Self> {
        serde_json::from_value(node.desired.get("mark")?.clone()).ok()
    }

    /// Everything to put on a resource.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all = self.tags.clone();
        all.insert(STACK.to_owned(), self.stack.clone());
        if !self.owner.is_empty() {
            all.insert(OWNER.to_owned(), self.owner.clone());
        }
        all.extend(self.expires.clone().map(|expires| (EXPIRES.to_owned(), expires)));
        all
    }

    /// Whether tags found on a resource are this stack's; else whose it is.
    pub fn is_on<'a>(&self, found: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
        match stack_of(found) {
            Some(stack) if stack == self.stack => Ok(()),
            Some(stack) => Err(format!("it belongs to stack {stack}")),
            None => Err(format!("it has no {STACK} tag")),
        }
    }
}

/// The stack that these tags name.
pub fn stack_of<'a>(found: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    found.into_iter().find(|(key, _)| *key == STACK).map(|(_, value)| value)
}

/// Reads the tags of each of `listed`, several at a time, and keeps what the scope covers. What has gone
/// meanwhile is passed over.
pub(super) async fn ours<T, F>(
    scope: &Scope,
    listed: impl IntoIterator<Item = T>,
    tags: impl Fn(T) -> F,
) -> Result<Vec<(T, Ownership)>, ProviderError>
where
    T: Clone,
    F: Future<Output = Result<Tags, ProviderError>>,
{
    let looks = listed.into_iter().map(|one| {
        let look = tags(one.clone());
        async move { Ok::<_, ProviderError>((one, unless_gone(look.await)?)) }
    });
    let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    Ok(looked.into_iter().filter_map(|(one, tags)| Some((one, Ownership::found(scope, pairs(&tags?))?))).collect())
}

/// An answer, or none where what was asked for has gone.
pub(super) fn unless_gone<T>(answer: Result<T, ProviderError>) -> Result<Option<T>, ProviderError> {
    match answer {
        Err(error) if GONE.iter().any(|code| error.message.starts_with(code)) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Tags as pairs.
pub(super) fn pairs(tags: &Tags) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Pairs as tags.
pub(super) fn collected<'a>(found: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tags {
    found.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Glue's parameters as pairs.
pub(super) fn parameters(found: Option<&HashMap<String, String>>) -> impl Iterator<Item = (&str, &str)> {
    found.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The characters that every service takes in a tag (IAM user guide, "Tags for IAM resources").
fn taggable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_.:/=+-@".contains(*c)).take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ResourceKey;

    #[test]
    fn only_this_stacks_mark_is_ours() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let ownership = Ownership::new(&id, &BTreeMap::from([("team".to_owned(), "x".to_owned())]));
        let all = ownership.all();
        let found = || all.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(ownership.is_on(found()), Ok(()));
        assert_eq!(all["team"], "x");
        assert_eq!(ownership.is_on([(STACK, "b-00000002")]), Err("it belongs to stack b-00000002".to_owned()));
        assert_eq!(ownership.is_on([("team", "x")]), Err("it has no demo:stack tag".to_owned()));
    }

    #[test]
    fn a_users_mark_cannot_override_ours() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let ownership = Ownership::new(&id, &BTreeMap::from([(STACK.to_owned(), "other".to_owned())]));
        assert_eq!(ownership.all()[STACK], "a-00000001");
    }

    #[test]
    fn a_mark_that_was_found_is_the_one_that_was_put() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let tags = BTreeMap::from([("team".to_owned(), "x".to_owned())]);
        let expires = Some("2026-11-24T12:00:00Z".to_owned());
        let ownership = Ownership { owner: "joe".to_owned(), expires, ..Ownership::new(&id, &tags) };
        let all = ownership.all();
        assert_eq!(Ownership::found(&Scope::Stack(id), pairs(&all)), Some(ownership.clone()));
        assert_eq!(Ownership::found(&Scope::Account, pairs(&all)), Some(ownership));
        let other = Scope::Stack("b-00000002".parse().expect("an id"));
        assert_eq!(Ownership::found(&other, pairs(&all)), None);
        assert_eq!(Ownership::found(&Scope::Account, [("team", "x")]), None);
    }

    #[test]
    fn a_node_of_any_kind_says_whose_it_is() {
        let node =
            |desired| Node { key: ResourceKey::new("of-later", "a"), depends_on: vec![], desired, detail: "".into() };
        let desired = json!({"name": "a", "later": 1, "mark": {"stack": "a-00000001", "owner": "joe"}});
        let found = Ownership::in_node(&node(desired)).expect("its tags");
        assert_eq!((found.stack.as_str(), found.owner.as_str()), ("a-00000001", "joe"));
        assert_eq!(Ownership::in_node(&node(json!({"name": "a"}))), None);
    }

    #[test]
    fn an_owner_is_fit_for_a_tag() {
        assert_eq!(taggable("dön\\joe@x<y>"), "dnjoe@xy");
    }
}
