//! The nested TPC-DS `store_sales` document.

use std::{ops::RangeInclusive, sync::Arc};

use super::Key;

/// The dimensions of one scale and seed, rendered once, shared by every thread that makes documents.
pub struct StoreSales {}

impl StoreSales {
    /// Renders the dimensions. `scale` is TPC-DS's scale factor, at least 1.
    pub fn new(scale: u32, seed: u64) -> Arc<Self> {
        let _ = (scale, seed);
        unimplemented!()
    }

    /// Tickets in one pass over the scale; ticket numbers go on beyond it, pass after pass.
    pub fn tickets_per_pass(&self) -> u64 {
        unimplemented!()
    }

    /// Documents of a range of tickets (1-based, inclusive), in order.
    pub fn documents(self: &Arc<Self>, tickets: RangeInclusive<u64>) -> Documents {
        let _ = tickets;
        unimplemented!()
    }

    /// The keys of the same documents in the same order, without rendering them.
    pub fn keys(self: &Arc<Self>, tickets: RangeInclusive<u64>) -> impl Iterator<Item = Key> + Send + use<> {
        let _ = tickets;
        std::iter::empty()
    }
}

/// A pass over documents.
pub struct Documents {}

impl Documents {
    /// Appends the next document, one line of JSON ending in a newline, to `out`; `None` at the range's end.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> Option<Key> {
        let _ = out;
        unimplemented!()
    }
}
