//! Compares the acknowledged documents with the documents found in every destination of a stack.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::sleep;

use super::{
    destination::{Conclusion, Destination, DestinationReader, Keeps, VerifyError},
    keys::{KeyBag, Tally},
    rejections::Rejection,
};
use crate::engine::Cancel;

/// How long a last read may take after the cancellation.
const LAST_READ: Duration = Duration::from_secs(5);

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// The result of each destination that could be read, in the order in which they were given.
    pub landed: Vec<DestinationResult>,
    /// The other destinations, and why they could not be read: documents may be lost there.
    pub unread: Vec<(Destination, String)>,
    /// How many of those documents earlier runs acknowledged: see [`super::Acknowledged`].
    pub earlier: u64,
    /// How many keys only earlier runs acknowledged, for destinations that keep one document of a key.
    pub earlier_keys: u64,
    /// Whether the search was cancelled before everything was found: missing documents may still arrive.
    pub stopped: bool,
}

/// What the search found in one destination.
#[derive(Clone, Debug)]
pub struct DestinationResult {
    /// Which destination.
    pub destination: Destination,
    /// The comparison with the acknowledged documents.
    pub tally: Tally,
    /// The names of the first missing documents, if they were asked for.
    pub missing: Vec<String>,
    /// Documents that SQL counts through the catalog, duplicates excluded.
    pub by_sql: Option<u64>,
    /// Where two ways of counting disagree.
    pub problems: Vec<String>,
    /// Why documents are missing, as far as the services say it.
    pub rejections: Vec<Rejection>,
    /// Time from the start of the search to its end in this destination.
    pub took: Duration,
}

/// The progress of the search in one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchProgress {
    /// Which destination.
    pub destination: Destination,
    /// Documents found so far, duplicates included.
    pub documents: u64,
    /// Documents expected.
    pub expected: u64,
    /// Time since the search started.
    pub waited: Duration,
}

impl Verification {
    /// The result of one destination.
    pub fn of(&self, destination: Destination) -> Option<&DestinationResult> {
        self.landed.iter().find(|landed| landed.destination == destination)
    }

    /// Documents of these runs in one destination, duplicates excluded.
    pub fn landed_in(&self, destination: Destination) -> Option<u64> {
        let earlier = match destination.keeps {
            Keeps::All => self.earlier,
            Keeps::OneOfAKey => self.earlier_keys,
        };
        Some(self.of(destination)?.tally.landed().saturating_sub(earlier))
    }

    /// The same, counted by SQL through the catalog.
    pub fn landed_by_sql(&self, destination: Destination) -> Option<u64> {
        Some(self.of(destination)?.by_sql?.saturating_sub(self.earlier))
    }

    /// The most documents that any destination lacks; `None` unless there is a destination and every one was read to its end.
    pub fn lost(&self) -> Option<u64> {
        let known = !self.stopped && self.unread.is_empty();
        self.landed.iter().map(|landed| landed.tally.lost).max().filter(|_| known)
    }

    /// The most duplicates in any destination.
    pub fn duplicated(&self) -> u64 {
        self.landed.iter().map(|landed| landed.tally.duplicated).max().unwrap_or(0)
    }

    /// Destinations that could not be read, and where two ways of counting disagree.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|(destination, why)| format!("cannot read {destination}: {why}"));
        let rejected = self.rejections().map(|(destination, rejection)| format!("{destination}: {rejection}"));
        unread.chain(rejected).chain(self.landed.iter().flat_map(
            |DestinationResult { destination, problems, .. }| {
                problems.iter().map(move |problem| format!("{destination}: {problem}"))
            },
        ))
    }

    /// Why documents are missing, destination by destination.
    pub fn rejections(&self) -> impl Iterator<Item = (Destination, &Rejection)> {
        self.landed.iter().flat_map(|landed| landed.rejections.iter().map(|rejection| (landed.destination, rejection)))
    }
}

