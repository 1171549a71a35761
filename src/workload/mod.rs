//! Documents: pure, synchronous, seeded, splittable by ticket range.

pub mod store_sales;

/// What identifies a document: unique over passes and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// `ss_ticket_number`.
    pub ticket: u64,
    /// `ss_item_sk`.
    pub item: u64,
}
