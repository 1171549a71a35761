//! Measures the time from a document's intended send time until it can be read in a destination.
//!
//! About one document a second is tracked from its acknowledgement. The result is an upper bound, too high by at most the
//! time between two reads.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use demo_workload::{Id, Identity};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::sleep};

use super::destination::{Destination, VerifyError};
use crate::load::{Percentiles, Sample};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const GROWTH: f64 = 1.5;

/// Looks up single documents in a destination.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Which one.
    fn destination(&self) -> Destination;

    /// How long a document may take until it can be read.
    fn patience(&self) -> Duration;

    /// Whether the document can be read now.
    ///
    /// # Errors
    /// The destination cannot be read.
    async fn finds(&self, document: &[u8]) -> Result<bool, VerifyError>;
}

/// The result of the tracked documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Freshness {
    /// Where they were looked up.
    pub destination: Destination,
    /// Documents tracked.
    pub tracked: u64,
    /// Tracked documents that could not be read in time.
    pub unseen: u64,
    /// Why the first of them could not be read, if a call failed.
    pub why: Option<String>,
    /// The times of the others in milliseconds; none without any.
    pub ms: Option<Percentiles>,
}

/// Tracks samples until there are no more, each until it can be read or is not waited for any longer. `tell` receives the
/// time of each that was read.
pub async fn track(
    lookup: &dyn Lookup,
    mut samples: mpsc::Receiver<Sample>,
    tell: impl Fn(Duration) + Send,
) -> Freshness {
    let (mut waiting, mut is_open, patience) = (FuturesUnordered::new(), true, lookup.patience());
    let mut freshness = Freshness { destination: lookup.destination(), tracked: 0, unseen: 0, why: None, ms: None };
    let mut times = Vec::new();
    while is_open || !waiting.is_empty() {
        tokio::select! {
            sample = samples.recv(), if is_open => match sample {
                Some(sample) => waiting.push(until_readable(lookup, sample, patience)),
                None => is_open = false,
            },
            Some(read) = waiting.next(), if !waiting.is_empty() => {
                freshness.tracked += 1;
                match read {
                    Ok(Some(time)) => {
                        tell(time);
                        times.push(time.as_millis() as u64);
                    }
                    Ok(None) => freshness.unseen += 1,
                    Err(why) => freshness.fail(&why),
                }
            }
        }
    }
    freshness.ms = percentiles(&mut times);
    freshness
}

impl Freshness {
    fn fail(&mut self, why: &VerifyError) {
        self.unseen += 1;
        self.why.get_or_insert_with(|| why.to_string());
    }
}

async fn until_readable(
    lookup: &dyn Lookup,
    sample: Sample,
    patience: Duration,
) -> Result<Option<Duration>, VerifyError> {
    let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let is_over = since.elapsed() > patience;
        match lookup.finds(&sample.document).await {
            Ok(true) => return Ok(Some(sample.intended.elapsed())),
            Ok(false) if is_over => return Ok(None),
            Err(error) if is_over => return Err(error),
            // An outage that ends in time is seen in the time alone.
            Ok(false) | Err(_) => sleep(pause).await,
        }
        pause = pause.mul_f64(GROWTH).min(LONGEST_PAUSE);
    }
}

/// Tracked documents of a destination where nobody can look one up: whoever reads all that has landed there finds them.
#[derive(Default)]
pub struct Awaited {
    samples: Option<(mpsc::Receiver<Sample>, Identity)>,
    /// The intended send times of those that were not found yet.
    waiting: HashMap<Id, Instant>,
    times: Vec<u64>,
    latest: Option<Duration>,
}

impl Awaited {
    /// Those that come through a channel, told apart so.
    pub fn new(samples: mpsc::Receiver<Sample>, identity: Identity) -> Self {
        Self { samples: Some((samples, identity)), ..Self::default() }
    }

    /// Takes the ids of documents that could be read at this moment. A document with the id of a tracked one that was there
    /// before that was sent is another.
    pub fn found(&mut self, ids: &[Id], at: Instant) {
        self.receive();
        if self.waiting.is_empty() {
            return;
        }
        for id in ids {
            let Some(intended) = self.waiting.get(id).copied().filter(|intended| *intended <= at) else { continue };
            self.waiting.remove(id);
            let took = at - intended;
            self.times.push(took.as_millis() as u64);
            self.latest = Some(took);
        }
    }

