//! Documents: pure, synchronous, seeded, splittable by ranges of tickets.

pub mod clock;
pub mod files;
pub mod identity;
pub mod json_lines;
pub mod mix;
mod object;
pub mod store_sales;
pub mod template;

pub use identity::{Id, Identity, IdentityError, KindKeys, field_at};

/// Bits of a packed key that hold the item; TPC-DS has at most 502,000 items, at its largest scale.
const ITEM_BITS: u32 = 20;

/// What identifies a document of `store_sales`: unique over passes and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// `ss_ticket_number`.
    pub ticket: u64,
    /// `ss_item_sk`.
    pub item: u64,
}

impl From<Key> for Id {
    fn from(key: Key) -> Self {
        debug_assert!(key.item < 1 << ITEM_BITS && key.ticket < 1 << (64 - ITEM_BITS));
        Self(key.ticket << ITEM_BITS | key.item)
    }
}

impl From<Id> for Key {
    /// Of an id of `store_sales`; the ids of other documents hold no key.
    fn from(Id(packed): Id) -> Self {
        Self { ticket: packed >> ITEM_BITS, item: packed & ((1 << ITEM_BITS) - 1) }
    }
}

/// SplitMix64's finalizer: neighbouring numbers land far apart.
pub fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A step by which a circle of so many places is walked with every place met once, each well away from those before it: about
/// its golden section, without a common factor.
pub fn stride(places: u64) -> u64 {
    let golden = (places as f64 * 0.618_033_988_749_895) as u64;
    (golden.max(1)..=places).find(|stride| greatest_common_divisor(*stride, places) == 1).unwrap_or(1)
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_packing() {
        let key = Key { ticket: (1 << 44) - 1, item: (1 << 20) - 1 };
        assert_eq!(Key::from(Id::from(key)), key);
    }
}
