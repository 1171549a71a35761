//! Keys in eight bytes each, so that tens of millions of documents can be compared in memory.

use serde::Deserialize;

use crate::workload::Key;

/// Bits of a packed key that hold the item; TPC-DS has at most 502,000 items, at its largest scale.
const ITEM_BITS: u32 = 20;

/// Missing keys that a tally names; it counts the others.
const NAMED: usize = 20;

/// The key of a document, read from its JSON.
///
/// # Errors
/// It is not one JSON object with both fields.
pub fn key_of(document: &[u8]) -> serde_json::Result<Key> {
    #[derive(Deserialize)]
    struct Fields {
        ss_ticket_number: u64,
        ss_item_sk: u64,
    }
    let fields: Fields = serde_json::from_slice(document)?;
    Ok(Key { ticket: fields.ss_ticket_number, item: fields.ss_item_sk })
}

/// Keys in any order, doubled ones included.
#[derive(Clone, Debug, Default)]
pub struct KeyBag {
    packed: Vec<u64>,
}

impl FromIterator<Key> for KeyBag {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self { packed: keys.into_iter().map(pack).collect() }
    }
}

impl KeyBag {
    /// How many there are, doubled ones included.
    pub fn len(&self) -> u64 {
        self.packed.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Adds every key of `other`.
    pub fn append(&mut self, mut other: Self) {
        self.packed.append(&mut other.packed);
    }

    /// Sorts the keys and leaves doubled ones out.
    pub fn settle(&mut self) {
        self.packed.sort_unstable();
        self.packed.dedup();
    }

    /// Compares what landed (`self`) with the keys that were acknowledged, which are settled.
    pub fn tally(&mut self, acknowledged: &Self) -> Tally {
        debug_assert!(acknowledged.packed.is_sorted());
        self.packed.sort_unstable();
        let mut tally = Tally { documents: self.len(), ..Tally::default() };
        let mut landed = self.packed.iter().copied().peekable();
        let mut must = acknowledged.packed.iter().copied().peekable();
        loop {
            match (landed.peek().copied(), must.peek().copied()) {
                (Some(here), due) if due.is_none_or(|due| here <= due) => {
                    tally.distinct += 1;
                    tally.ticket_sum += u128::from(unpack(here).ticket);
                    tally.unacknowledged += u64::from(due != Some(here));
                    while landed.next_if_eq(&here).is_some() {}
                    must.next_if_eq(&here);
                }
                (_, Some(due)) => {
                    tally.lost += 1;
                    if tally.missing.len() < NAMED {
                        tally.missing.push(unpack(due));
                    }
                    must.next();
                }
                (_, None) => break,
            }
        }
        tally.duplicated = tally.documents - tally.distinct;
        tally
    }
}

/// What a destination holds, beside what was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Documents, doubled ones included.
    pub documents: u64,
    /// Distinct keys.
    pub distinct: u64,
    /// Documents beyond the first of each key.
    pub duplicated: u64,
    /// Distinct keys that are there although they were not acknowledged: their answer never came.
    pub unacknowledged: u64,
    /// Acknowledged keys that are not there.
    pub lost: u64,
    /// The first of the lost ones.
    pub missing: Vec<Key>,
    /// Sum of the ticket numbers of the distinct keys.
    pub ticket_sum: u128,
}

fn pack(key: Key) -> u64 {
    debug_assert!(key.item < 1 << ITEM_BITS && key.ticket < 1 << (64 - ITEM_BITS));
    key.ticket << ITEM_BITS | key.item
}

fn unpack(packed: u64) -> Key {
    Key { ticket: packed >> ITEM_BITS, item: packed & ((1 << ITEM_BITS) - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(keys: &[(u64, u64)]) -> KeyBag {
        keys.iter().map(|&(ticket, item)| Key { ticket, item }).collect()
    }

    #[test]
    fn an_equal_bag_loses_nothing() {
        let acknowledged = bag(&[(1, 5), (1, 6), (2, 5)]);
        let tally = bag(&[(2, 5), (1, 6), (1, 5)]).tally(&acknowledged);
        assert_eq!(tally, Tally { documents: 3, distinct: 3, ticket_sum: 4, ..Tally::default() });
    }

    #[test]
    fn missing_doubled_and_unacknowledged_keys_are_told_apart() {
        let acknowledged = bag(&[(1, 1), (2, 2), (3, 3), (9, 9)]);
        let tally = bag(&[(2, 2), (2, 2), (2, 2), (4, 4), (3, 3)]).tally(&acknowledged);
        assert_eq!(
            tally,
            Tally {
                documents: 5,
                distinct: 3,
                duplicated: 2,
                unacknowledged: 1,
                lost: 2,
                missing: vec![Key { ticket: 1, item: 1 }, Key { ticket: 9, item: 9 }],
                ticket_sum: 9,
            }
        );
    }

    #[test]
    fn nothing_landed_is_everything_lost() {
        let acknowledged = (1..=50).map(|ticket| Key { ticket, item: 7 }).collect::<KeyBag>();
        let tally = KeyBag::default().tally(&acknowledged);
        assert_eq!((tally.lost, tally.missing.len()), (50, NAMED));
    }

    #[test]
    fn a_key_survives_packing() {
        let key = Key { ticket: (1 << 44) - 1, item: (1 << 20) - 1 };
        assert_eq!(unpack(pack(key)), key);
    }
}
