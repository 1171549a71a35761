//! How the kinds of a mix go together: who follows and who refers to whom, and every mistake in it.

use std::collections::BTreeSet;

use super::kind::{Kind, Part};
use crate::{
    KindKeys,
    template::{REFERENCES, STATUS, Use, nearest, uses},
};

/// Documents of all shares together.
pub(super) const WHOLE: u64 = 1_000;
const MOST_OF_A_NAME: usize = 64;

/// A mistake in the kinds of a mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The kind that it is in, by its position.
    pub kind: usize,
    /// Where in it.
    pub at: At,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub expected: String,
    /// What may have been meant.
    pub near: Option<String>,
}

/// A place in a kind of a mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// Its name.
    Name,
    /// Its share.
    Share,
    /// The name of a status, by its position.
    Status(usize),
    /// The time of a status.
    After(usize),
    /// The kind that it follows.
    Follows,
    /// The status that it follows.
    FollowedStatus,
    /// A field of its key, by its position.
    Key(usize),
    /// A part of its template.
    Template {
        /// In bytes.
        offset: usize,
        /// What stands there.
        text: String,
    },
}

/// The kinds in groups: one that has a share, and those that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Each after those that it refers to.
    pub(super) groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The kind that has the share.
    pub(super) head: usize,
    pub(super) thousandths: u64,
    pub(super) steps: Vec<Step>,
}

/// A document that each entity of a group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kind: usize,
    /// By its position among the kind's statuses.
    pub(super) status: Option<usize>,
    pub(super) after_ms: u64,
}

/// Every mistake in the kinds of a mix, in the order of the kinds.
pub fn mistakes(kinds: &[Kind]) -> Vec<Mistake> {
    let mut found = Found { kinds, mistakes: Vec::new() };
    for kind in 0..kinds.len() {
        found.name(kind);
        found.key(kind);
        found.part(kind);
        found.uses(kind);
    }
    found.shares();
    if found.mistakes.is_empty() {
        found.circles();
    }
    found.mistakes.sort_by_key(|mistake| mistake.kind);
    found.mistakes
}

impl Plan {
    /// # Errors
    /// The first mistake in them.
    pub(super) fn of(kinds: &[Kind]) -> Result<Self, String> {
        if let Some(mistake) = mistakes(kinds).into_iter().next() {
            let name = &kinds[mistake.kind].name;
            return Err(format!("kind `{name}`: {}; expected {}", mistake.problem, mistake.expected));
        }
        let mut groups: Vec<Group> = Vec::new();
        // Nothing goes in circles, so each round finds one more whose references are there.
        while let Some(head) = (0..kinds.len()).find(|kind| is_next(kinds, &groups, *kind)) {
            groups.push(group(kinds, head));
        }
        Ok(Self { groups })
    }
}

fn is_next(kinds: &[Kind], groups: &[Group], head: usize) -> bool {
    let is_there = |kind: usize| groups.iter().any(|group| group.head == kind);
    let is_head = matches!(kinds[head].part, Part::Share { .. });
    is_head && !is_there(head) && group_references(kinds, head).iter().all(|(kind, ..)| is_there(*kind))
}

fn group(kinds: &[Kind], head: usize) -> Group {
    let Part::Share { thousandths, statuses } = &kinds[head].part else { unreachable!("a head has a share") };
    let followers = |wanted: Option<&str>| {
        let follows = |kind: &&usize| match &kinds[**kind].part {
            Part::Follows { kind, status } => *kind == kinds[head].name && status.as_deref() == wanted,
            Part::Share { .. } => false,
        };
        let all: Vec<usize> = (0..kinds.len()).collect();
        all.iter().filter(follows).copied().collect::<Vec<_>>()
    };
    let mut steps = Vec::new();
    let mut step = |status: Option<usize>, name: Option<&str>, after_ms: u64| {
        steps.push(Step { kind: head, status, after_ms });
        steps.extend(followers(name).into_iter().map(|kind| Step { kind, status: None, after_ms }));
    };
    match statuses.as_slice() {
        [] => step(None, None, 0),
        all => all.iter().enumerate().for_each(|(at, status)| step(Some(at), Some(&status.name), status.after_ms)),
    }
    Group { head, thousandths: *thousandths, steps }
}

