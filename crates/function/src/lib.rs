//! The function between the stream and a DynamoDB table: each document of a Kinesis event becomes an item.
//!
//! A document's top-level fields are the item's attributes, numbers with the digits as they stand. Two more are added:
//! `arrived`, when the stream took the record, and `processed`, when the item was sent to the table, both in
//! milliseconds since 1970. A table for documents of several kinds has a third, `kind_key`. Of several documents with one key in an
//! event, the last stands.
//!
//! The answer names the records that failed and no others. Lambda sends again from the first of these on; writing an
//! item once more changes nothing but its `processed`.

mod batch;
mod cause;
mod config;
mod event;
mod item;
mod number;
mod serve;
mod table_key;
mod write;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

pub use cause::Cause;
pub use config::{Config, ConfigError, KEY as KEY_VARIABLE, TABLE as TABLE_VARIABLE};
pub use event::{Event, ItemFailure, Response};
pub use item::{ARRIVED, PROCESSED};
pub use serve::serve;
pub use table_key::{KIND, KIND_KEY, TableKey, key_of};
pub use write::Writer;

use self::{batch::Batch, item::Item};

/// As long as the time of an arrival can be, which counts for the size of an item.
const LATEST: i64 = 9_999_999_999_999;

/// What an event came to.
#[derive(Clone, Debug)]
pub struct Handled {
    /// Which records failed.
    pub response: Response,
    /// Why they failed, each reason once.
    pub causes: Vec<Cause>,
}

/// Whether a document can become an item of a table with this key; or why it cannot.
///
/// # Errors
/// The reason, as [`Handled::causes`] would have it.
pub fn check(document: &[u8], key: &TableKey) -> Result<(), String> {
    Item::of(document, key, LATEST).map(drop).map_err(|unfit| unfit.to_string())
}

/// Writes the documents of an event, trying until shortly before `deadline`, when Lambda would end the function.
///
/// An aggregated record fails as one, with the first reason that one of its documents gives; its other documents are
/// written all the same.
pub async fn handle(event: Event, writer: &Writer, deadline: SystemTime) -> Handled {
    let mut batch = Batch::new(event, writer.key());
    for (at, why) in writer.write(batch.items(), deadline).await {
        batch.fail_item(at, why);
    }
    batch.handled()
}
