//! Compares the acknowledged documents with the documents found in every destination of a stack.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::future::{join_all, pending};
use tokio::time::sleep;

use super::{
    destination::{Conclusion, Destination, DestinationReader, Keeps, VerifyError},
    due::{Due, Ended},
    keys::Tally,
    ledger::LedgerLine,
    rejections::Rejection,
};
use crate::{engine::Cancel, load::Percentiles};

/// How often a read that takes long is looked at.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);
/// How long a last read may take after the cancellation.
const LAST_READ: Duration = Duration::from_secs(5);

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// The result of each destination that could be read, in the order in which they were given.
    pub landed: Vec<DestinationResult>,
    /// The other destinations, and why they could not be read: documents may be lost there.
    pub unread: Vec<(Destination, String)>,
    /// What became of the imperfect documents, flaw by flaw.
    pub ledger: Vec<LedgerLine>,
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
    /// The same of the documents that lie apart: no key tells them, or the service has given them up on purpose.
    pub apart: Tally,
    /// What was found of the imperfect documents.
    pub ended: Vec<Ended>,
    /// How many of the documents earlier runs acknowledged: see [`super::Acknowledged`]; of a destination that keeps one
    /// document of a key, how many keys only they have.
    pub earlier: u64,
    /// The names of the first missing documents, if they were asked for.
    pub missing: Vec<String>,
    /// Documents that SQL counts through the catalog, duplicates excluded.
    pub by_sql: Option<u64>,
    /// Where two ways of counting disagree.
    pub problems: Vec<String>,
    /// Why documents are missing, as far as the services say it.
    pub rejections: Vec<Rejection>,
    /// How long tracked documents took until they could be read, where the search finds them.
    pub freshness: Option<Percentiles>,
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
        let landed = self.of(destination)?;
        Some(landed.tally.landed().saturating_sub(landed.earlier))
    }

    /// The same, counted by SQL through the catalog.
    pub fn landed_by_sql(&self, destination: Destination) -> Option<u64> {
        let landed = self.of(destination)?;
        Some(landed.by_sql?.saturating_sub(landed.earlier))
    }

    /// The most documents that any destination lacks; `None` unless there is a destination and every one was read to its end.
    pub fn lost(&self) -> Option<u64> {
        let known = !self.stopped && self.unread.is_empty();
        self.landed.iter().map(DestinationResult::lost).max().filter(|_| known)
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

impl DestinationResult {
    /// Acknowledged documents that are not there, those that must lie apart included.
    pub fn lost(&self) -> u64 {
        self.tally.lost + self.apart.lost
    }
}

/// A destination, and what must be there.
pub struct Sought {
    /// What reads it.
    pub reader: Box<dyn DestinationReader>,
    /// What must be there.
    pub due: Due,
}

/// Waits until every destination has every acknowledged document, or until no more arrive, and compares.
///
/// A raised `cancel` ends the wait early; documents missing by then may still arrive.
///
/// # Errors
/// When no destination could be read. If only some could not, the verification says so.
pub async fn verify(
    sought: Vec<Sought>,
    cancel: &Cancel,
    progress: impl Fn(SearchProgress) + Sync,
) -> Result<Verification, VerifyError> {
    let names: Vec<Destination> = sought.iter().map(|to| to.reader.destination()).collect();
    let searches = sought.into_iter().map(|to| search(to, cancel, &progress));
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
    let unknown = !verification.unread.is_empty() || verification.landed.iter().any(|landed| landed.lost() > 0);
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

/// Tells what a read has found, for as long as it goes on.
async fn tell_on(counter: Option<Arc<AtomicU64>>, tell: impl Fn(u64)) -> Infallible {
    let Some(counter) = counter else { pending().await };
    loop {
        sleep(BETWEEN_COUNTS).await;
        tell(counter.load(Relaxed));
    }
}

async fn search(
    Sought { reader: mut to, due }: Sought,
    cancel: &Cancel,
    progress: &(impl Fn(SearchProgress) + Sync),
) -> Result<DestinationResult, VerifyError> {
    let (destination, acknowledged) = (to.destination(), &*due.documents);
    let (documents_due, apart_due) = (to.due(acknowledged), due.apart.len());
    let expected = documents_due + apart_due;
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let (mut rejected, mut unknown) = (0, None);
    let (tally, apart) = loop {
        let counter = to.counter();
        let tell = |documents| progress(SearchProgress { destination, documents, expected, waited: start.elapsed() });
        let documents = tokio::select! {
            read = to.read() => read? + to.apart().len(),
            never = tell_on(counter, |documents| tell(documents.max(before))) => match never {},
            () = cancel.raised() => before,
        };
        let patience = to.patience();
        tell(documents);
        let has_moved = documents > before;
        if has_moved {
            (moved, before) = (Instant::now(), documents);
        }
        // What landed without an acknowledgement counts among the documents, and hides nothing that lies apart.
        if (documents < expected && !has_moved) || to.apart().len() < apart_due {
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
            let (tally, apart) = (tally?, to.apart().tally(&due.apart));
            if tally.lost + apart.lost <= rejected || given_up {
                break (tally, apart);
            }
        }
        tokio::select! {
            () = sleep(patience.every) => {}
            () = cancel.raised() => {}
        }
    };
    let took = start.elapsed();
    let lost = tally.lost + apart.lost;
    let unfinished = lost > 0 && cancel.is_raised();
    let concluded = if unfinished { None } else { in_time(to.conclude(&tally), cancel).await.transpose()? };
    let concluded = concluded.unwrap_or_default();
    let Conclusion { by_sql, mut problems, rejections, freshness } = concluded;
    if let Some(error) = unknown.filter(|_| lost > 0) {
        problems.push(format!("it is not known why documents are missing: {error}"));
    }
    let ended = due.ended(destination.label, &tally, to.apart());
    let earlier = match destination.keeps {
        Keeps::All => due.earlier,
        Keeps::OneOfAKey => due.earlier_keys,
    };
    let missing = Vec::new();
    Ok(DestinationResult {
        destination,
        tally,
        apart,
        ended,
        earlier,
        missing,
        by_sql,
        problems,
        rejections,
        freshness,
        took,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::{
        super::{
            destination::Patience,
            due::FlawDue,
            expected::{Expected, Scope, line_id},
            keys::KeyBag,
        },
        *,
    };
    use crate::spec::{End, Flaw};
    use demo_workload::{Identity, Key};

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
        apart: KeyBag,
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

        fn apart(&mut self) -> &mut KeyBag {
            &mut self.apart
        }
    }

    fn slow(place: Destination, keys: &[u64]) -> Box<dyn DestinationReader> {
        Box::new(Slow { place, keys: keys.to_vec(), shown: 0, apart: KeyBag::default() })
    }

    fn sought(readers: Vec<Box<dyn DestinationReader>>, due: &[u64]) -> Vec<Sought> {
        let expected = Arc::new(Expected::new(Identity::StoreSales, Scope::All));
        readers.into_iter().map(|reader| Sought { reader, due: Due::perfect(expected.clone(), bag(due)) }).collect()
    }

    #[tokio::test]
    async fn every_destination_is_waited_for_and_counted_by_itself() {
        let seen = Mutex::new(Vec::new());
        let to = vec![slow(OBJECTS, &[3, 2, 2, 1]), slow(ITEMS, &[1, 2])];
        let progress =
            |progress: SearchProgress| seen.lock().expect("no panic").push((progress.destination, progress.documents));
        let verification = verify(sought(to, &[1, 2, 3]), &Cancel::new(), progress).await.expect("looked");
        assert_eq!(verification.landed.iter().map(|landed| landed.destination).collect::<Vec<_>>(), [OBJECTS, ITEMS]);
        assert_eq!((verification.landed[0].tally.lost, verification.landed[0].tally.duplicated), (0, 1));
        assert_eq!(verification.of(ITEMS).map(|landed| landed.tally.lost), Some(1));
        assert_eq!((verification.lost(), verification.duplicated(), verification.stopped), (Some(1), 1, false));
        assert!(seen.lock().expect("no panic").contains(&(OBJECTS, 3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_takes_long_tells_how_far_it_is() {
        let seen = Mutex::new(Vec::new());
        let reader = Box::new(LongRead { counter: Arc::default(), apart: KeyBag::default() });
        let progress = |progress: SearchProgress| seen.lock().expect("no panic").push(progress.documents);
        let found = verify(sought(vec![reader], &[1, 2, 3]), &Cancel::new(), progress).await.expect("looked");
        assert_eq!((found.lost(), seen.into_inner().expect("no panic")), (Some(0), vec![1, 2, 3]));
    }

    #[tokio::test]
    async fn what_lies_apart_is_waited_for_and_lost_where_it_is_missing() {
        let lines = |lines: &[&str]| lines.iter().map(|line| line_id(line.as_bytes())).collect::<KeyBag>();
        let due = |apart: &[&str]| {
            let [mut due] = <[Sought; 1]>::try_from(sought(vec![slow(OBJECTS, &[1])], &[1])).ok().expect("one");
            due.due.apart = lines(apart);
            due.due.apart.settle();
            let ids = apart.iter().map(|line| line_id(line.as_bytes())).collect();
            let mut of_flaw = FlawDue::new(Flaw::Malformed, End::Rejected("error prefix"), true);
            of_flaw.ids = ids;
            due.due.of_flaws = vec![of_flaw];
            due.reader =
                Box::new(Slow { place: OBJECTS, keys: vec![1], shown: 0, apart: lines(&["a", "b", "b", "x"]) });
            vec![due]
        };
        for (apart, found, lost) in [(&["a", "b", "b"][..], 3, 0), (&["a", "a", "c"], 1, 2)] {
            let verification = verify(due(apart), &Cancel::new(), |_| {}).await.expect("looked");
            let landed = verification.of(OBJECTS).expect("looked");
            assert_eq!((landed.ended[0].found, landed.ended[0].place), (Some(found), Some("error prefix")));
            assert_eq!((landed.tally.lost, verification.lost()), (0, Some(lost)));
        }
    }

    /// Finds a document every 1.2 seconds, in one read.
    struct LongRead {
        counter: Arc<AtomicU64>,
        apart: KeyBag,
    }

    #[async_trait]
    impl DestinationReader for LongRead {
        fn destination(&self) -> Destination {
            ITEMS
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::from_millis(50) }
        }

        async fn read(&mut self) -> Result<u64, VerifyError> {
            for found in 1..=3 {
                self.counter.store(found, Relaxed);
                sleep(Duration::from_millis(if found < 3 { 1_200 } else { 10 })).await;
            }
            Ok(3)
        }

        fn counter(&self) -> Option<Arc<AtomicU64>> {
            Some(self.counter.clone())
        }

        async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
            Ok(bag(&[1, 2, 3]).tally(acknowledged))
        }

        fn apart(&mut self) -> &mut KeyBag {
            &mut self.apart
        }
    }

    /// Has more documents than are due, and what lies apart only once it is looked for.
    struct Crowded(KeyBag);

    #[async_trait]
    impl DestinationReader for Crowded {
        fn destination(&self) -> Destination {
            OBJECTS
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::from_millis(50) }
        }

        async fn read(&mut self) -> Result<u64, VerifyError> {
            Ok(9)
        }

        async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
            Ok(bag(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).tally(acknowledged))
        }

        fn apart(&mut self) -> &mut KeyBag {
            &mut self.0
        }

        async fn rejected(&mut self) -> Result<u64, VerifyError> {
            self.0 = [line_id(b"a")].into_iter().collect();
            Ok(0)
        }
    }

    #[tokio::test]
    async fn documents_beyond_those_due_do_not_hide_what_lies_apart() {
        let mut to = sought(vec![Box::new(Crowded(KeyBag::default()))], &[1, 2]);
        to[0].due.apart = [line_id(b"a")].into_iter().collect();
        let verification = verify(to, &Cancel::new(), |_| {}).await.expect("looked");
        assert_eq!((verification.lost(), verification.landed[0].tally.unacknowledged), (Some(0), 7));
    }

    /// Cannot be read.
    struct Shut(KeyBag);

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

        fn apart(&mut self) -> &mut KeyBag {
            &mut self.0
        }
    }

    #[tokio::test]
    async fn an_unreadable_destination_hides_no_other() {
        let to: Vec<Box<dyn DestinationReader>> = vec![Box::new(Shut(KeyBag::default())), slow(OBJECTS, &[1, 2])];
        let verification = verify(sought(to, &[1, 2]), &Cancel::new(), |_| {}).await.expect("S3 was seen");
        assert_eq!(
            (verification.landed_in(OBJECTS), verification.landed_in(ROWS), verification.lost()),
            (Some(2), None, None)
        );
        let problems: Vec<String> = verification.problems().collect();
        assert!(problems[0].starts_with("cannot read Redshift: the count over sales"), "{problems:?}");
        assert!(verify(sought(vec![Box::new(Shut(KeyBag::default()))], &[1]), &Cancel::new(), |_| {}).await.is_err());
    }

    #[tokio::test]
    async fn a_cancelled_search_reports_no_losses() {
        let cancel = Cancel::new();
        cancel.raise();
        let verification = verify(sought(vec![slow(OBJECTS, &[1])], &[1, 2]), &cancel, |_| {}).await.expect("looked");
        assert!(verification.stopped);
    }
}
