//! The documents to find: derived from the acknowledgement logs and the workload.

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

use demo_workload::{Id, Identity, Key};

use super::{
    expected::{Expected, Scope},
    keys::KeyBag,
};
use crate::load::{AckLog, OpenError, OpenWorkload, Origin, Source, SourceError};

/// The acknowledged documents of some runs.
///
/// Documents of `store_sales` say of which run they are, so others are left out of the search. A user's own do not: every
/// run of the stack is searched for together, an equal document acknowledged n times must be there n times, and what
/// was acknowledged by earlier runs is taken off what landed to get what landed of the runs in question. Where
/// something is missing it is therefore missing of all runs, not of a certain one.
pub struct Acknowledged {
    /// Which documents to find.
    pub expected: Arc<Expected>,
    /// How many documents the runs in question had acknowledged.
    pub own: u64,
    /// How many documents earlier runs had acknowledged that cannot be told from those.
    pub earlier: u64,
    earlier_runs: usize,
    runs: Vec<Run>,
}

struct Run {
    log: AckLog,
    source: Arc<dyn Source>,
}

/// Why the acknowledged documents cannot be derived.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgedError {
    /// The workload has changed since the run.
    #[error("run {run}: {source}")]
    Open {
        /// The run.
        run: String,
        /// Why.
        source: Box<OpenError>,
    },
    /// A sent document cannot be made again.
    #[error("run {run}, document {document}: {source}")]
    Source {
        /// The run.
        run: String,
        /// Its number in the run, from 0.
        document: u64,
        /// Why.
        source: SourceError,
    },
    /// There is no run, or the runs identify their documents by different fields.
    #[error("{0}")]
    Runs(String),
}

impl Acknowledged {
    /// Of the runs of `logs`; `earlier` are all other runs of the same stack. Takes as long as making the documents of
    /// the runs anew.
    ///
    /// # Errors
    /// A workload is not there any more as it was sent, or the runs cannot be searched for together.
    pub fn of(logs: Vec<AckLog>, earlier: Vec<AckLog>) -> Result<Self, AcknowledgedError> {
        let count = |logs: &[AckLog]| logs.iter().map(|log| log.acknowledged.count()).sum();
        let own = count(&logs);
        let all_sales = |logs: &[AckLog]| logs.iter().all(|log| is_sale(&log.header.origin));
        let (logs, earlier_count, earlier_runs) = if all_sales(&logs) && all_sales(&earlier) {
            (logs, 0, 0)
        } else {
            let (before, runs) = (count(&earlier), earlier.len());
            (earlier.into_iter().chain(logs).collect(), before, runs)
        };
        let runs = opened(logs)?;
        let mut identities = runs.iter().map(|run| run.source.identity());
        let identity = identities.next().ok_or_else(|| AcknowledgedError::Runs("there is no run to verify".into()))?;
        if let Some(other) = identities.find(|other| *other != identity) {
            return Err(AcknowledgedError::Runs(format!(
                "the stack's runs identify documents differently: one by {}, another by {}; \
                 use a stack for each workload",
                by(&identity),
                by(&other)
            )));
        }
        let scope = match identity {
            Identity::StoreSales => Scope::of_tickets(runs.iter().flat_map(|run| run.log.tickets.clone()).collect()),
            _ => Scope::All,
        };
        let expected = Arc::new(Expected { identity, scope });
        Ok(Self { expected, own, earlier: earlier_count, earlier_runs, runs })
    }

    /// The ids of all acknowledged documents, settled.
    ///
    /// # Errors
    /// A document cannot be made again.
    pub fn ids(&self) -> Result<KeyBag, AcknowledgedError> {
        ids_of(&self.runs)
    }

    /// Of the documents that earlier runs had acknowledged, the distinct ones that the runs in question had not: so many
    /// items of a table are not of these runs.
    ///
    /// # Errors
    /// A document cannot be made again.
    pub fn earlier_keys(&self) -> Result<u64, AcknowledgedError> {
        if self.earlier == 0 {
            return Ok(0);
        }
        let (earlier, own) = self.runs.split_at(self.earlier_runs);
        Ok(ids_of(earlier)?.tally(&ids_of(own)?).unacknowledged)
    }

