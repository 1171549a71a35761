//! The documents to find: derived from the acknowledgement logs and the workload.

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

use demo_workload::{Id, Identity, Key};

use super::{
    destination::{Destination, Keeps},
    due::Due,
    expected::{Expected, Scope, line_id},
    flawed::{Flawed, Sorted, Whose},
    keys::KeyBag,
};
use crate::{
    load::{AckLog, OpenError, OpenWorkload, Origin, Source, SourceError},
    spec::{End, FLAWS, Flaw},
};

/// Where a destination has documents with a flaw, or why nobody knows.
pub type EndOf<'a> = &'a dyn Fn(Flaw) -> Result<End, String>;

/// The acknowledged documents of some runs.
///
/// Documents of `store_sales` say of which run they are, so others are left out of the search. A user's own do not: every
/// run of the stack is searched for together, an equal document acknowledged n times must be there n times, and what
/// was acknowledged by earlier runs is taken off what landed to get what landed of the runs in question. Where
/// something is missing it is therefore missing of all runs, not of a certain one.
pub struct Acknowledged {
    /// Which documents to find.
    pub expected: Arc<Expected>,
    /// The ids of the perfect ones of all runs that are searched for, settled.
    perfect: Arc<KeyBag>,
    /// The imperfect ones of all runs, those included that are not searched for.
    flawed: Vec<Flawed>,
    /// How many documents the runs in question had that were too long on purpose, and refused by the producer.
    pub refused: u64,
    /// How many documents the runs in question had acknowledged.
    pub own: u64,
    /// How many documents earlier runs had acknowledged that cannot be told from those.
    pub earlier: u64,
    runs: Vec<Run>,
}

