//! How we tell our own: a mark on everything that a stack makes, given in the call that makes it.
//!
//! Streams, delivery streams, buckets and roles carry it as tags, Glue's databases and tables in their parameters (tables
//! take no tags), workgroups in their description too, Redshift's schemas and tables in a comment, our objects in their
//! metadata. Nothing without it is ever deleted.

use std::{
    collections::{BTreeMap, HashMap},
    env,
};

use serde::{Deserialize, Serialize};

use crate::engine::StackId;

/// The tag, or parameter, that says which stack something belongs to.
pub const STACK: &str = "demo:stack";
/// The tag that says who made it.
pub const OWNER: &str = "demo:owner";
/// The tag that says when a stack is to be gone, RFC 3339 in UTC.
pub const EXPIRES: &str = "demo:expires";

/// A stack's mark and the user's own tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// The stack's id.
    pub stack: String,
    /// Who made it.
    pub owner: String,
    /// The user's own.
    pub tags: BTreeMap<String, String>,
    /// When the stack is to be gone, RFC 3339 in UTC.
    pub expires: Option<String>,
}

impl Mark {
    /// The mark of a stack that the current user makes.
    pub fn new(id: &StackId, tags: &BTreeMap<String, String>) -> Self {
        let owner = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default();
        Self { stack: id.to_string(), owner: taggable(&owner), tags: tags.clone(), expires: None }
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

/// Which stack's mark is among these tags.
pub fn stack_of<'a>(found: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    found.into_iter().find(|(key, _)| *key == STACK).map(|(_, value)| value)
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
    use super::*;

    #[test]
    fn only_this_stacks_mark_is_ours() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let mark = Mark::new(&id, &BTreeMap::from([("team".to_owned(), "x".to_owned())]));
        let all = mark.all();
        let found = || all.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(mark.is_on(found()), Ok(()));
        assert_eq!(all["team"], "x");
        assert_eq!(mark.is_on([(STACK, "b-00000002")]), Err("it belongs to stack b-00000002".to_owned()));
        assert_eq!(mark.is_on([("team", "x")]), Err("it has no demo:stack tag".to_owned()));
    }

    #[test]
    fn a_users_mark_cannot_override_ours() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let mark = Mark::new(&id, &BTreeMap::from([(STACK.to_owned(), "other".to_owned())]));
        assert_eq!(mark.all()[STACK], "a-00000001");
    }

    #[test]
    fn an_owner_is_fit_for_a_tag() {
        assert_eq!(taggable("dön\\joe@x<y>"), "dnjoe@xy");
    }
}
