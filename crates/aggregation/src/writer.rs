//! An aggregated record under construction.
//!
//! The message grows field by field in one buffer, in the form in which it will be sent. A key goes to its table just
//! before the first record that names it: the fields of a protobuf message may come in any order, as long as those of one
//! table keep theirs.

use prost::encoding::encode_varint;

use super::{
    DIGEST_BYTES, MAGIC, UserRecordRef,
    fields::{self, DATA, EXPLICIT_HASH_KEY, EXPLICIT_HASH_KEY_INDEX, PARTITION_KEY, PARTITION_KEY_INDEX, RECORD},
    table::{Place, Table},
};

/// User records on their way into one Kinesis record.
#[derive(Clone, Debug)]
pub struct Writer {
    /// The magic number, and the message as far as it is.
    data: Vec<u8>,
    partition_keys: Table,
    explicit_hash_keys: Table,
}

impl Writer {
    /// Without records, and with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let (partition_keys, explicit_hash_keys) = (Table::new(PARTITION_KEY), Table::new(EXPLICIT_HASH_KEY));
        let mut data = Vec::with_capacity(bytes.max(MAGIC.len()));
        data.extend_from_slice(&MAGIC);
        Self { data, partition_keys, explicit_hash_keys }
    }

    /// Exactly the bytes of the finished record, digest included.
    pub fn bytes(&self) -> usize {
        self.data.len() + DIGEST_BYTES
    }

    /// Whether the finished record that has this one too is no larger than `max_bytes`.
    pub fn fits(&self, record: UserRecordRef<'_>, max_bytes: usize) -> bool {
        let Some(room) = max_bytes.checked_sub(self.bytes()) else { return false };
        let growth = |place: fn(&Table, &[u8], &[u8]) -> Place| {
            let explicit_hash_key = record.explicit_hash_key.map(str::as_bytes);
            let explicit_hash_key = explicit_hash_key.map(|key| place(&self.explicit_hash_keys, &self.data, key));
            growth(place(&self.partition_keys, &self.data, record.partition_key.as_bytes()), explicit_hash_key, record)
        };
        // Keys are looked for only where there is hardly room.
        growth(|table, _, key| table.end(key)) <= room || growth(Table::place) <= room
    }

    /// Adds a user record, whatever its size.
    ///
    /// # Panics
    /// When the aggregated record becomes larger than 4 GiB.
    pub fn push(&mut self, record: UserRecordRef<'_>) {
        let data = &mut self.data;
        let partition_key = self.partition_keys.enter(data, record.partition_key.as_bytes());
        let explicit_hash_key = record.explicit_hash_key.map(str::as_bytes);
        let explicit_hash_key = explicit_hash_key.map(|key| self.explicit_hash_keys.enter(data, key));
        data.push(RECORD);
        encode_varint(record_len(partition_key, explicit_hash_key, record.data.len()) as u64, data);
        data.push(PARTITION_KEY_INDEX);
        encode_varint(partition_key as u64, data);
        if let Some(index) = explicit_hash_key {
            data.push(EXPLICIT_HASH_KEY_INDEX);
            encode_varint(index as u64, data);
        }
        fields::put(data, DATA, record.data);
    }

    /// What the digest is of.
    pub fn message(&self) -> &[u8] {
        &self.data[MAGIC.len()..]
    }

    /// The partition key of the first user record; of none, an empty one.
    pub fn partition_key(&self) -> &str {
        str::from_utf8(self.first_key()).expect("it was written from a str")
    }

    /// Its length in bytes.
    pub fn partition_key_len(&self) -> usize {
        self.first_key().len()
    }

    fn first_key(&self) -> &[u8] {
        self.partition_keys.first(&self.data).unwrap_or_default()
    }

    /// The finished record, given the MD5 of its message.
    pub fn finish(mut self, digest: [u8; DIGEST_BYTES]) -> Vec<u8> {
        self.data.extend_from_slice(&digest);
        self.data
    }
}

/// How many bytes a user record adds, given where its keys stand, or will.
fn growth(partition_key: Place, explicit_hash_key: Option<Place>, record: UserRecordRef<'_>) -> usize {
    let tables = partition_key.grows + explicit_hash_key.map_or(0, |place| place.grows);
    let index = explicit_hash_key.map(|place| place.index);
    tables + fields::len(record_len(partition_key.index, index, record.data.len()))
}

/// Of a user record in the message, without tag and length.
fn record_len(partition_key: usize, explicit_hash_key: Option<usize>, data: usize) -> usize {
    fields::index_len(partition_key) + explicit_hash_key.map_or(0, fields::index_len) + fields::len(data)
}
