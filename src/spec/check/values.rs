//! The checks of single values: names, times, sizes, and keys that exclude each other; and how each complains.

use std::{ops::RangeInclusive, time::Duration};

use demo_formats::schema::{self, FieldPath, Schema};

use crate::spec::{
    file::values::{NameFile, PathText, Size, Time},
    load::Workload,
    names::{Name, Rules},
    quantity::{self, Refusal},
    schedule::Schedule,
    tree::{Found, Node, Span, Value},
};

pub(super) const MIB: u64 = 1 << 20;

/// Checks one value after the other; each gives `None` where something is wrong that has been, or is now, complained of.
pub(crate) struct Check<'a> {
    pub(super) root: &'a Node,
    pub(super) found: Vec<Found>,
}

/// What is known of the load when the deliveries are checked.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) workload: Option<&'a Workload>,
    pub(crate) schedule: Option<&'a Schedule>,
}

impl Sent<'_> {
    /// The documents' schema, where it is known before they are made.
    pub(crate) fn schema(&self) -> Option<&'static Schema> {
        matches!(self.workload, Some(Workload::StoreSales { .. })).then(schema::store_sales)
    }
}

impl Check<'_> {
    /// Takes a good value, or complains of a bad one where it is written.
    pub(crate) fn keep<T>(&mut self, path: &str, value: Result<T, Refusal>) -> Option<T> {
        value.map_err(|refusal| self.refuse(path, refusal)).ok()
    }

    pub(crate) fn refuse(&mut self, path: &str, refusal: Refusal) {
        let found = self.root.nearest(path).problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    /// How much it has complained of.
    pub(crate) fn complaints(&self) -> usize {
        self.found.len()
    }

    /// Complains of a part of a text value, by bytes from its start.
    pub(crate) fn refuse_part(&mut self, path: &str, value: &str, offset: usize, part: &str, problem: String) {
        let found = self.part(path, value, offset, part).problem(path, problem);
        self.found.push(found);
    }

    /// [`Check::refuse_part`] that says what was expected.
    pub(crate) fn expect_part(&mut self, path: &str, value: &str, offset: usize, part: &str, refusal: Refusal) {
        let found = self.part(path, value, offset, part).problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    /// Where a part of a text value stands; the whole where it cannot be told.
    fn part(&self, path: &str, value: &str, offset: usize, part: &str) -> Span {
        let skip = value.get(..offset).map_or(0, |before| before.chars().count());
        let span = self.root.nearest(path);
        let exact = (0..2).map(|quote| span.part(quote + skip, part.chars().count())).find(|span| span.text() == part);
        exact.filter(|_| !part.is_empty()).unwrap_or_else(|| span.clone())
    }

    /// Complains of a key rather than of its value.
    pub(crate) fn refuse_key(&mut self, path: &str, refusal: Refusal) {
        let span = self.root.at(path).and_then(|node| node.key.as_ref()).unwrap_or_else(|| self.root.nearest(path));
        let found = span.problem(path, refusal.problem);
        self.found.push(found.expected(refusal.expected).suggest(refusal.suggestion));
    }

    pub(crate) fn written(&self, path: &str) -> bool {
        self.root.at(path).is_some()
    }

    /// The one of several keys that is written, `false` counting as not written; complains of none, and of a second.
    pub(crate) fn one_of<'k>(&mut self, parent: &str, keys: &[&'k str], says: &str, expected: &str) -> Option<&'k str> {
        let chosen = keys.iter().copied().filter(|key| {
            let node = self.root.at(&format!("{parent}.{key}"));
            node.is_some_and(|node| !matches!(node.value, Value::Bool(false)))
        });
        match chosen.collect::<Vec<_>>().as_slice() {
            [] => {
                self.refuse_key(parent, Refusal::new(format!("nothing says {says}"), expected));
                None
            }
            [one] => Some(one),
            [one, other, ..] => {
                let problem = format!("`{one}` and `{other}` both say {says}");
                // An item of a list has no path for `--set`.
                let is_in_a_list = parent.split('.').any(|key| key.parse::<usize>().is_ok());
                let expected = match is_in_a_list {
                    true => expected.to_owned(),
                    false => format!("{expected} (`--set {parent}.{one}=null` takes one away)"),
                };
                self.refuse_key(&format!("{parent}.{other}"), Refusal::new(problem, expected));
                None
            }
        }
    }

    /// Complains of keys that say nothing beside what else is written.
    pub(crate) fn idle(&mut self, parent: &str, keys: &[&str], problem: &str, expected: &str) -> Option<()> {
        let before = self.complaints();
        for key in keys {
            let path = format!("{parent}.{key}");
            if self.written(&path) {
                self.refuse_key(&path, Refusal::new(problem, expected));
            }
        }
        (self.complaints() == before).then_some(())
    }

    /// A name as it is written, else the stack's.
    pub(crate) fn name(
        &mut self,
        path: &str,
        rules: &Rules,
        name: Option<NameFile>,
        stack: Option<&str>,
    ) -> Option<Name> {
        match name {
            None => stack.map(|stack| Name::Stem(stack.to_owned())),
            Some(NameFile::Stem(stem)) => self.keep(path, rules.stem(&stem)),
            Some(NameFile::Exact(name)) => {
                self.keep(&format!("{path}.exact"), rules.exact(&name.exact?)).map(Name::Exact)
            }
        }
    }

    pub(crate) fn field_path(&mut self, path: &str, text: &PathText) -> Option<FieldPath> {
        let keys = text.0.split('.').map(str::to_owned).collect::<Vec<_>>();
        if keys.iter().any(|key| key.trim().is_empty()) {
            let problem = format!("`{}` leaves a key out", text.0);
            self.refuse(path, Refusal::new(problem, "a field, or keys from the outside in: `ss_item.i_category`"));
            return None;
        }
        Some(FieldPath(keys))
    }

    pub(crate) fn time(&mut self, path: &str, time: &Time, unit: &str) -> Option<Duration> {
        self.keep(path, quantity::time(&time.0, unit))
    }

    pub(crate) fn size(&mut self, path: &str, size: &Size) -> Option<u64> {
        self.keep(path, quantity::size(&size.0))
    }

    /// Whole seconds of a range, else a complaint.
    pub(crate) fn seconds(
        &mut self,
        path: &str,
        text: &Time,
        range: RangeInclusive<u64>,
        does: &str,
    ) -> Option<Duration> {
        let time = self.time(path, text, "s")?;
        if time.subsec_millis() == 0 && range.contains(&time.as_secs()) {
            return Some(time);
        }
        let expected = format!("whole seconds from {} to {}", shown(*range.start()), shown(*range.end()));
        self.refuse(path, Refusal::new(format!("{does} {}", text.0), expected));
        None
    }

    /// Whole MiB of a range, else a complaint.
    pub(crate) fn mib(&mut self, path: &str, text: &Size, range: RangeInclusive<u64>, does: &str) -> Option<u32> {
        let bytes = self.size(path, text)?;
        if bytes.is_multiple_of(MIB) && range.contains(&(bytes / MIB)) {
            return u32::try_from(bytes / MIB).ok();
        }
        let expected = format!("whole MiB from {}MiB to {}MiB", range.start(), range.end());
        self.refuse(path, Refusal::new(format!("{does} {}", text.0), expected));
        None
    }
}

/// Seconds as a person would write them, from an hour on.
fn shown(seconds: u64) -> String {
    match seconds {
        86_400.. if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        3_600.. if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ => format!("{seconds}s"),
    }
}
