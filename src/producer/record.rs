//! One record, and whether the service would take it.

use std::sync::Arc;

use bytes::Bytes;

use super::{error::PutError, limits};

/// What is sent. Cloning is cheap: data and key are shared.
///
/// `data` may be a slice of a larger buffer; when a record has to be sent again it is copied out, so that a few
/// records that wait for a hot shard do not keep whole buffers alive.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    pub(super) fn check(&self, max_bytes: usize) -> Result<(), PutError> {
        let chars = self.partition_key.chars().count();
        if !limits::PARTITION_KEY_CHARS.contains(&chars) {
            return Err(PutError::PartitionKey { chars });
        }
        if self.size() > max_bytes {
            return Err(PutError::TooLarge { bytes: self.size(), limit: max_bytes });
        }
        Ok(())
    }

    pub(super) fn detach(&mut self) {
        self.data = Bytes::copy_from_slice(&self.data);
    }
}
