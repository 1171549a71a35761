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
const ROWS: Destination =
    Destination { name: "Redshift", label: "Redshift", field: "landed_redshift", sql_field: None, keeps: Keeps::All };

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

    fn patience(&self, _left: u64) -> Patience {
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
        due.reader = Box::new(Slow { place: OBJECTS, keys: vec![1], shown: 0, apart: lines(&["a", "b", "b", "x"]) });
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

    fn patience(&self, _left: u64) -> Patience {
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

    fn patience(&self, _left: u64) -> Patience {
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

    fn patience(&self, _left: u64) -> Patience {
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
