//! The records of an event on their way to items, and what became of each.

use std::collections::{BTreeMap, HashMap};

use super::{
    Handled, TableKey,
    cause::causes,
    event::{Event, ItemFailure, Response},
    item::{Item, Key, Unfit},
};

/// An event's items, each key once.
pub(super) struct Batch {
    sequence_numbers: Vec<String>,
    items: Vec<Item>,
    /// Which records each item stands for: one that was superseded is not in the table either when its successor is not.
    origins: Vec<Vec<usize>>,
    /// Records that failed, and why.
    failed: BTreeMap<usize, String>,
}

impl Batch {
    /// Takes records apart and their documents to items; of documents with one key the last stands.
    pub(super) fn new(event: Event, key: &TableKey) -> Self {
        let mut batch =
            Self { sequence_numbers: Vec::new(), items: Vec::new(), origins: Vec::new(), failed: BTreeMap::new() };
        let mut known = HashMap::new();
        for (record, kinesis) in event.records.into_iter().map(|record| record.kinesis).enumerate() {
            match kinesis_aggregation::contents(&kinesis.data) {
                Ok(documents) => {
                    documents.iter().for_each(|document| match Item::of(document, key, kinesis.arrived()) {
                        Ok(item) => batch.add(item, record, &mut known),
                        Err(unfit) => batch.fail(record, unfit.to_string()),
                    })
                }
                Err(error) => batch.fail(record, Unfit::from(error).to_string()),
            }
            batch.sequence_numbers.push(kinesis.sequence_number);
        }
        batch
    }

    /// Each key once, in no order that matters.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Every record that the item at this position stands for has failed.
    pub(super) fn fail_item(&mut self, at: usize, why: String) {
        for record in std::mem::take(&mut self.origins[at]) {
            self.fail(record, why.clone());
        }
    }

    /// The answer, when all is written or has failed.
    pub(super) fn handled(self) -> Handled {
        let failures =
            || self.failed.iter().map(|(record, why)| (self.sequence_numbers[*record].as_str(), why.as_str()));
        let failure = |(sequence_number, _): (&str, &str)| ItemFailure { item_identifier: sequence_number.to_owned() };
        let response = Response { batch_item_failures: failures().map(failure).collect() };
        Handled { response, causes: causes(failures()) }
    }

    fn add(&mut self, item: Item, record: usize, known: &mut HashMap<Key, usize>) {
        let at = *known.entry(item.key.clone()).or_insert(self.items.len());
        if at == self.items.len() {
            self.items.push(item);
            self.origins.push(vec![record]);
        } else {
            self.items[at] = item;
            self.origins[at].push(record);
        }
    }

    fn fail(&mut self, record: usize, why: String) {
        self.failed.entry(record).or_insert(why);
    }
}