    /// Names for missing documents, in the order of their ids: ticket and item, the values of the declared key, or how
    /// the line begins.
    ///
    /// # Errors
    /// A document cannot be made again.
    pub fn names(&self, missing: &[Id]) -> Result<Vec<String>, AcknowledgedError> {
        if self.expected.identity == Identity::StoreSales {
            let named = |id: &Id| {
                let Key { ticket, item } = (*id).into();
                format!("ticket {ticket} item {item}")
            };
            return Ok(missing.iter().map(named).collect());
        }
        let mut names: HashMap<Id, Option<String>> = missing.iter().map(|id| (*id, None)).collect();
        for run in self.runs.iter().filter(|_| !missing.is_empty()) {
            run.name(&mut names, &self.expected.identity)?;
        }
        let unnamed = || "a document that none of the runs made".to_owned();
        Ok(missing.iter().map(|id| names[id].clone().unwrap_or_else(unnamed)).collect())
    }
}

/// Settled.
fn ids_of(runs: &[Run]) -> Result<KeyBag, AcknowledgedError> {
    let mut all = KeyBag::default();
    for run in runs {
        let ids: Vec<Id> = run.acknowledged().map(|id| id.map(|(_, id)| id)).collect::<Result<_, _>>()?;
        all.append(ids.into_iter().collect());
    }
    all.settle();
    Ok(all)
}

fn is_sale(origin: &Origin) -> bool {
    matches!(origin, Origin::StoreSales { .. })
}

/// Runs of one origin share what was opened.
fn opened(logs: Vec<AckLog>) -> Result<Vec<Run>, AcknowledgedError> {
    let mut runs: Vec<Run> = Vec::new();
    for log in logs {
        // Event times follow from tickets too.
        let is_same = |run: &&Run| {
            run.log.header.origin == log.header.origin
                && (!log.header.origin.has_times() || run.log.tickets == log.tickets)
        };
        let known = runs.iter().find(is_same).map(|run| run.source.clone());
        let source = match known {
            Some(source) => source,
            None => {
                let opened = OpenWorkload::of_run(&log);
                let failed = |source| AcknowledgedError::Open { run: log.header.run.clone(), source: Box::new(source) };
                opened.map_err(failed)?.source
            }
        };
        runs.push(Run { log, source });
    }
    Ok(runs)
}

fn by(identity: &Identity) -> String {
    let fields: Vec<_> = identity.fields().iter().map(ToString::to_string).collect();
    if fields.is_empty() { "their whole lines".to_owned() } else { fields.join(" and ") }
}