struct Run {
    log: AckLog,
    source: Arc<dyn Source>,
    whose: Whose,
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
    /// Imperfect documents were sent whose end is not known.
    #[error("`{flaw}` documents were sent, and it is not known where they end in {destination}: {why}")]
    End {
        /// What is wrong with them.
        flaw: Flaw,
        /// The destination.
        destination: &'static str,
        /// Why.
        why: String,
    },
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
        let are_told_apart = all_sales(&logs) && all_sales(&earlier);
        let (whose, earlier_count) = if are_told_apart { (Whose::Other, 0) } else { (Whose::Earlier, count(&earlier)) };
        // What no key tells from the others is of any run.
        let earlier = earlier.into_iter().filter(|log| !are_told_apart || log.header.flaws.is_some());
        let logs = earlier.map(|log| (log, whose)).chain(logs.into_iter().map(|log| (log, Whose::Own)));
        let (others, runs): (Vec<_>, Vec<_>) = opened(logs)?.into_iter().partition(|run| run.whose == Whose::Other);
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
        let mut perfect = perfect_of(&runs, |_| true)?;
        perfect.settle();
        let mut flawed = Vec::new();
        for run in others.iter().chain(&runs) {
            flawed.extend(run.flawed(&identity)?);
        }
        let refused = |run: &Run| if run.whose == Whose::Own { run.log.refused.count() } else { 0 };
        let refused = runs.iter().map(refused).sum();
        let (expected, perfect) = (Arc::new(Expected::new(identity, scope)), Arc::new(perfect));
        Ok(Self { expected, perfect, flawed, refused, own, earlier: earlier_count, runs })
    }

    /// How many documents with each flaw the runs in question had acknowledged, those without any left out.
    pub fn flaws(&self) -> Vec<(Flaw, u64)> {
        let own = |flaw: &Flaw| {
            let is_own = |one: &&Flawed| one.flaw == *flaw && one.whose == Whose::Own && one.is_acknowledged;
            (*flaw, self.flawed.iter().filter(is_own).count() as u64)
        };
        FLAWS.iter().map(own).filter(|(_, count)| *count > 0).collect()
    }

    /// What must be in a destination.
    ///
    /// # Errors
    /// Nobody knows where imperfect documents end, or a document cannot be made again.
    pub fn due_in(&self, destination: Destination, end_of: EndOf<'_>) -> Result<Due, AcknowledgedError> {
        let end_of =
            |flaw| end_of(flaw).map_err(|why| AcknowledgedError::End { flaw, destination: destination.name, why });
        let Sorted { landed, apart, lines, of_flaws } = Sorted::by_their_ends(&self.flawed, &end_of)?;
        let earlier = self.earlier_of(&landed);
        let earlier_keys = match destination.keeps {
            Keeps::OneOfAKey if earlier > 0 => self.earlier_keys(&landed)?,
            Keeps::OneOfAKey | Keeps::All => 0,
        };
        let expected = match lines.is_empty() {
            true => self.expected.clone(),
            false => Arc::new(Expected::clone(&self.expected).with_apart(lines)),
        };
        Ok(Due { expected, documents: self.with(landed), apart, earlier, earlier_keys, of_flaws })
    }

    /// The perfect documents and those that land beside them, settled.
    fn with(&self, imperfect: Vec<(Id, Whose)>) -> Arc<KeyBag> {
        if imperfect.is_empty() {
            return self.perfect.clone();
        }
        let mut documents = KeyBag::clone(&self.perfect);
        documents.append(imperfect.into_iter().map(|(id, _)| id).collect());
        documents.settle();
        Arc::new(documents)
    }

    /// How many of those are of earlier runs.
    fn earlier_of(&self, imperfect: &[(Id, Whose)]) -> u64 {
        let earlier = self.runs.iter().filter(|run| run.whose == Whose::Earlier);
        let imperfect = imperfect.iter().filter(|(_, whose)| *whose == Whose::Earlier).count();
        earlier.map(Run::perfect_count).sum::<u64>() + imperfect as u64
    }

    /// Of the documents that earlier runs had acknowledged, the distinct ones that the runs in question had not: so many
    /// items of a table are not of these runs. `imperfect` are those that land beside the perfect ones.
    fn earlier_keys(&self, imperfect: &[(Id, Whose)]) -> Result<u64, AcknowledgedError> {
        let of = |whose: Whose| {
            let mut ids = perfect_of(&self.runs, |run| run.whose == whose)?;
            ids.append(imperfect.iter().filter(|(_, of)| *of == whose).map(|(id, _)| *id).collect());
            ids.settle();
            Ok::<_, AcknowledgedError>(ids)
        };
        Ok(of(Whose::Earlier)?.tally(&of(Whose::Own)?).unacknowledged)
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
        let unnamed = |id| match self.flawed.iter().find(|one| one.id == Some(id)) {
            Some(one) => format!("a document of `load.imperfect` ({})", one.flaw),
            None => "a document that none of the runs made".to_owned(),
        };
        Ok(missing.iter().map(|id| names[id].clone().unwrap_or_else(|| unnamed(*id))).collect())
    }
}

/// The ids of the perfect documents that some of the runs had acknowledged.
fn perfect_of(runs: &[Run], is_meant: impl Fn(&Run) -> bool) -> Result<KeyBag, AcknowledgedError> {
    let mut all = KeyBag::default();
    for run in runs.iter().filter(|run| is_meant(run)) {
        let ids: Vec<Id> = run.perfect().map(|id| id.map(|(_, id)| id)).collect::<Result<_, _>>()?;
        all.append(ids.into_iter().collect());
    }
    Ok(all)
}

fn is_sale(origin: &Origin) -> bool {
    matches!(origin, Origin::StoreSales { .. })
}

/// Runs of one origin share what was opened.
fn opened(logs: impl Iterator<Item = (AckLog, Whose)>) -> Result<Vec<Run>, AcknowledgedError> {
    let mut runs: Vec<Run> = Vec::new();
    for (log, whose) in logs {
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
        runs.push(Run { log, source, whose });
    }
    Ok(runs)
}

