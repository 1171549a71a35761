//! The keys that must be there: what the ack logs say, by the generator's own word.

use std::ops::RangeInclusive;

use super::keys::KeyBag;
use crate::{load::AckLog, workload::store_sales::StoreSales};

/// The keys of a run's acknowledged documents.
pub fn keys(log: &AckLog) -> KeyBag {
    let Some(last) = log.acknowledged.intervals().last() else { return KeyBag::default() };
    let workload = StoreSales::new(log.header.scale, log.header.seed);
    let documents = log.tickets.iter().flat_map(|tickets: &RangeInclusive<u64>| workload.keys(tickets.clone()));
    let numbered = (0..=*last.end()).zip(documents);
    numbered.filter(|(number, _)| log.acknowledged.contains(*number)).map(|(_, key)| key).collect()
}