impl Run {
    /// Number and id of each acknowledged document.
    fn acknowledged(&self) -> Box<dyn Iterator<Item = Result<(u64, Id), AcknowledgedError>> + '_> {
        let Some(last) = self.log.acknowledged.intervals().last().map(|interval| *interval.end()) else {
            return Box::new(std::iter::empty());
        };
        let of_range = move |tickets: &RangeInclusive<u64>| self.source.clone().ids(tickets.clone());
        let ids = self.log.tickets.iter().flat_map(of_range);
        let numbered = (0..=last).zip(ids).filter(|(number, _)| self.log.acknowledged.contains(*number));
        Box::new(numbered.map(|(number, id)| id.map(|id| (number, id)).map_err(|source| self.failed(number, source))))
    }

    /// Names those of the ids that are of this run and have no name.
    fn name(&self, names: &mut HashMap<Id, Option<String>>, identity: &Identity) -> Result<(), AcknowledgedError> {
        let mut wanted: HashMap<u64, Id> = HashMap::new();
        for found in self.acknowledged() {
            let (number, id) = found?;
            if names.get(&id).is_some_and(Option::is_none) && !wanted.values().any(|known| *known == id) {
                wanted.insert(number, id);
            }
        }
        let mut number = 0;
        for tickets in &self.log.tickets {
            let mut documents = self.source.clone().render(tickets.clone());
            let mut document = Vec::new();
            while !wanted.is_empty()
                && documents.next_into(&mut document).map_err(|why| self.failed(number, why))?.is_some()
            {
                if let Some(id) = wanted.remove(&number) {
                    names.insert(id, Some(identity.name(&document)));
                }
                document.clear();
                number += 1;
            }
        }
        Ok(())
    }

    fn failed(&self, document: u64, source: SourceError) -> AcknowledgedError {
        AcknowledgedError::Source { run: self.log.header.run.clone(), document, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Header, IntervalSet, Part};
    use demo_formats::schema::FieldPath;

    fn log(run: &str, origin: Origin, tickets: RangeInclusive<u64>, acknowledged: RangeInclusive<u64>) -> AckLog {
        let mut documents = IntervalSet::default();
        documents.insert_range(acknowledged);
        let header = Header { run: run.to_owned(), origin, part: Part::WHOLE };
        AckLog { header, tickets: vec![tickets], acknowledged: documents, offered: None }
    }

    fn template(key: Option<&str>) -> Origin {
        Origin::Template {
            text: r#"{"id": {{ sequence }}, "half": {{ sequence // 2 }}}"#.to_owned(),
            seed: 1,
            key: key.map(|key| vec![FieldPath(vec![key.to_owned()])]),
            max_bytes: 1 << 20,
            times: None,
        }
    }

    fn sales() -> Origin {
        Origin::StoreSales { scale: 1, seed: 1 }
    }

    #[test]
    fn runs_of_sales_are_told_apart() {
        let acknowledged =
            Acknowledged::of(vec![log("b", sales(), 11..=20, 0..=9)], vec![log("a", sales(), 1..=10, 0..=99)])
                .expect("runs");
        assert_eq!((acknowledged.own, acknowledged.earlier), (10, 0));
        assert_eq!(acknowledged.expected.scope, Scope::Tickets(vec![11..=20]));
        assert_eq!(acknowledged.ids().expect("ids").len(), 10);
        let id = Key { ticket: 11, item: 7 }.into();
        assert_eq!(acknowledged.names(&[id]).expect("names"), ["ticket 11 item 7"]);
    }

    #[test]
    fn runs_of_own_documents_are_searched_for_together() {
        let acknowledged = Acknowledged::of(
            vec![log("b", template(Some("half")), 1..=5, 1..=4)],
            vec![log("a", template(Some("half")), 1..=5, 0..=1)],
        )
        .expect("runs");
        assert_eq!((acknowledged.own, acknowledged.earlier), (4, 2));
        assert_eq!(acknowledged.earlier_keys().expect("ids"), 1, "half 0; half 1 was sent by both");
        assert_eq!(acknowledged.expected.scope, Scope::All);
        // The halves of 1 and 2, and of 2, 3, 4 and 5.
        let due = acknowledged.ids().expect("ids");
        assert_eq!(due.len(), 6);
        let there =
            ["0", "1", "1", "1", "2"].map(|text| acknowledged.expected.identity.of_texts(&[text]).expect("an id"));
        let tally = there.into_iter().collect::<KeyBag>().tally(&due);
        assert_eq!((tally.lost, tally.duplicated, tally.unacknowledged), (1, 0, 0));
        assert_eq!(acknowledged.names(&tally.missing).expect("names"), ["half 2"]);
    }

    #[test]
    fn whole_lines_are_named_by_themselves() {
        let acknowledged = Acknowledged::of(vec![log("a", template(None), 7..=9, 0..=2)], vec![]).expect("a run");
        let tally = KeyBag::default().tally(&acknowledged.ids().expect("ids"));
        assert_eq!(tally.lost, 3);
        let mut names = acknowledged.names(&tally.missing).expect("names");
        names.sort();
        assert_eq!(names, [r#"{"id":7,"half":3}"#, r#"{"id":8,"half":4}"#, r#"{"id":9,"half":4}"#]);
    }

    #[test]
    fn runs_that_cannot_be_compared_are_refused() {
        let said = Acknowledged::of(
            vec![log("b", template(Some("id")), 1..=5, 1..=4)],
            vec![log("a", template(None), 1..=5, 0..=1)],
        );
        let said = said.map(|_| ()).expect_err("two keys").to_string();
        assert!(said.contains("one by their whole lines, another by id"), "{said}");
        assert!(Acknowledged::of(vec![], vec![]).is_err());
    }
}
