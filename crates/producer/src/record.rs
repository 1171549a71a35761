//! One record, and whether the service would take it.

use std::sync::Arc;

use bytes::Bytes;

use super::{body::Entry, error::PutError, limits, multi_buffer};

/// What is sent. Cloning is cheap: data and key are shared.
///
/// `data` may be a slice of a larger buffer: the producer copies it into the request's body at once and keeps nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The payload, before any encoding.
    pub data: Bytes,
    /// 1 to 256 Unicode characters; its MD5 decides the shard unless `explicit_hash_key` does.
    pub partition_key: Arc<str>,
    /// Overrides the hash of the partition key.
    pub explicit_hash_key: Option<u128>,
}

impl Record {
    /// A record whose partition key decides its shard.
    pub fn new(data: impl Into<Bytes>, partition_key: impl Into<Arc<str>>) -> Self {
        Self { data: data.into(), partition_key: partition_key.into(), explicit_hash_key: None }
    }

    /// The same record, placed in the shard whose hash range holds `key`.
    pub fn with_explicit_hash_key(self, key: u128) -> Self {
        Self { explicit_hash_key: Some(key), ..self }
    }

    /// Bytes as the service counts them: data and partition key. Source: Kinesis API reference, PutRecords.
    pub fn size(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    /// Where it is in the range of hash keys, which decides its shard.
    pub(super) fn hash(&self) -> u128 {
        self.explicit_hash_key.unwrap_or_else(|| multi_buffer::hash_key(&self.partition_key))
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        self.into()
    }

    pub(super) fn check(&self, max_bytes: usize) -> Result<(), PutError> {
        // A character has at least one byte, so most keys need not be counted.
        if !(1..=*limits::PARTITION_KEY_CHARS.end()).contains(&self.partition_key.len()) {
            let chars = self.partition_key.chars().count();
            if !limits::PARTITION_KEY_CHARS.contains(&chars) {
                return Err(PutError::PartitionKey { chars });
            }
        }
        if self.size() > max_bytes {
            return Err(PutError::TooLarge { bytes: self.size(), limit: max_bytes });
        }
        Ok(())
    }
}

impl From<Entry<'_>> for Record {
    fn from(entry: Entry<'_>) -> Self {
        Self {
            data: Bytes::copy_from_slice(entry.data),
            partition_key: entry.partition_key.into(),
            explicit_hash_key: entry.explicit_hash_key,
        }
    }
}
