//! User records, taken apart again without a copy.

use super::{
    DIGEST_BYTES, MAGIC, UserRecordRef,
    fields::{DATA, EXPLICIT_HASH_KEY, EXPLICIT_HASH_KEY_INDEX, PARTITION_KEY, take_content, take_number, take_tag},
};

/// The user records of what [`Writer`](super::Writer) wrote: there a key comes before whoever names it, and the fields of a
/// record in one order. [`decode`](super::decode) is for what others wrote.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    message: &'a [u8],
    partition_keys: Vec<&'a str>,
    explicit_hash_keys: Vec<&'a str>,
}

impl<'a> Records<'a> {
    /// Those of a finished record.
    ///
    /// # Panics
    /// [`Writer`](super::Writer) has not written it; then the iterator may panic too.
    pub fn of_finished(record: &'a [u8]) -> Self {
        let message = &record[MAGIC.len()..record.len() - DIGEST_BYTES];
        Self { message, partition_keys: Vec::new(), explicit_hash_keys: Vec::new() }
    }

    fn record(&self, packed: &'a [u8]) -> UserRecordRef<'a> {
        let (mut rest, mut explicit_hash_key) = (&packed[1..], None);
        let partition_key = self.partition_keys[take_number(&mut rest)];
        let mut tag = take_tag(&mut rest);
        if tag == EXPLICIT_HASH_KEY_INDEX {
            explicit_hash_key = Some(self.explicit_hash_keys[take_number(&mut rest)]);
            tag = take_tag(&mut rest);
        }
        assert_eq!(tag, DATA, "the data comes last");
        UserRecordRef { partition_key, explicit_hash_key, data: take_content(&mut rest) }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = UserRecordRef<'a>;

    fn next(&mut self) -> Option<UserRecordRef<'a>> {
        let text = |key| str::from_utf8(key).expect("keys are text");
        while !self.message.is_empty() {
            match (take_tag(&mut self.message), take_content(&mut self.message)) {
                (PARTITION_KEY, key) => self.partition_keys.push(text(key)),
                (EXPLICIT_HASH_KEY, key) => self.explicit_hash_keys.push(text(key)),
                (_, record) => return Some(self.record(record)),
            }
        }
        None
    }
}
