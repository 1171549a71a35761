//! DynamoDB as a destination: the items' keys, and how far behind their arrival they were written.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use demo_function::{ARRIVED, PROCESSED};
use demo_workload::{Id, IdentityError};

use super::{DynamoDbDelivery, given_up::GivenUp};
use crate::{
    aws::{
        Clients, Names, folders,
        items::{Item, Items, ItemsError, Json},
    },
    load::Percentiles,
    verify::{
        destination::{Conclusion, Destination, DestinationReader, Keeps, Patience, VerifyError},
        expected::Expected,
        folder::Folder,
        freshness::percentiles,
        keys::{KeyBag, Tally},
    },
};

/// The items of the table.
pub const DESTINATION: Destination = Destination {
    name: "DynamoDB",
    label: "DynamoDB",
    field: "landed_dynamodb",
    sql_field: None,
    keeps: Keeps::OneOfAKey,
};

/// A scan reads the whole table, so it is not begun more often …
const BETWEEN_SCANS: Duration = Duration::from_secs(1);
/// … and not more seldom, so that somebody who waits sees that something happens.
const LONGEST_BETWEEN_SCANS: Duration = Duration::from_secs(10);
/// Of the time that the missing documents will take, before the next scan: the rest may come faster.
const WAITED: f64 = 0.8;

/// The items of some runs. A table keeps one item of a key, however often the key was sent.
pub struct DynamoDb {
    client: Client,
    table: String,
    expected: Arc<Expected>,
    patience: Patience,
    pace: Pace,
    found: Found,
    /// How many a scan under way has found.
    counter: Arc<AtomicU64>,
    given_up: GivenUp,
}

/// How fast the table fills.
#[derive(Default)]
struct Pace {
    /// When the last scan began, and what it found.
    last: Option<(Instant, u64)>,
    /// How long it took.
    took: Duration,
    /// Documents a second that it found more than the one before it.
    rate: f64,
}

/// What a scan has found.
#[derive(Default)]
struct Found {
    ids: Vec<Id>,
    /// Milliseconds from arrival to processing.
    behind: Vec<u64>,
    /// An item that is not what was sent.
    broken: Option<IdentityError>,
}

impl DynamoDb {
    /// Of a delivery whose stack has these names.
    pub fn new(to: &DynamoDbDelivery, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Self {
        let patience = Patience::for_interval(to.mapping.window);
        let bucket = names.bucket.as_deref().expect("a stack with a delivery has a bucket");
        let of_delivery = to.names(&names.id);
        Self {
            given_up: GivenUp {
                folder: Folder::new(&clients.s3, bucket, folders::GIVEN_UP),
                logs: clients.logs.clone(),
                log_group: of_delivery.log_group,
                expected: expected.clone(),
                seen: HashSet::new(),
                batches: Vec::new(),
                documents: 0,
                apart: KeyBag::default(),
            },
            client: clients.dynamodb.clone(),
            table: of_delivery.table,
            expected: expected.clone(),
            patience,
            pace: Pace::default(),
            found: Found::default(),
            counter: Arc::default(),
        }
    }

    /// How long after its arrival in the stream an item was sent to the table, by the last read; none without items.
    pub fn behind_ms(&mut self) -> Option<Percentiles> {
        percentiles(&mut self.found.behind)
    }
}

impl From<ItemsError> for VerifyError {
    fn from(error: ItemsError) -> Self {
        Self::Read(Box::new(error))
    }
}

#[async_trait]
impl DestinationReader for DynamoDb {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn patience(&self, left: u64) -> Patience {
        Patience { every: self.patience.every.max(self.pace.until_next(left)), ..self.patience }
    }

    async fn read(&mut self) -> Result<u64, VerifyError> {
        let begun = Instant::now();
        self.found = scan(&self.client, &self.table, &self.expected, &self.counter).await?;
        let found = self.found.ids.len() as u64;
        self.pace.scanned(begun, begun.elapsed(), found);
        Ok(found)
    }

    fn counter(&self) -> Option<Arc<AtomicU64>> {
        Some(self.counter.clone())
    }

    fn due(&self, acknowledged: &KeyBag) -> u64 {
        once(acknowledged).len()
    }

    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
        Ok(self.found.ids.iter().copied().collect::<KeyBag>().tally(&once(acknowledged)))
    }

    fn apart(&mut self) -> &mut KeyBag {
        &mut self.given_up.apart
    }

    async fn rejected(&mut self) -> Result<u64, VerifyError> {
        self.given_up.read_new().await
    }

    async fn conclude(&mut self, _tally: &Tally) -> Result<Conclusion, VerifyError> {
        match self.given_up.rejections().await {
            Ok(rejections) => Ok(Conclusion { rejections: rejections.by_reason().to_vec(), ..Conclusion::default() }),
            Err(error) => {
                let problem = format!("it is not known why documents are missing: {error}");
                Ok(Conclusion { problems: vec![problem], ..Conclusion::default() })
            }
        }
    }
}

