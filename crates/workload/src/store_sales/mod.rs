//! The nested TPC-DS `store_sales` document.
//!
//! A document is one row of TPC-DS's `store_sales` with every dimension it points at joined in, as the schema
//! ([`demo_formats::schema::store_sales`]) has it. Every key is always present. The one rule for NULL: a column that is NULL in
//! TPC-DS is null, and where a foreign key is NULL both the key and the struct behind it are null. Decimals are written
//! digit for digit as TPC-DS prints them. An empty text counts as NULL, as in TPC-DS's own files, which write NULL so.
//!
//! TPC-DS's generator has fixed seeds: a scale has exactly one set of tickets. A workload's seed therefore decides with
//! which of them a pass begins. Seed 0 keeps TPC-DS's order; the same seed always gives the same documents; two seeds
//! give different ones, but for the one chance in [`StoreSales::tickets_per_pass`] that they begin with the same ticket.

mod dimensions;
mod documents;
mod json;
mod keys;
mod pass;
mod rows;
mod template;

use std::{ops::RangeInclusive, sync::Arc};

use tpcdsgen::config::{Session, SessionBuilder, Table};

use self::{dimensions::Dimensions, keys::Keys, pass::Passes};
use super::Key;

pub use documents::Documents;

/// The dimensions of one scale and seed, rendered once, shared by every thread that makes documents.
pub struct StoreSales {
    session: Session,
    passes: Passes,
    item_order: Vec<i32>,
    dimensions: Dimensions,
}

impl StoreSales {
    /// Renders the dimensions. `scale` is TPC-DS's scale factor, 1 to 100,000 (0 is taken as 1); memory grows with its
    /// customers and addresses, about 50 MB at scale 1.
    pub fn new(scale: u32, seed: u64) -> Arc<Self> {
        let session = SessionBuilder::new()
            .with_scale_factor(f64::from(scale.max(1)))
            .build()
            .expect("a whole scale factor is valid");
        Arc::new(Self {
            passes: Passes::new(session.get_scaling().get_row_count(Table::StoreSales), seed),
            item_order: keys::item_order(&session),
            dimensions: Dimensions::new(&session),
            session,
        })
    }

    /// Tickets in one pass over the scale (240,000 at scale 1, of 8 to 16 documents each); ticket numbers go on beyond
    /// it, pass after pass, so that no key ever repeats.
    pub fn tickets_per_pass(&self) -> u64 {
        self.passes.tickets
    }

    /// Documents of a range of tickets (1-based, inclusive), in order. Starting late in a pass costs no more than
    /// starting at its first ticket.
    pub fn documents(self: &Arc<Self>, tickets: RangeInclusive<u64>) -> Documents {
        Documents::new(Arc::clone(self), tickets)
    }

    /// The keys of the same documents in the same order, without rendering them.
    pub fn keys(self: &Arc<Self>, tickets: RangeInclusive<u64>) -> impl Iterator<Item = Key> + Send + use<> {
        Keys::new(Arc::clone(self), tickets)
    }
}