/// Waits until every destination has every acknowledged document, or until no more arrive, and compares.
///
/// A raised `cancel` ends the wait early; documents missing by then may still arrive.
///
/// # Errors
/// When no destination could be read. If only some could not, the verification says so.
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
                verification.unread.push((destination, error.to_string()));
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first.filter(|_| verification.landed.is_empty()) {
        return Err(error);
    }
    let unknown = !verification.unread.is_empty() || verification.landed.iter().any(|landed| landed.tally.lost > 0);
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
) -> Result<DestinationResult, VerifyError> {
    let (destination, expected) = (to.destination(), to.due(acknowledged));
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let (mut rejected, mut unknown) = (0, None);
    let tally = loop {
        let documents = tokio::select! {
            read = to.read() => read?,
            () = cancel.raised() => before,
        };
        let patience = to.patience();
        progress(SearchProgress { destination, documents, expected, waited: start.elapsed() });
        if documents > before {
            (moved, before) = (Instant::now(), documents);
        } else if documents < expected {
            tokio::select! {
                found = to.rejected() => match found {
                    Ok(found) => rejected = found,
                    Err(error) => unknown = Some(error),
                },
                () = cancel.raised() => {}
            }
        }
        let given_up = moved.elapsed() > patience.standstill || cancel.is_raised();
        if documents + rejected >= expected || given_up {
            let Some(tally) = in_time(to.tally(acknowledged), cancel).await else {
                return Err(VerifyError::Stopped);
            };
            let tally = tally?;
            if tally.lost <= rejected || given_up {
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
    let Conclusion { by_sql, mut problems, rejections } = concluded;
    if let Some(error) = unknown.filter(|_| tally.lost > 0) {
        problems.push(format!("it is not known why documents are missing: {error}"));
    }
    Ok(DestinationResult { destination, tally, missing: Vec::new(), by_sql, problems, rejections, took })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::{super::destination::Patience, *};
    use demo_workload::Key;

    const OBJECTS: Destination =
        Destination { name: "S3", label: "S3", field: "landed_s3", sql_field: None, keeps: Keeps::All };
    const ITEMS: Destination = Destination {
        name: "DynamoDB",
        label: "DynamoDB",
        field: "landed_dynamodb",
        sql_field: None,
        keeps: Keeps::OneOfAKey,
    };
    const ROWS: Destination = Destination {
        name: "Redshift",
        label: "Redshift",
        field: "landed_redshift",
        sql_field: None,
        keeps: Keeps::All,
    };

    /// Shows one more document at each read.
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
    async fn every_destination_is_waited_for_and_counted_by_itself() {
        let seen = Mutex::new(Vec::new());
        let to = vec![slow(OBJECTS, &[3, 2, 2, 1]), slow(ITEMS, &[1, 2])];
        let progress =
            |progress: SearchProgress| seen.lock().expect("no panic").push((progress.destination, progress.documents));
        let verification = verify(to, bag(&[1, 2, 3]), &Cancel::new(), progress).await.expect("looked");
        assert_eq!(verification.landed.iter().map(|landed| landed.destination).collect::<Vec<_>>(), [OBJECTS, ITEMS]);
        assert_eq!((verification.landed[0].tally.lost, verification.landed[0].tally.duplicated), (0, 1));
        assert_eq!(verification.of(ITEMS).map(|landed| landed.tally.lost), Some(1));
        assert_eq!((verification.lost(), verification.duplicated(), verification.stopped), (Some(1), 1, false));
        assert!(seen.lock().expect("no panic").contains(&(OBJECTS, 3)));
    }

    /// Cannot be read.
    struct Shut;

    #[async_trait]
    impl DestinationReader for Shut {
        fn destination(&self) -> Destination {
            ROWS
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
    async fn an_unreadable_destination_hides_no_other() {
        let to: Vec<Box<dyn DestinationReader>> = vec![Box::new(Shut), slow(OBJECTS, &[1, 2])];
        let verification = verify(to, bag(&[1, 2]), &Cancel::new(), |_| {}).await.expect("S3 was seen");
        assert_eq!(
            (verification.landed_in(OBJECTS), verification.landed_in(ROWS), verification.lost()),
            (Some(2), None, None)
        );
        let problems: Vec<String> = verification.problems().collect();
        assert!(problems[0].starts_with("cannot read Redshift: the count over sales"), "{problems:?}");
        assert!(verify(vec![Box::new(Shut)], bag(&[1]), &Cancel::new(), |_| {}).await.is_err());
    }

    #[tokio::test]
    async fn a_cancelled_search_reports_no_losses() {
        let cancel = Cancel::new();
        cancel.raise();
        let verification = verify(vec![slow(OBJECTS, &[1])], bag(&[1, 2]), &cancel, |_| {}).await.expect("looked");
        assert!(verification.stopped);
    }
}
