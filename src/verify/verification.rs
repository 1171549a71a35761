//! From what was acknowledged to what is there, in every place where a stack's records end.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::sleep;

use super::{
    destination::{Destination, DestinationReader, VerifyError},
    keys::{KeyBag, Tally},
};
use crate::engine::Cancel;

/// How long a last look may take after the search was stopped.
const LAST_READ: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// In each place that could be looked into, in the order of [`Destination`].
    pub landed: Vec<Landed>,
    /// The other places, and why: nothing is known of what is missing there.
    pub unseen: Vec<(Destination, String)>,
    /// Documents among those, which earlier runs had acknowledged: see [`super::Acknowledged`].
    pub earlier: u64,
    /// Items among those of the DynamoDB table, which only earlier runs had acknowledged.
    pub earlier_items: u64,
    /// The search was stopped before everything was found, so nothing is known of what is missing.
    pub stopped: bool,
}

/// What was found in one place.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Which.
    pub destination: Destination,
    /// The comparison with what was acknowledged.
    pub tally: Tally,
    /// Names for the first of the documents that are missing, where it was asked for them.
    pub missing: Vec<String>,
    /// Documents by SQL through the catalog, doubled ones not included.
    pub by_sql: Option<u64>,
    /// Where two ways of looking disagree.
    pub problems: Vec<String>,
    /// From the beginning of the search until it ended here.
    pub took: Duration,
}

/// How far a place has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchProgress {
    /// Which.
    pub destination: Destination,
    /// Documents found so far, doubled ones included.
    pub documents: u64,
    /// Documents that must be there.
    pub expected: u64,
    /// Since the search began.
    pub waited: Duration,
}

impl Verification {
    /// What was found in one place.
    pub fn of(&self, destination: Destination) -> Option<&Landed> {
        self.landed.iter().find(|landed| landed.destination == destination)
    }

    /// Documents of the runs in question in one place, doubled ones not included.
    pub fn landed_in(&self, destination: Destination) -> Option<u64> {
        let earlier = if destination == Destination::DynamoDb { self.earlier_items } else { self.earlier };
        Some(self.of(destination)?.tally.landed().saturating_sub(earlier))
    }

    /// The same by SQL through the catalog.
    pub fn landed_by_sql(&self) -> Option<u64> {
        Some(self.of(Destination::S3)?.by_sql?.saturating_sub(self.earlier))
    }

    /// The most that any place lacks; nothing where that is not known of every place.
    pub fn lost(&self) -> Option<u64> {
        let known = !self.stopped && self.unseen.is_empty();
        known.then(|| self.landed.iter().map(|landed| landed.tally.lost).max().unwrap_or(0))
    }

    /// The most that any place has doubled.
    pub fn duplicated(&self) -> u64 {
        self.landed.iter().map(|landed| landed.tally.duplicated).max().unwrap_or(0)
    }

    /// Places that could not be looked into, and where two ways of looking disagree.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let unseen =
            self.unseen.iter().map(|(destination, why)| format!("{destination} could not be looked into: {why}"));
        unseen.chain(self.landed.iter().flat_map(|Landed { destination, problems, .. }| {
            problems.iter().map(move |problem| format!("{destination}: {problem}"))
        }))
    }
}

