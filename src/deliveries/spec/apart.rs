//! Deliveries share the stack's bucket: none may write where another reads.

use super::{Deliver, section::OwnedPrefix};
use crate::spec::{check::values::Check, quantity::Refusal};

impl Check<'_> {
    pub(super) fn apart(&mut self, deliver: &Deliver, mirror: bool) -> Option<()> {
        let before = self.complaints();
        let prefixes = prefixes(deliver, mirror);
        for (position, prefix) in prefixes.iter().enumerate() {
            let inside = |other: &&OwnedPrefix<'_>| {
                other.owner != prefix.owner && (other.key.starts_with(prefix.key) || prefix.key.starts_with(other.key))
            };
            if let Some(other) = prefixes[..position].iter().find(inside) {
                let problem =
                    format!("objects under `{}` would lie among {} under `{}`", prefix.key, other.owner, other.key);
                self.refuse(
                    prefix.path,
                    Refusal::new(problem, "a prefix of its own: neither may begin as the other does"),
                );
            }
        }
        (self.complaints() == before).then_some(())
    }
}

/// What cannot be changed first: each is only held against those before it.
fn prefixes(deliver: &Deliver, mirror: bool) -> Vec<OwnedPrefix<'_>> {
    let journal = OwnedPrefix { owner: "the journal", path: "", key: ".demo/" };
    let mut prefixes: Vec<_> = mirror.then_some(journal).into_iter().collect();
    let sections = deliver.sections();
    prefixes.extend(sections.iter().flat_map(|section| section.fixed_prefixes()));
    prefixes.extend(sections.iter().flat_map(|section| section.prefixes()));
    prefixes
}
