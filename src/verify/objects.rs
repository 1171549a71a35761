//! The delivered documents in the objects in S3.

mod reading;

use std::sync::Arc;

use self::reading::Seen;
pub use self::reading::{ObjectsReading, Since};
use super::{expected::Expected, folder::ObjectsError, keys::KeyBag};
use crate::load::Percentiles;

/// The expected documents under a key prefix of a bucket.
pub struct Objects {
    reading: ObjectsReading,
    found: Found,
}

/// Those found so far.
pub struct Found {
    expected: Arc<Expected>,
    /// The ids of the expected documents.
    pub keys: KeyBag,
    /// The ids of the lines of those that lie apart.
    pub apart: KeyBag,
}

impl Objects {
    /// The expected documents, of which the reading may have read some already.
    pub fn new(reading: ObjectsReading, expected: Arc<Expected>) -> Self {
        Self { reading, found: Found { expected, keys: KeyBag::default(), apart: KeyBag::default() } }
    }

    /// Reads the objects that are new since the last read.
    pub async fn read_new(&mut self) -> Result<(), ObjectsError> {
        self.reading.catch_up().await?;
        self.found.take(std::mem::take(&mut self.reading.seen))
    }

    /// The documents found so far.
    pub fn found(&mut self) -> &mut Found {
        &mut self.found
    }

    /// How long the tracked documents took until their objects were listed; none without any.
    pub fn freshness(&mut self) -> Option<Percentiles> {
        self.reading.awaited.percentiles()
    }
}

impl Found {
    /// Takes what was read, if nothing is there that was never sent.
    fn take(&mut self, seen: Seen) -> Result<(), ObjectsError> {
        for id in seen.ids.into_iter().filter(|id| self.expected.scope.contains(*id)) {
            self.keys.add(id);
        }
        for other in seen.others {
            if !self.expected.lies_apart(other.line) {
                return Err(other.error);
            }
            self.apart.add(other.line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::expected::{Scope, line_id},
        reading::Nameless,
        *,
    };
    use demo_workload::{Identity, Key};

    fn found(expected: Expected, lines: &[&[u8]]) -> Result<Found, ObjectsError> {
        let mut seen = Seen { ids: [1, 5].map(|ticket| Key { ticket, item: 7 }.into()).to_vec(), others: Vec::new() };
        for line in lines {
            let error =
                ObjectsError::Content { bucket: "b".into(), key: "k".into(), line: 3, why: "no document".into() };
            seen.others.push(Nameless { line: line_id(line), error });
        }
        let mut found = Found { expected: Arc::new(expected), keys: KeyBag::default(), apart: KeyBag::default() };
        found.take(seen).map(|()| found)
    }

    fn sales(tickets: std::ops::RangeInclusive<u64>) -> Expected {
        Expected::new(Identity::StoreSales, Scope::Tickets(vec![tickets]))
    }

    #[test]
    fn tickets_of_other_runs_are_left_out() {
        assert_eq!(found(sales(1..=9), &[]).expect("both are documents").keys.len(), 2);
        assert_eq!(found(sales(5..=5), &[]).expect("both are documents").keys.len(), 1);
    }

    #[test]
    fn lines_that_lie_apart_are_told_from_damaged_ones() {
        let broken = b"{\"ss_item_sk\":7,\n";
        let expected = || sales(1..=9).with_apart([line_id(broken)].into());
        let both = found(expected(), &[broken]).expect("all are expected");
        assert_eq!((both.keys.len(), both.apart.len()), (2, 1));
        let damaged = found(expected(), &[b"{\"ss_item_sk\":8,\n"]).err().map(|error| error.to_string());
        assert_eq!(damaged.as_deref(), Some("s3://b/k line 3: no document; the object is not what the producer sent"));
    }
}
