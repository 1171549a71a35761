//! Where documents come from.

use std::{ops::RangeInclusive, sync::Arc};

use crate::workload::{Key, store_sales::StoreSales};

/// A workload: documents in the order of their tickets, the same whenever they are asked for.
pub trait Source: Send + Sync + 'static {
    /// At least so many documents has every ticket.
    fn documents_per_ticket(&self) -> u64;

    /// Renders the documents of a range of tickets one by one: each call appends one to the buffer and returns its
    /// key, `None` at the range's end.
    fn render(
        self: &Arc<Self>,
        tickets: RangeInclusive<u64>,
    ) -> impl FnMut(&mut Vec<u8>) -> Option<Key> + Send + 'static;
}

impl Source for StoreSales {
    /// Source: the TPC-DS specification, "8 to 16 items per ticket".
    fn documents_per_ticket(&self) -> u64 {
        8
    }

    fn render(
        self: &Arc<Self>,
        tickets: RangeInclusive<u64>,
    ) -> impl FnMut(&mut Vec<u8>) -> Option<Key> + Send + 'static {
        let mut documents = self.documents(tickets);
        move |out| documents.next_into(out)
    }
}
