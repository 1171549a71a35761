//! The same records for every client: each begins with its number.

use std::{array, sync::Arc};

use demo_workload::store_sales::{Documents, StoreSales};

use crate::{sink::ids::DIGITS, work::Work};

/// Partition keys that the records share, as customers of a shop do.
const KEYS: u64 = 10_000;

/// Makes records one after the other.
pub struct Payload {
    next: u64,
    end: u64,
    keys: Vec<Arc<str>>,
    content: Content,
}

enum Content {
    Text(Vec<u8>),
    Documents(Box<Documents>),
}

impl Payload {
    /// All records of a run, those before the counted ones included.
    pub fn new(work: &Work) -> Self {
        let content = match work.size {
            0 => Content::Documents(Box::new(StoreSales::new(1, 0).documents(1..=u64::MAX >> 20))),
            size => Content::Text(text(size.saturating_sub(DIGITS))),
        };
        let keys = (0..KEYS).map(|key| format!("customer-{key:05}").into()).collect();
        Self { next: 0, end: work.warmup + work.records, keys, content }
    }

    /// Appends a record to `out`; its partition key, or `None` at the end.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> Option<&Arc<str>> {
        let id = self.next;
        if id == self.end {
            return None;
        }
        self.next += 1;
        out.extend_from_slice(&hexadecimal(id));
        match &mut self.content {
            Content::Text(text) => out.extend_from_slice(text),
            Content::Documents(documents) => drop(documents.next_into(out)),
        }
        Some(&self.keys[(id.wrapping_mul(7919) % KEYS) as usize])
    }
}

fn hexadecimal(id: u64) -> [u8; DIGITS] {
    array::from_fn(|at| b"0123456789abcdef"[(id >> (4 * (DIGITS - 1 - at))) as usize & 15])
}

/// Letters and digits in no order that means anything.
fn text(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"abcdefghijklmnopqrstuvwxyz0123456789"[(state >> 33) as usize % 36]
    };
    (0..len).map(|_| letter()).collect()
}