/// The heads that the kinds of a group refer to outside of it, each with the kind that does and where.
fn group_references(kinds: &[Kind], head: usize) -> Vec<(usize, usize, Use)> {
    let is_of_group = |kind: &Kind| match &kind.part {
        Part::Follows { kind, .. } => *kind == kinds[head].name,
        Part::Share { .. } => kind.name == kinds[head].name,
    };
    let members = kinds.iter().enumerate().filter(|(_, kind)| is_of_group(kind));
    let all = members.flat_map(|(position, kind)| {
        uses(&kind.template, &REFERENCES).into_iter().filter_map(move |found| {
            let name = &found.first.as_ref()?.text;
            let other = kinds.iter().position(|other| other.name == *name)?;
            (other != head).then_some((other, position, found))
        })
    });
    all.collect()
}

struct Found<'a> {
    kinds: &'a [Kind],
    mistakes: Vec<Mistake>,
}

impl Found<'_> {
    fn add(&mut self, kind: usize, at: At, problem: impl Into<String>, expected: impl Into<String>) {
        self.mistakes.push(Mistake { kind, at, problem: problem.into(), expected: expected.into(), near: None });
    }

    fn meant(&mut self, near: Option<&str>) {
        if let Some(last) = self.mistakes.last_mut() {
            last.near = near.map(str::to_owned);
        }
    }

    fn name(&mut self, kind: usize) {
        let name = &self.kinds[kind].name;
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > MOST_OF_A_NAME || !name.chars().all(known) {
            let expected = format!("1 to {MOST_OF_A_NAME} lower-case letters, digits, `_` and `-`");
            self.add(kind, At::Name, format!("`{name}` cannot name a kind"), expected);
        } else if self.kinds[..kind].iter().any(|other| other.name == *name) {
            self.add(kind, At::Name, format!("there are two kinds `{name}`"), "another name");
        }
    }

    fn key(&mut self, kind: usize) {
        let key = &self.kinds[kind].key;
        if let Some(at) = key.iter().position(|field| field.0 == [KindKeys::KIND]) {
            self.add(
                kind,
                At::Key(at),
                "every key has the kind already",
                "the fields that tell documents of this kind apart",
            );
        }
    }

    fn part(&mut self, kind: usize) {
        let kinds = self.kinds;
        match &kinds[kind].part {
            Part::Share { thousandths, statuses } => {
                if *thousandths == 0 {
                    self.add(kind, At::Share, "a share of nothing", "more than 0%");
                }
                for (at, status) in statuses.iter().enumerate() {
                    if statuses[..at].iter().any(|other| other.name == status.name) {
                        self.add(kind, At::Status(at), format!("`{}` is here twice", status.name), "each status once");
                    }
                    let before = at.checked_sub(1).map_or(0, |before| statuses[before].after_ms);
                    if at == 0 && status.after_ms > 0 {
                        let problem = "an entity begins with its first status";
                        self.add(kind, At::After(at), problem, "no `after` here; the others count from this one");
                    } else if status.after_ms < before {
                        let problem = format!("`{}` is earlier than the status before it", status.name);
                        self.add(kind, At::After(at), problem, "times from the first status on, none before the last");
                    }
                }
            }
            Part::Follows { kind: followed, status } => self.follows(kind, followed, status.as_deref()),
        }
    }

    fn follows(&mut self, kind: usize, followed: &str, status: Option<&str>) {
        let kinds = self.kinds;
        let Some(head) = kinds.iter().find(|head| head.name == followed) else {
            self.add(kind, At::Follows, format!("there is no kind `{followed}`"), format!("one of {}", self.heads()));
            let near = nearest(followed, kinds.iter().map(|kind| kind.name.as_str()));
            return self.meant(near.first().copied());
        };
        if matches!(head.part, Part::Follows { .. }) {
            let problem = match head.name == kinds[kind].name {
                true => "a kind cannot follow itself".to_owned(),
                false => format!("`{followed}` follows another kind itself"),
            };
            return self.add(kind, At::Follows, problem, format!("a kind with a share: {}", self.heads()));
        }
        let statuses: Vec<&str> = head.statuses().iter().map(|status| status.name.as_str()).collect();
        let listed = statuses.iter().map(|status| format!("`{status}`")).collect::<Vec<_>>().join(", ");
        match status {
            None if !statuses.is_empty() => {
                let problem = format!("nothing says which status of `{followed}` it follows");
                self.add(kind, At::Follows, problem, format!("`status`, one of {listed}"));
            }
            Some(status) if statuses.is_empty() => {
                let problem = format!("`{followed}` has no statuses, so none is `{status}`");
                self.add(kind, At::FollowedStatus, problem, "no `status` here");
            }
            Some(status) if !statuses.contains(&status) => {
                self.add(
                    kind,
                    At::FollowedStatus,
                    format!("`{followed}` are never `{status}`"),
                    format!("one of {listed}"),
                );
                self.meant(nearest(status, statuses.iter().copied()).first().copied());
            }
            _ => {}
        }
    }

    fn heads(&self) -> String {
        let heads = self.kinds.iter().filter(|kind| matches!(kind.part, Part::Share { .. }));
        heads.map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ")
    }

    fn uses(&mut self, kind: usize) {
        let kinds = self.kinds;
        let template = &kinds[kind].template;
        if let Some(status) = uses(template, &[STATUS]).first().filter(|_| kinds[kind].statuses().is_empty()) {
            let at = At::Template { offset: status.offset, text: STATUS.to_owned() };
            self.add(
                kind,
                at,
                format!("`{}` have no status", kinds[kind].name),
                "`statuses` of this kind, or another field",
            );
        }
        for found in uses(template, &REFERENCES) {
            self.reference(kind, &found);
        }
    }

    fn reference(&mut self, kind: usize, found: &Use) {
        let kinds = self.kinds;
        let Some(first) = &found.first else {
            let at = At::Template { offset: found.offset, text: found.name.to_owned() };
            let problem = format!("`{}` without the name of a kind", found.name);
            return self.add(kind, at, problem, format!("its name in quotes, such as `{}(\"customers\")`", found.name));
        };
        let at = At::Template { offset: first.offset, text: first.text.clone() };
        let Some(other) = kinds.iter().find(|other| other.name == first.text) else {
            self.add(kind, at, format!("there is no kind `{}`", first.text), format!("one of {}", self.heads()));
            return self.meant(nearest(&first.text, kinds.iter().map(|kind| kind.name.as_str())).first().copied());
        };
        if other.name == kinds[kind].name {
            self.add(kind, at, format!("`{}` refer to themselves", other.name), "another kind");
        } else if let Part::Follows { kind: followed, .. } = &other.part {
            let problem = format!("`{}` follow `{followed}`, so only those can be referred to", other.name);
            self.add(kind, at, problem, format!("`{}(\"{followed}\")`", found.name));
        }
    }

    fn shares(&mut self) {
        let share = |kind: &Kind| match kind.part {
            Part::Share { thousandths, .. } => Some(thousandths),
            Part::Follows { .. } => None,
        };
        let Some(last) = self.kinds.iter().rposition(|kind| share(kind).is_some()) else { return };
        let all: u64 = self.kinds.iter().filter_map(share).sum();
        if all != WHOLE {
            let problem = format!("the shares of all kinds sum up to {}%", all as f64 / 10.0);
            self.add(last, At::Share, problem, "100% in all");
        }
    }

    /// Each circle at the reference that closes it.
    fn circles(&mut self) {
        let (mut done, mut path) = (BTreeSet::new(), Vec::new());
        for head in 0..self.kinds.len() {
            if matches!(self.kinds[head].part, Part::Share { .. }) {
                self.visit(head, &mut path, &mut done);
            }
        }
    }

    fn visit(&mut self, head: usize, path: &mut Vec<usize>, done: &mut BTreeSet<usize>) {
        if !done.insert(head) {
            return;
        }
        path.push(head);
        for (other, from, found) in group_references(self.kinds, head) {
            match path.iter().position(|kind| *kind == other) {
                Some(begin) => {
                    let names =
                        path[begin..].iter().chain([&other]).map(|kind| format!("`{}`", self.kinds[*kind].name));
                    let circle = names.collect::<Vec<_>>().join(", which refer to ");
                    let first = found.first.as_ref().expect("a reference without a kind was refused before");
                    let at = At::Template { offset: first.offset, text: first.text.clone() };
                    self.add(from, at, format!("references in a circle: {circle}"), "references in one direction only");
                }
                None => self.visit(other, path, done),
            }
        }
        path.pop();
    }
}
