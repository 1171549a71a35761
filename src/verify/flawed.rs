//! Imperfect documents that were sent, and where one destination has each.

use std::collections::{HashMap, HashSet};

use demo_workload::Id;

use super::{due::FlawDue, keys::KeyBag};
use crate::spec::{End, FLAWS, Flaw};

/// Of which run a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of one of the runs in question.
    Own,
    /// Of an earlier one that cannot be told from those.
    Earlier,
    /// Of one that is not searched for.
    Other,
}

/// An imperfect document, which may have been sent.
pub(super) struct Flawed {
    pub(super) flaw: Flaw,
    pub(super) whose: Whose,
    /// Where something identifies it.
    pub(super) id: Option<Id>,
    /// Of its line.
    pub(super) line: Id,
    pub(super) is_acknowledged: bool,
}

/// Imperfect documents by where a destination has them.
#[derive(Default)]
pub(super) struct Sorted {
    /// The acknowledged ones that land beside the perfect ones.
    pub(super) landed: Vec<(Id, Whose)>,
    /// The acknowledged ones that lie apart, by their lines; settled.
    pub(super) apart: KeyBag,
    /// The lines of all that would lie apart, acknowledged or not.
    pub(super) lines: HashSet<Id>,
    /// The acknowledged ones of the runs in question, flaw by flaw.
    pub(super) of_flaws: Vec<FlawDue>,
}

impl Sorted {
    /// By the ends that a destination has for their flaws.
    pub(super) fn by_their_ends<E>(flawed: &[Flawed], end_of: &dyn Fn(Flaw) -> Result<End, E>) -> Result<Self, E> {
        let (mut sorted, mut dues) = (Self::default(), HashMap::new());
        let ends: HashMap<Flaw, End> = ends(flawed, end_of)?;
        for one in flawed {
            let end = ends[&one.flaw];
            let kept = one.id.filter(|_| !matches!(end, End::Rejected(_)));
            if kept.is_none() {
                sorted.lines.insert(one.line);
            }
            if one.is_acknowledged {
                sorted.take(one, kept);
            }
            if one.is_acknowledged && one.whose == Whose::Own {
                let due = dues.entry(one.flaw).or_insert_with(|| FlawDue::new(one.flaw, end, kept.is_none()));
                due.ids.push(kept.unwrap_or(one.line));
            }
        }
        sorted.apart.settle();
        sorted.of_flaws = FLAWS.iter().filter_map(|flaw| dues.remove(flaw)).collect();
        Ok(sorted)
    }

    fn take(&mut self, one: &Flawed, kept: Option<Id>) {
        match kept {
            Some(id) if one.whose != Whose::Other => self.landed.push((id, one.whose)),
            Some(_) => {}
            None => self.apart.add(one.line),
        }
    }
}

fn ends<E>(flawed: &[Flawed], end_of: &dyn Fn(Flaw) -> Result<End, E>) -> Result<HashMap<Flaw, End>, E> {
    let sent: HashSet<Flaw> = flawed.iter().map(|one| one.flaw).collect();
    sent.into_iter().map(|flaw| Ok((flaw, end_of(flaw)?))).collect()
}