    /// How long the one took that was found last.
    pub fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// How long all took that were found; none without any.
    pub fn percentiles(&mut self) -> Option<Percentiles> {
        percentiles(&mut self.times)
    }

    fn receive(&mut self) {
        let Some((samples, identity)) = &mut self.samples else { return };
        while let Ok(sample) = samples.try_recv() {
            if let Ok(id) = identity.of_document(&sample.document) {
                self.waiting.insert(id, sample.intended);
            }
        }
    }
}

/// None of no values.
pub(crate) fn percentiles(values: &mut [u64]) -> Option<Percentiles> {
    values.sort_unstable();
    let at =
        |quantile: f64| values[((values.len() as f64 * quantile).ceil() as usize).clamp(1, values.len()) - 1] as f64;
    (!values.is_empty()).then(|| Percentiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{super::destination::Keeps, *};

    const ITEMS: Destination = Destination {
        name: "DynamoDB",
        label: "DynamoDB",
        field: "landed_dynamodb",
        sql_field: None,
        keeps: Keeps::OneOfAKey,
    };

    /// Cannot be read so many times; then every document is there.
    struct Outage {
        left: AtomicU32,
        patience: Duration,
    }

    #[async_trait]
    impl Lookup for Outage {
        fn destination(&self) -> Destination {
            ITEMS
        }

        fn patience(&self) -> Duration {
            self.patience
        }

        async fn finds(&self, _document: &[u8]) -> Result<bool, VerifyError> {
            match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
                Ok(_) => Err(VerifyError::Stopped),
                Err(_) => Ok(true),
            }
        }
    }

    async fn tracked(fails: u32, patience: Duration) -> Freshness {
        let (send, samples) = mpsc::channel(2);
        for _ in 0..2 {
            let sample = Sample { document: b"{}".to_vec().into(), intended: Instant::now() };
            send.send(sample).await.expect("it has room");
        }
        drop(send);
        track(&Outage { left: fails.into(), patience }, samples, |_| {}).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_ends_in_time_is_seen_in_the_times_alone() {
        let passed = tracked(7, Duration::from_secs(60)).await;
        assert_eq!((passed.tracked, passed.unseen, passed.why), (2, 0, None));
        assert!(passed.ms.is_some());
        let stays = tracked(u32::MAX, Duration::ZERO).await;
        assert_eq!((stays.tracked, stays.unseen), (2, 2));
        assert_eq!(stays.why, Some(VerifyError::Stopped.to_string()));
    }

    #[test]
    fn a_document_is_found_once_and_never_before_it_was_sent() {
        let (send, samples) = mpsc::channel(2);
        let mut awaited = Awaited::new(samples, Identity::StoreSales);
        let document = br#"{"ss_item_sk":7,"ss_ticket_number":1}"#;
        let id = Identity::StoreSales.of_document(document).expect("an id");
        let intended = Instant::now();
        send.try_send(Sample { document: document.to_vec().into(), intended }).expect("it has room");
        awaited.found(&[id], intended.checked_sub(Duration::from_secs(1)).expect("a second ago"));
        assert_eq!((awaited.latest(), awaited.percentiles()), (None, None), "an earlier run sent it too");
        awaited.found(&[id, id], intended + Duration::from_secs(5));
        awaited.found(&[id], intended + Duration::from_secs(9));
        assert_eq!(awaited.latest(), Some(Duration::from_secs(5)));
        assert_eq!(awaited.percentiles().map(|ms| (ms.p50, ms.max)), Some((5_000.0, 5_000.0)));
    }

    #[test]
    fn percentiles_are_values_that_were_there() {
        assert_eq!(percentiles(&mut []), None);
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentiles(&mut values), Some(Percentiles { p50: 50.0, p90: 90.0, p99: 99.0, max: 100.0 }));
        assert_eq!(percentiles(&mut [7]), Some(Percentiles { p50: 7.0, p90: 7.0, p99: 7.0, max: 7.0 }));
    }
}
