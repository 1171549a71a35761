//! A table of keys in the message, and where each stands.

use std::hash::{BuildHasher, RandomState};

use super::fields;

/// The keys that were written to one field, found by their hash. Not a `HashMap`: it would own each key once more.
#[derive(Clone, Debug)]
pub(super) struct Table {
    field: u8,
    /// Keys come from outside: nobody may choose them so that they collide.
    hasher: RandomState,
    keys: Vec<Key>,
    /// One more than the position of a key, or 0; a power of two of them, half of which are free at least.
    slots: Vec<u32>,
}

/// A key, and where it lies in the buffer.
#[derive(Clone, Debug)]
struct Key {
    hash: u64,
    start: u32,
    end: u32,
}

/// Where a key stands in its table, or will, and the bytes by which the message grows for that.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) grows: usize,
}

impl Table {
    pub(super) fn new(field: u8) -> Self {
        Self { field, hasher: RandomState::new(), keys: Vec::new(), slots: Vec::new() }
    }

    /// The key that was written first.
    pub(super) fn first<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        self.keys.first().map(|key| key.text(data))
    }

    /// The place of a key that is not there.
    pub(super) fn end(&self, key: &[u8]) -> Place {
        Place { index: self.keys.len(), grows: fields::len(key.len()) }
    }

    /// The place of a key that may be there.
    pub(super) fn place(&self, data: &[u8], key: &[u8]) -> Place {
        match self.find(self.hasher.hash_one(key), |known| known.text(data) == key) {
            Some(index) => Place { index, grows: 0 },
            None => self.end(key),
        }
    }

    /// Where a key stands; it is written to the end of `data` where it does not.
    pub(super) fn enter(&mut self, data: &mut Vec<u8>, key: &[u8]) -> usize {
        let hash = self.hasher.hash_one(key);
        self.find(hash, |known| known.text(data) == key).unwrap_or_else(|| {
            fields::put(data, self.field, key);
            self.add(Key { hash, start: offset(data.len() - key.len()), end: offset(data.len()) })
        })
    }

    fn find(&self, hash: u64, is_it: impl Fn(&Key) -> bool) -> Option<usize> {
        let mut known = self.way(hash).map_while(|slot| (self.slots[slot] as usize).checked_sub(1));
        known.find(|&index| self.keys[index].hash == hash && is_it(&self.keys[index]))
    }

    fn add(&mut self, key: Key) -> usize {
        let index = self.keys.len();
        self.keys.push(key);
        if 2 * self.keys.len() > self.slots.len() {
            self.slots = vec![0; (4 * self.keys.len()).next_power_of_two()];
            (0..=index).for_each(|index| self.seat(index));
        } else {
            self.seat(index);
        }
        index
    }

    fn seat(&mut self, index: usize) {
        let free = self.way(self.keys[index].hash).find(|&slot| self.slots[slot] == 0);
        self.slots[free.expect("half of the slots are free")] = offset(index + 1);
    }

    /// The slots that a hash may have, from the likeliest on, each once.
    fn way(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        (0..slots).map(move |step| (hash as usize).wrapping_add(step) & (slots - 1))
    }
}

impl Key {
    fn text<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        &data[self.start as usize..self.end as usize]
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("an aggregated record is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut table = Table::new(0);
        for at in 0..100 {
            assert_eq!(table.find(u64::MAX, |key| key.start == at), None);
            assert_eq!(table.add(Key { hash: u64::MAX, start: at, end: at }), at as usize);
        }
        assert!((0..100).all(|at| table.find(u64::MAX, |key| key.start == at) == Some(at as usize)));
        assert_eq!(table.find(0, |_| true), None);
    }
}
