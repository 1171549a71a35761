//! From what was acknowledged to what is there, in every place where a stack's records end.

use std::{
    future::pending,
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::{sync::watch, time::sleep};

use super::{
    destination::{Destination, Place, ProveError},
    keys::{KeyBag, Tally},
};

/// How long a last look may take after the search was stopped.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// In each place that could be looked into, in the order of [`Place`].
    pub landed: Vec<Landed>,
    /// The other places, and why: nothing is known of what is missing there.
    pub unseen: Vec<(Place, String)>,
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
    pub place: Place,
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
pub struct Landing {
    /// Which.
    pub place: Place,
    /// Documents found so far, doubled ones included.
    pub documents: u64,
    /// Documents that must be there.
    pub expected: u64,
    /// Since the search began.
    pub waited: Duration,
}

impl Proof {
    /// What was found in one place.
    pub fn of(&self, place: Place) -> Option<&Landed> {
        self.landed.iter().find(|landed| landed.place == place)
    }

    /// Documents of the runs in question in one place, doubled ones not included.
    pub fn landed_in(&self, place: Place) -> Option<u64> {
        let earlier = if place == Place::DynamoDb { self.earlier_items } else { self.earlier };
        Some(self.of(place)?.tally.landed().saturating_sub(earlier))
    }

    /// The same by SQL through the catalog.
    pub fn landed_by_sql(&self) -> Option<u64> {
        Some(self.of(Place::S3)?.by_sql?.saturating_sub(self.earlier))
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
        let unseen = self.unseen.iter().map(|(place, why)| format!("{place} could not be looked into: {why}"));
        unseen.chain(self.landed.iter().flat_map(|Landed { place, problems, .. }| {
            problems.iter().map(move |problem| format!("{place}: {problem}"))
        }))
    }
}

/// Waits until everything that was acknowledged is in every place, or no more of it comes, and compares.
///
/// `stop` ends the waiting early: what is missing by then is not known to be lost.
///
/// # Errors
/// When no place could be looked into; where only some could not, the proof says so.
pub async fn prove(
    destinations: Vec<Box<dyn Destination>>,
    mut acknowledged: KeyBag,
    stop: watch::Receiver<bool>,
    progress: impl Fn(Landing) + Sync,
) -> Result<Proof, ProveError> {
    acknowledged.settle();
    let places: Vec<Place> = destinations.iter().map(|to| to.place()).collect();
    let searches = destinations.into_iter().map(|to| search(to, &acknowledged, stop.clone(), &progress));
    let mut proof = Proof::default();
    let mut first = None;
    for (place, searched) in places.into_iter().zip(join_all(searches).await) {
        match searched {
            Ok(landed) => proof.landed.push(landed),
            Err(error) => {
                proof.unseen.push((place, error.to_string()));
                first.get_or_insert(error);
            }
        }
    }
    if let Some(error) = first.filter(|_| proof.landed.is_empty()) {
        return Err(error);
    }
    proof.landed.sort_by_key(|landed| landed.place);
    let unknown = !proof.unseen.is_empty() || proof.landed.iter().any(|landed| landed.tally.lost > 0);
    proof.stopped = *stop.borrow() && unknown;
    Ok(proof)
}

/// What a last look comes to, or nothing where it is still not over some time after `stop`.
async fn in_time<T>(look: impl Future<Output = T>, mut stop: watch::Receiver<bool>) -> Option<T> {
    let late = async {
        // An error means that nobody can stop it any more.
        match stop.wait_for(|stop| *stop).await {
            Ok(_) => sleep(LAST_LOOK).await,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        biased;
        looked = look => Some(looked),
        () = late => None,
    }
}

async fn search(
    mut to: Box<dyn Destination>,
    acknowledged: &KeyBag,
    mut stop: watch::Receiver<bool>,
    progress: &(impl Fn(Landing) + Sync),
) -> Result<Landed, ProveError> {
    let (place, expected) = (to.place(), to.due(acknowledged));
    let (start, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    let tally = loop {
        let documents = tokio::select! {
            looked = to.look() => looked?,
            Ok(_) = stop.wait_for(|stop| *stop) => before,
        };
        let patience = to.patience();
        progress(Landing { place, documents, expected, waited: start.elapsed() });
        if documents > before {
            (moved, before) = (Instant::now(), documents);
        }
        let given_up = moved.elapsed() > patience.standstill || *stop.borrow();
        if documents >= expected || given_up {
            let Some(tally) = in_time(to.tally(acknowledged), stop.clone()).await else {
                return Err(ProveError::Stopped);
            };
            let tally = tally?;
            if tally.lost == 0 || given_up {
                break tally;
            }
        }
        tokio::select! {
            () = sleep(patience.every) => {}
            // An error means that nobody can stop it any more; then only time ends it.
            Ok(()) = stop.changed() => {}
        }
    };
    let took = start.elapsed();
    let unfinished = tally.lost > 0 && *stop.borrow();
    let concluded = if unfinished { None } else { in_time(to.conclude(&tally), stop).await.transpose()? };
    let concluded = concluded.unwrap_or_default();
    let (by_sql, problems) = (concluded.by_sql, concluded.problems);
    Ok(Landed { place, tally, missing: Vec::new(), by_sql, problems, took })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::{super::destination::Patience, *};
    use demo_workload::Key;

    /// Shows one more document at each look.
    struct Slow {
        place: Place,
        keys: Vec<u64>,
        shown: usize,
    }

    fn bag(items: &[u64]) -> KeyBag {
        items.iter().map(|&item| Key { ticket: 1, item }).collect()
    }

    #[async_trait]
    impl Destination for Slow {
        fn place(&self) -> Place {
            self.place
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::from_millis(50) }
        }

        async fn look(&mut self) -> Result<u64, ProveError> {
            self.shown = (self.shown + 1).min(self.keys.len());
            Ok(self.shown as u64)
        }

        async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, ProveError> {
            Ok(bag(&self.keys[..self.shown]).tally(acknowledged))
        }
    }

    fn slow(place: Place, keys: &[u64]) -> Box<dyn Destination> {
        Box::new(Slow { place, keys: keys.to_vec(), shown: 0 })
    }

    #[tokio::test]
    async fn every_place_is_waited_for_and_judged_by_itself() {
        let (_stop, stopped) = watch::channel(false);
        let seen = Mutex::new(Vec::new());
        let to = vec![slow(Place::DynamoDb, &[1, 2]), slow(Place::S3, &[3, 2, 2, 1])];
        let progress = |landing: Landing| seen.lock().expect("no panic").push((landing.place, landing.documents));
        let proof = prove(to, bag(&[1, 2, 3]), stopped, progress).await.expect("looked");
        assert_eq!(proof.landed.iter().map(|landed| landed.place).collect::<Vec<_>>(), [Place::S3, Place::DynamoDb]);
        assert_eq!((proof.landed[0].tally.lost, proof.landed[0].tally.duplicated), (0, 1));
        assert_eq!(proof.of(Place::DynamoDb).map(|landed| landed.tally.lost), Some(1));
        assert_eq!((proof.lost(), proof.duplicated(), proof.stopped), (Some(1), 1, false));
        assert!(seen.lock().expect("no panic").contains(&(Place::S3, 3)));
    }

    /// Cannot be looked into.
    struct Shut;

    #[async_trait]
    impl Destination for Shut {
        fn place(&self) -> Place {
            Place::Redshift
        }

        fn patience(&self) -> Patience {
            Patience { every: Duration::from_millis(1), standstill: Duration::ZERO }
        }

        async fn look(&mut self) -> Result<u64, ProveError> {
            let (table, answer) = ("sales".to_owned(), "nothing".to_owned());
            Err(super::super::sql::SqlError::Answer { table, answer }.into())
        }

        async fn tally(&mut self, _acknowledged: &KeyBag) -> Result<Tally, ProveError> {
            unreachable!("nothing was seen")
        }
    }

    #[tokio::test]
    async fn a_place_that_is_shut_hides_no_other() {
        let (_stop, stopped) = watch::channel(false);
        let to: Vec<Box<dyn Destination>> = vec![Box::new(Shut), slow(Place::S3, &[1, 2])];
        let proof = prove(to, bag(&[1, 2]), stopped.clone(), |_| {}).await.expect("S3 was seen");
        assert_eq!((proof.landed_in(Place::S3), proof.landed_in(Place::Redshift), proof.lost()), (Some(2), None, None));
        let problems: Vec<String> = proof.problems().collect();
        assert!(problems[0].starts_with("Redshift could not be looked into: the count over sales"), "{problems:?}");
        assert!(prove(vec![Box::new(Shut)], bag(&[1]), stopped, |_| {}).await.is_err());
    }

    #[tokio::test]
    async fn a_search_that_is_stopped_knows_nothing_of_what_is_missing() {
        let (stop, stopped) = watch::channel(false);
        stop.send_replace(true);
        let proof = prove(vec![slow(Place::S3, &[1])], bag(&[1, 2]), stopped, |_| {}).await.expect("looked");
        assert!(proof.stopped);
    }
}
