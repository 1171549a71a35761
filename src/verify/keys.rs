//! Ids in eight bytes each, so that tens of millions of documents can be compared in memory.

use demo_workload::{Id, Key};

/// Missing documents that a tally has the ids of; it counts the others.
const NAMED: usize = 1_000_000;

/// Ids of documents in any order, each as often as there are documents of it.
#[derive(Clone, Debug, Default)]
pub struct KeyBag {
    ids: Vec<Id>,
}

impl<I: Into<Id>> FromIterator<I> for KeyBag {
    fn from_iter<T: IntoIterator<Item = I>>(ids: T) -> Self {
        Self { ids: ids.into_iter().map(Into::into).collect() }
    }
}

impl KeyBag {
    /// How many there are, equal ones included.
    pub fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Adds one id.
    pub fn add(&mut self, id: Id) {
        self.ids.push(id);
    }

    /// Adds every id of `other`.
    pub fn append(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
    }

    /// Puts the ids in order, as a tally wants those that must be there.
    pub fn settle(&mut self) {
        self.ids.sort_unstable();
    }

    /// Leaves one of each id, as a table does that keeps one item of a key. Settles too.
    pub fn dedup(&mut self) {
        self.settle();
        self.ids.dedup();
    }

    /// How many of these ids are here, each at most as often as it is among them. This bag is settled.
    pub fn copies_of(&self, ids: &[Id]) -> u64 {
        debug_assert!(self.ids.is_sorted());
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        let copies = |id: Id| self.ids.partition_point(|one| *one <= id) - self.ids.partition_point(|one| *one < id);
        wanted.chunk_by(|one, other| one == other).map(|same| copies(same[0]).min(same.len()) as u64).sum()
    }

    /// Compares what landed (`self`) with what was acknowledged, which is settled: an id that was acknowledged n times
    /// must be there n times.
    pub fn tally(&mut self, acknowledged: &Self) -> Tally {
        debug_assert!(acknowledged.ids.is_sorted());
        self.settle();
        let mut tally = Tally { documents: self.len(), ..Tally::default() };
        let (mut landed, mut due) = (&self.ids[..], &acknowledged.ids[..]);
        while let Some(id) = [landed.first(), due.first()].into_iter().flatten().min().copied() {
            tally.note(id, take(&mut landed, id), take(&mut due, id));
        }
        tally
    }
}

/// Takes every copy of an id from the front, and says how many there were.
fn take(ids: &mut &[Id], id: Id) -> u64 {
    let count = ids.iter().take_while(|one| **one == id).count();
    *ids = &ids[count..];
    count as u64
}

/// What a destination holds, beside what was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Documents, equal ones included.
    pub documents: u64,
    /// Distinct ids.
    pub distinct: u64,
    /// Documents beyond those that were acknowledged of an id, or beyond the first of an id that never was.
    pub duplicated: u64,
    /// Distinct ids that are there although they were not acknowledged: their answer never came.
    pub unacknowledged: u64,
    /// Acknowledged documents that are not there.
    pub lost: u64,
    /// The ids of the lost ones, each once, up to a million.
    pub missing: Vec<Id>,
    /// Sum of the ticket numbers of the distinct ids; of `store_sales` only.
    pub ticket_sum: u128,
}

impl Tally {
    /// Documents that are there once each: all but the duplicated.
    pub fn landed(&self) -> u64 {
        self.documents - self.duplicated
    }

    /// Whether it has the ids of all that is missing. A tally by numbers alone has none.
    pub fn names_all_missing(&self) -> bool {
        self.missing.len() < NAMED && (self.lost == 0 || !self.missing.is_empty())
    }

    fn note(&mut self, id: Id, landed: u64, due: u64) {
        if landed > 0 {
            self.distinct += 1;
            self.ticket_sum += u128::from(Key::from(id).ticket);
            self.unacknowledged += u64::from(due == 0);
            self.duplicated += landed.saturating_sub(due.max(1));
        }
        if landed < due {
            self.lost += due - landed;
            if self.missing.len() < NAMED {
                self.missing.push(id);
            }
        }
    }
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
                missing: [(1, 1), (9, 9)].map(|(ticket, item)| Key { ticket, item }.into()).into(),
                ticket_sum: 9,
            }
        );
        assert_eq!(tally.landed(), 3);
    }

    #[test]
    fn an_equal_document_must_be_there_as_often_as_it_was_acknowledged() {
        let acknowledged = bag(&[(1, 1), (1, 1), (1, 1), (2, 2), (2, 2)]);
        let tally = bag(&[(1, 1), (2, 2), (2, 2), (2, 2), (3, 3), (3, 3)]).tally(&acknowledged);
        assert_eq!((tally.lost, tally.duplicated, tally.unacknowledged), (2, 2, 1));
        assert_eq!(tally.missing, [Key { ticket: 1, item: 1 }.into()]);
        assert_eq!((tally.documents, tally.distinct, tally.landed()), (6, 3, 4));
        let mut kept = acknowledged.clone();
        kept.dedup();
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn copies_are_counted_no_more_often_than_they_are_wanted() {
        let mut landed: KeyBag = [3, 1, 3, 3, 2].into_iter().map(Id).collect();
        landed.settle();
        assert_eq!(landed.copies_of(&[3, 3, 1, 9].map(Id)), 3);
        assert_eq!(landed.copies_of(&[]), 0);
    }

    #[test]
    fn nothing_landed_is_everything_lost() {
        let acknowledged = (1..=50).map(|ticket| Key { ticket, item: 7 }).collect::<KeyBag>();
        let tally = KeyBag::default().tally(&acknowledged);
        assert_eq!((tally.lost, tally.missing.len()), (50, 50));
        assert!(tally.names_all_missing() && !Tally { lost: 1, ..Tally::default() }.names_all_missing());
    }
}