fn by(identity: &Identity) -> String {
    let fields: Vec<_> = identity.fields().iter().map(ToString::to_string).collect();
    if fields.is_empty() { "their whole lines".to_owned() } else { fields.join(" and ") }
}

impl Run {
    /// How many perfect documents it had acknowledged.
    fn perfect_count(&self) -> u64 {
        let all = &self.log.acknowledged;
        let Some(flaws) = &self.log.header.flaws else { return all.count() };
        let imperfect = |range: RangeInclusive<u64>| flaws.among(*range.start()..range.end() + 1).count() as u64;
        all.count() - all.intervals().map(imperfect).sum::<u64>()
    }

    /// Number and id of each acknowledged document that is perfect.
    fn perfect(&self) -> Box<dyn Iterator<Item = Result<(u64, Id), AcknowledgedError>> + '_> {
        let Some(last) = self.log.acknowledged.intervals().last().map(|interval| *interval.end()) else {
            return Box::new(std::iter::empty());
        };
        let of_range = move |tickets: &RangeInclusive<u64>| self.source.clone().ids(tickets.clone());
        let ids = self.log.tickets.iter().flat_map(of_range);
        let is_perfect = |number| self.log.header.flaws.as_ref().is_none_or(|flaws| flaws.of(number).is_none());
        let numbered = (0..=last).zip(ids);
        let numbered =
            numbered.filter(move |(number, _)| self.log.acknowledged.contains(*number) && is_perfect(*number));
        Box::new(numbered.map(|(number, id)| id.map(|id| (number, id)).map_err(|source| self.failed(number, source))))
    }

    /// Its imperfect documents: all that it has tickets for.
    fn flawed(&self, identity: &Identity) -> Result<Vec<Flawed>, AcknowledgedError> {
        let Some(flaws) = &self.log.header.flaws else { return Ok(Vec::new()) };
        let mut flawed = Vec::new();
        // One that is sent once more is made as the one before it.
        let made_as = |(number, flaw): (u64, Flaw)| number - u64::from(flaw == Flaw::Duplicates);
        let mut numbers = flaws.among(0..u64::MAX).map(made_as);
        let mut take = |made_as: u64, document: &[u8]| {
            let duplicate = flaws.of(made_as + 1).filter(|flaw| *flaw == Flaw::Duplicates);
            let flaw = flaws.of(made_as).or(duplicate).expect("only such are asked for");
            let number = made_as + u64::from(flaw == Flaw::Duplicates);
            let sent = flaws.apply(flaw, number, document);
            let id = identity.of_document(&sent).ok();
            let is_acknowledged = self.log.acknowledged.contains(number);
            flawed.push(Flawed { flaw, whose: self.whose, id, line: line_id(&sent), is_acknowledged });
        };
        let picked = self.source.clone().pick(&self.log.tickets, &mut numbers, &mut take);
        picked.map_err(|source| self.failed(0, source))?;
        Ok(flawed)
    }

    /// Names those of the ids that are of this run and have no name.
    fn name(&self, names: &mut HashMap<Id, Option<String>>, identity: &Identity) -> Result<(), AcknowledgedError> {
        let mut wanted: HashMap<u64, Id> = HashMap::new();
        for found in self.perfect() {
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
    use std::time::Duration;

    use super::*;
    use crate::{
        load::{Fields, Flaws, Header, IntervalSet, Part},
        spec::{Amount, Imperfect},
        verify::Tally,
    };
    use demo_formats::schema::FieldPath;

    fn log(run: &str, origin: Origin, tickets: RangeInclusive<u64>, acknowledged: RangeInclusive<u64>) -> AckLog {
        let mut documents = IntervalSet::default();
        documents.insert_range(acknowledged);
        let header = Header { run: run.to_owned(), origin, part: Part::WHOLE, flaws: None };
        let refused = IntervalSet::default();
        AckLog { header, tickets: vec![tickets], acknowledged: documents, refused, offered: None }
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

    /// In a destination that keeps every document.
    fn due(acknowledged: &Acknowledged) -> Due {
        acknowledged.due_in(crate::verify::stream::DESTINATION, &|_| Ok(End::Kept)).expect("known")
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
        assert_eq!(due(&acknowledged).documents.len(), 10);
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
        assert_eq!(acknowledged.earlier_keys(&[]).expect("ids"), 1, "half 0; half 1 was sent by both");
        assert_eq!(acknowledged.expected.scope, Scope::All);
        // The halves of 1 and 2, and of 2, 3, 4 and 5.
        let due = due(&acknowledged).documents;
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
        let tally = KeyBag::default().tally(&due(&acknowledged).documents);
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
    fn with_flaws(mut log: AckLog, amounts: &[(Flaw, u64)]) -> AckLog {
        let amounts = amounts.iter().map(|(flaw, count)| (*flaw, Amount::Count(*count))).collect();
        let (late_by, out_of_order_by) = (Duration::from_secs(60), Duration::from_secs(5));
        let imperfect = Imperfect { seed: 1, amounts, late_by, out_of_order_by, wrong_type: None, missing: None };
        log.header.flaws = Flaws::new(&imperfect, Some(20), 1 << 20, Fields::default());
        log
    }

    #[test]
    fn imperfect_documents_are_due_where_they_end() {
        let log = with_flaws(
            log("a", template(Some("id")), 1..=20, 0..=19),
            &[(Flaw::Duplicates, 3), (Flaw::Malformed, 2), (Flaw::Unknown, 1)],
        );
        let acknowledged = Acknowledged::of(vec![log], vec![]).expect("a run");
        assert_eq!(acknowledged.flaws(), [(Flaw::Duplicates, 3), (Flaw::Malformed, 2), (Flaw::Unknown, 1)]);
        let destination = crate::verify::stream::DESTINATION;
        let due = |end: End| {
            let end_of = move |flaw| Ok(if flaw == Flaw::Malformed { end } else { End::Kept });
            acknowledged.due_in(destination, &end_of).expect("known")
        };
        for end in [End::Line, End::Rejected("error prefix")] {
            let due = due(end);
            assert_eq!((due.documents.len(), due.apart.len()), (18, 2), "no key tells what is no JSON");
            assert!(due.expected.has_apart());
            let tally = KeyBag::clone(&due.documents).tally(&due.documents);
            assert_eq!((tally.distinct, tally.duplicated, tally.lost), (15, 0, 0), "three are there twice");
            let found: Vec<_> = due.ended("stream", &tally, &due.apart).iter().map(|of| (of.flaw, of.found)).collect();
            assert_eq!(found, [(Flaw::Duplicates, Some(3)), (Flaw::Malformed, Some(2)), (Flaw::Unknown, Some(1))]);
        }
        let why =
            acknowledged.due_in(destination, &|_| Err("nobody looked".to_owned())).expect_err("not known").to_string();
        assert!(why.contains("it is not known where they end in the stream: nobody looked"), "{why}");
    }

    #[test]
    fn broken_lines_of_other_runs_are_known_though_their_documents_are_not_searched_for() {
        let flaws = [(Flaw::Malformed, 4)];
        let (own, other) = (log("b", sales(), 11..=20, 0..=19), with_flaws(log("a", sales(), 1..=10, 0..=19), &flaws));
        let acknowledged = Acknowledged::of(vec![own], vec![other]).expect("runs");
        assert_eq!((acknowledged.own, acknowledged.flaws().len()), (20, 0));
        let due = acknowledged.due_in(crate::verify::stream::DESTINATION, &|_| Ok(End::Line)).expect("known");
        assert_eq!((due.documents.len(), due.apart.len()), (20, 4), "they must be there, whoever sent them");
        assert!(due.ended("stream", &Tally::default(), &due.apart).is_empty());
    }
}