/// Waits until everything that was acknowledged is in every place, or no more of it comes, and compares.
///
/// A raised `cancel` ends the waiting early: what is missing by then is not known to be lost.
///
/// # Errors
/// When no place could be looked into; where only some could not, the verification says so.
pub async fn verify(
    destinations: Vec<Box<dyn DestinationReader>>,
    mut acknowledged: KeyBag,
    cancel: &Cancel,
    progress: impl Fn(SearchProgress) + Sync,
) -> Result<Verification, VerifyError> {
    acknowledged.settle();
    let names: Vec<Destination> = destinations.iter().map(|to| to.destination()).collect();
    let searches = destinations.into_iter().map(|to| search(to, &acknowledged, cancel, &progress));
    let mut verification = Verification::default();
    let mut first = None;
    for (destination, searched) in names.into_iter().zip(join_all(searches).await) {
        match searched {
            Ok(landed) => verification.landed.push(landed),
            Err(error) => {
                verification.unseen.push((destination, error.to_string()));
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first.filter(|_| verification.landed.is_empty()) {
        return Err(error);
    }
    verification.landed.sort_by_key(|landed| landed.destination);
    let unknown = !verification.unseen.is_empty() || verification.landed.iter().any(|landed| landed.tally.lost > 0);
    verification.stopped = cancel.is_raised() && unknown;
    Ok(verification)
}

/// The result of a last read, or nothing if it is not over some time after `cancel`.
async fn in_time<T>(read: impl Future<Output = T>, cancel: &Cancel) -> Option<T> {
    let late = async {
        cancel.raised().await;
        sleep(LAST_READ).await;
    };
    tokio::select! {
        biased;
        result = read => Some(result),
        () = late => None,
    }
}

async fn search(
    mut to: Box<dyn DestinationReader>,
    acknowledged: &KeyBag,
    cancel: &Cancel,
    progress: &(impl Fn(SearchProgress) + Sync),
) -> Result<Landed, VerifyError> {
    let (destination, expected) = (to.destination(), to.due(acknowledged));
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let tally = loop {
        let documents = tokio::select! {
            read = to.read() => read?,
            () = cancel.raised() => before,
        };
        let patience = to.patience();
        progress(SearchProgress { destination, documents, expected, waited: start.elapsed() });
        if documents > before {
            (moved, before) = (Instant::now(), documents);
        }
        let given_up = moved.elapsed() > patience.standstill || cancel.is_raised();
        if documents >= expected || given_up {
            let Some(tally) = in_time(to.tally(acknowledged), cancel).await else {
                return Err(VerifyError::Stopped);
            };
            let tally = tally?;
            if tally.lost == 0 || given_up {
                break tally;
            }
        }
        tokio::select! {
            () = sleep(patience.every) => {}
            () = cancel.raised() => {}
        }
    };
    let took = start.elapsed();
    let unfinished = tally.lost > 0 && cancel.is_raised();
    let concluded = if unfinished { None } else { in_time(to.conclude(&tally), cancel).await.transpose()? };
    let concluded = concluded.unwrap_or_default();
    let (by_sql, problems) = (concluded.by_sql, concluded.problems);
    Ok(Landed { destination, tally, missing: Vec::new(), by_sql, problems, took })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::{super::destination::Patience, *};
    use demo_workload::Key;

    /// Shows one more document at each look.
    struct Slow {
        place: Destination,
        keys: Vec<u64>,
        shown: usize,
    }

    fn bag(items: &[u64]) -> KeyBag {
        items.iter().map(|&item| Key { ticket: 1, item }).collect()
    }

    #[async_trait]
    impl DestinationReader for Slow {
        fn destination(&self) -> Destination {
            self.place
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::from_millis(50) }
        }

        async fn read(&mut self) -> Result<u64, VerifyError> {
            self.shown = (self.shown + 1).min(self.keys.len());
            Ok(self.shown as u64)
        }

        async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
            Ok(bag(&self.keys[..self.shown]).tally(acknowledged))
        }
    }

    fn slow(place: Destination, keys: &[u64]) -> Box<dyn DestinationReader> {
        Box::new(Slow { place, keys: keys.to_vec(), shown: 0 })
    }

    #[tokio::test]
    async fn every_place_is_waited_for_and_judged_by_itself() {
        let seen = Mutex::new(Vec::new());
        let to = vec![slow(Destination::DynamoDb, &[1, 2]), slow(Destination::S3, &[3, 2, 2, 1])];
        let progress =
            |progress: SearchProgress| seen.lock().expect("no panic").push((progress.destination, progress.documents));
        let verification = verify(to, bag(&[1, 2, 3]), &Cancel::new(), progress).await.expect("looked");
        assert_eq!(
            verification.landed.iter().map(|landed| landed.destination).collect::<Vec<_>>(),
            [Destination::S3, Destination::DynamoDb]
        );
        assert_eq!((verification.landed[0].tally.lost, verification.landed[0].tally.duplicated), (0, 1));
        assert_eq!(verification.of(Destination::DynamoDb).map(|landed| landed.tally.lost), Some(1));
        assert_eq!((verification.lost(), verification.duplicated(), verification.stopped), (Some(1), 1, false));
        assert!(seen.lock().expect("no panic").contains(&(Destination::S3, 3)));
    }

    /// Cannot be looked into.
    struct Shut;

    #[async_trait]
    impl DestinationReader for Shut {
        fn destination(&self) -> Destination {
            Destination::Redshift
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::ZERO }
        }

        async fn read(&mut self) -> Result<u64, VerifyError> {
            let (table, answer) = ("sales".to_owned(), "nothing".to_owned());
            Err(super::super::sql::SqlError::Answer { table, answer }.into())
        }

        async fn tally(&mut self, _acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
            unreachable!("nothing was seen")
        }
    }

    #[tokio::test]
    async fn a_place_that_is_shut_hides_no_other() {
        let to: Vec<Box<dyn DestinationReader>> = vec![Box::new(Shut), slow(Destination::S3, &[1, 2])];
        let verification = verify(to, bag(&[1, 2]), &Cancel::new(), |_| {}).await.expect("S3 was seen");
        assert_eq!(
            (
                verification.landed_in(Destination::S3),
                verification.landed_in(Destination::Redshift),
                verification.lost()
            ),
            (Some(2), None, None)
        );
        let problems: Vec<String> = verification.problems().collect();
        assert!(problems[0].starts_with("Redshift could not be looked into: the count over sales"), "{problems:?}");
        assert!(verify(vec![Box::new(Shut)], bag(&[1]), &Cancel::new(), |_| {}).await.is_err());
    }

    #[tokio::test]
    async fn a_search_that_is_stopped_knows_nothing_of_what_is_missing() {
        let cancel = Cancel::new();
        cancel.raise();
        let verification =
            verify(vec![slow(Destination::S3, &[1])], bag(&[1, 2]), &cancel, |_| {}).await.expect("looked");
        assert!(verification.stopped);
    }
}