fn once(acknowledged: &KeyBag) -> KeyBag {
    let mut once = acknowledged.clone();
    once.dedup();
    once
}

async fn scan(client: &Client, table: &str, expected: &Expected, counter: &AtomicU64) -> Result<Found, ItemsError> {
    let fields = expected.identity.fields();
    let outermost: BTreeSet<&str> = fields.iter().filter_map(|field| field.0.first()).map(String::as_str).collect();
    let attributes: Vec<&str> = outermost.into_iter().chain([ARRIVED, PROCESSED]).collect();
    let mut found = Found::default();
    let see = |items: &[Item]| {
        items.iter().for_each(|item| found.record(item, expected));
        counter.store(found.ids.len() as u64, Relaxed);
    };
    Items::of(client, table).await?.scan(&attributes, see).await?;
    match &found.broken {
        None => Ok(found),
        Some(why) => {
            let why = format!("an item is not what was sent: {why}");
            Err(ItemsError::Call { call: "Scan", table: table.to_owned(), why })
        }
    }
}

impl Pace {
    fn scanned(&mut self, begun: Instant, took: Duration, found: u64) {
        if let Some((before, known)) = self.last.replace((begun, found)) {
            self.rate = found.saturating_sub(known) as f64 / (begun - before).as_secs_f64();
        }
        self.took = took;
    }

    /// How long to leave the table alone: its capacity is for those that write.
    fn until_next(&self, left: u64) -> Duration {
        let wait = match self.rate {
            rate if rate > 0.0 => {
                let rest = (left as f64 / rate * WAITED).min(LONGEST_BETWEEN_SCANS.as_secs_f64());
                Duration::from_secs_f64(rest).saturating_sub(self.took)
            }
            _ => self.took,
        };
        wait.clamp(BETWEEN_SCANS, LONGEST_BETWEEN_SCANS)
    }
}

impl Found {
    fn record(&mut self, item: &Item, expected: &Expected) {
        match expected.id_of(Json(item).to_string().as_bytes()) {
            Ok(Some(id)) => {
                self.ids.push(id);
                self.behind.extend(behind_ms(item));
            }
            Ok(None) => {}
            Err(why) => self.broken = Some(why),
        }
    }
}

fn behind_ms(item: &Item) -> Option<u64> {
    let time = |name| match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse::<u64>().ok(),
        _ => None,
    };
    Some(time(PROCESSED)?.saturating_sub(time(ARRIVED)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::expected::Scope;
    use demo_workload::{Identity, Key};

    fn n(digits: &str) -> AttributeValue {
        AttributeValue::N(digits.to_owned())
    }

    #[test]
    fn items_of_other_runs_are_left_out_and_what_is_no_document_is_told() {
        let expected = Expected::new(Identity::StoreSales, Scope::Tickets(vec![1..=4]));
        let item = |ticket: &str| {
            let fields = [("ss_ticket_number", ticket), ("ss_item_sk", "7"), (ARRIVED, "1000"), (PROCESSED, "1250")];
            Item::from(fields.map(|(name, digits)| (name.to_owned(), n(digits))))
        };
        let mut found = Found::default();
        found.record(&item("4"), &expected);
        found.record(&item("5"), &expected);
        assert_eq!((found.ids, found.behind), (vec![Key { ticket: 4, item: 7 }.into()], vec![250]));
        assert!(found.broken.is_none());
        let mut found = Found::default();
        found.record(&Item::new(), &expected);
        assert!(found.broken.is_some());
    }

    #[test]
    fn a_table_is_scanned_again_when_most_of_the_rest_will_be_there() {
        let (begun, mut pace) = (Instant::now(), Pace::default());
        let seconds = Duration::from_secs;
        assert_eq!(pace.until_next(1_000), BETWEEN_SCANS, "nothing is known yet");
        pace.scanned(begun, seconds(3), 1_000);
        assert_eq!(pace.until_next(1_000), seconds(3), "at most half the time is for scans");
        pace.scanned(begun + seconds(10), seconds(1), 2_000);
        assert_eq!(pace.until_next(1_000), seconds(7), "8 s, of which the scan took one");
        assert_eq!(pace.until_next(100), BETWEEN_SCANS);
        assert_eq!(pace.until_next(1_000_000), LONGEST_BETWEEN_SCANS - seconds(1));
        pace.scanned(begun + seconds(20), seconds(2), 2_000);
        assert_eq!(pace.until_next(1_000), seconds(2), "it has come to a stop");
    }

    #[test]
    fn a_key_that_was_sent_twice_is_there_once() {
        let acknowledged: KeyBag = [1, 1, 2].into_iter().map(Id).collect();
        assert_eq!(once(&acknowledged).len(), 2);
    }
}
