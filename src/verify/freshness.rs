//! Measures the time from a document's intended send time until it can be read in DynamoDB.
//!
//! About one document a second is tracked from its acknowledgement by consistent reads (`ConsistentRead`). The result is
//! an upper bound, too high by at most the time between two reads.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::{Map, Value};
use tokio::{sync::mpsc, time::sleep};

use super::dynamodb::percentiles;
use crate::{
    aws::items::{Items, ItemsError},
    load::{Percentiles, Sample},
};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const GROWTH: f64 = 1.5;

/// The result of the tracked documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Freshness {
    /// Documents tracked.
    pub tracked: u64,
    /// Tracked documents that could not be read in time.
    pub unseen: u64,
    /// Why the first of them could not be read, if a call failed.
    pub why: Option<String>,
    /// The times of the others in milliseconds; none without any.
    pub ms: Option<Percentiles>,
}

/// Tracks samples until there are no more, each until it can be read or until `patience` has passed.
pub async fn track(items: &Items, mut samples: mpsc::Receiver<Sample>, patience: Duration) -> Freshness {
    let (mut waiting, mut is_open) = (FuturesUnordered::new(), true);
    let (mut freshness, mut times) = (Freshness::default(), Vec::new());
    while is_open || !waiting.is_empty() {
        tokio::select! {
            sample = samples.recv(), if is_open => match sample {
                Some(sample) => waiting.push(until_readable(items, sample, patience)),
                None => is_open = false,
            },
            Some(read) = waiting.next(), if !waiting.is_empty() => {
                freshness.tracked += 1;
                match read {
                    Ok(Some(time)) => times.push(time.as_millis() as u64),
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
    fn fail(&mut self, why: &ItemsError) {
        self.unseen += 1;
        self.why.get_or_insert_with(|| why.to_string());
    }
}

async fn until_readable(items: &Items, sample: Sample, patience: Duration) -> Result<Option<Duration>, ItemsError> {
    let key = items.key_of(&values(items, &sample.document))?;
    let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let is_over = since.elapsed() > patience;
        match items.get(&key).await {
            Ok(Some(_)) => return Ok(Some(sample.intended.elapsed())),
            Ok(None) if is_over => return Ok(None),
            Err(error) if is_over => return Err(error),
            // An outage that ends in time is seen in the time alone.
            Ok(None) | Err(_) => sleep(pause).await,
        }
        pause = pause.mul_f64(GROWTH).min(LONGEST_PAUSE);
    }
}

/// The values of the table's key in a document, as text; fewer where one is missing.
fn values(items: &Items, document: &[u8]) -> Vec<String> {
    let fields: Map<String, Value> = serde_json::from_slice(document).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    items.key().filter_map(|name| fields.get(name).map(text)).collect()
}
