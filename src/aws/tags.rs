//! The tags of what is there, compared with those that are wanted.

use super::ownership::{self, OWNER, Ownership, STACK, Tags};
use crate::engine::Difference;

/// What the name of every difference in a tag begins with.
const TAG: &str = "tag ";

/// The tags that may change while a resource lives: the user's own, and the expiry. The ownership tags stay as they
/// were created.
pub(super) fn changing(ownership: &Ownership) -> Tags {
    let mut tags = ownership.all();
    tags.retain(|key, _| !is_ownership(key));
    tags
}

/// Whether a tag is one of the ownership tags.
pub(super) fn is_ownership(key: &str) -> bool {
    key == STACK || key == OWNER
}

/// Each of those that is missing or otherwise.
pub(super) fn differences<'a>(
    ownership: &Ownership,
    found: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Difference> {
    let found = ownership::collected(found);
    let difference = |(key, wanted): (String, String)| {
        let is = found.get(&key).map_or("missing", String::as_str);
        (is != wanted).then(|| Difference::in_place(format!("{TAG}{key}"), is, &wanted))
    };
    changing(ownership).into_iter().filter_map(difference).collect()
}

/// Whether any of `differs` is in a tag.
pub(super) fn among(differs: &[Difference]) -> bool {
    differs.iter().any(in_a_tag)
}

/// Whether any of `differs` is in something else.
pub(super) fn beside(differs: &[Difference]) -> bool {
    !differs.iter().all(in_a_tag)
}

fn in_a_tag(difference: &Difference) -> bool {
    difference.what.starts_with(TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_wants_and_the_expiry_may_change_and_the_mark_does_not() {
        let id = "a-00000001".parse().expect("an id");
        let tags = Tags::from([("team".to_owned(), "x".to_owned()), ("cost".to_owned(), "7".to_owned())]);
        let expires = Some("2026-11-24T12:00:00Z".to_owned());
        let ownership = Ownership { owner: "joe".to_owned(), expires, ..Ownership::new(&id, &tags) };
        let found = [(STACK, "a-00000001"), (OWNER, "jane"), ("team", "x"), ("cost", "6"), ("other", "o")];
        let differs = differences(&ownership, found);
        assert_eq!(
            differs,
            [
                Difference::in_place("tag cost", "6", "7"),
                Difference::in_place("tag demo:expires", "missing", "2026-11-24T12:00:00Z"),
            ]
        );
        assert!(among(&differs) && !beside(&differs));
        let other = [Difference::in_place("mode", "a", "b")];
        assert!(!among(&other) && beside(&other));
        let all = ownership.all();
        assert_eq!(differences(&ownership, ownership::pairs(&all)), []);
    }
}
