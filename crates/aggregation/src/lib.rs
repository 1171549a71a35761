//! Aggregated records: many user records in one Kinesis record, as the Kinesis Producer Library packs them.
//!
//! ```text
//! F3 89 9A C2 │ AggregatedRecord, protobuf │ MD5 of the protobuf, 16 bytes
//! ```
//!
//! Source: amazon-kinesis-producer, aggregation-format.md.

#![deny(missing_debug_implementations)]

mod fields;
mod records;
mod table;
mod writer;

use std::borrow::Cow;

use md5::{Digest, Md5};
use prost::Message;

pub use self::{records::Records, writer::Writer};

/// What an aggregated record begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
/// The length of the MD5 that it ends with.
pub const DIGEST_BYTES: usize = 16;

/// One of the records that were packed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRecord {
    /// The partition key that the record would have had by itself.
    pub partition_key: String,
    /// The explicit hash key that it would have had, a decimal number of up to 128 bits.
    pub explicit_hash_key: Option<String>,
    /// The data.
    pub data: Vec<u8>,
}

/// A [`UserRecord`], borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRecordRef<'a> {
    /// The partition key that the record would have had by itself.
    pub partition_key: &'a str,
    /// The explicit hash key that it would have had, a decimal number of up to 128 bits.
    pub explicit_hash_key: Option<&'a str>,
    /// The data.
    pub data: &'a [u8],
}

impl UserRecord {
    /// A record whose partition key decides its shard.
    pub fn new(partition_key: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { partition_key: partition_key.into(), explicit_hash_key: None, data: data.into() }
    }

    /// The same record with an explicit hash key, a decimal number of up to 128 bits.
    pub fn with_explicit_hash_key(self, key: impl Into<String>) -> Self {
        Self { explicit_hash_key: Some(key.into()), ..self }
    }

    /// The same record, borrowed.
    pub fn as_ref(&self) -> UserRecordRef<'_> {
        let Self { partition_key, explicit_hash_key, data } = self;
        UserRecordRef { partition_key, explicit_hash_key: explicit_hash_key.as_deref(), data }
    }
}

impl<'a> UserRecordRef<'a> {
    /// A record whose partition key decides its shard.
    pub fn new(partition_key: &'a str, data: &'a [u8]) -> Self {
        Self { partition_key, explicit_hash_key: None, data }
    }

    /// The same record with an explicit hash key, a decimal number of up to 128 bits, or without one.
    pub fn with_explicit_hash_key(self, key: Option<&'a str>) -> Self {
        Self { explicit_hash_key: key, ..self }
    }
}

/// An aggregated record whose digest is right and whose content makes no sense: it was packed wrongly, not damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregatedError {
    /// The message cannot be read.
    #[error("the aggregated record is not the protobuf message that it should be")]
    Protobuf(#[from] prost::DecodeError),
    /// A user record names a key that is not in the table of keys.
    #[error("user record {record} of the aggregated record names key {index} of {keys}")]
    Key {
        /// Its position, from 0.
        record: usize,
        /// The key's position, from 0.
        index: u64,
        /// How many keys there are.
        keys: usize,
    },
}

#[derive(Clone, PartialEq, Message)]
struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    partition_keys: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_keys: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Packed>,
}

#[derive(Clone, PartialEq, Message)]
struct Packed {
    #[prost(uint64, required, tag = "1")]
    partition_key: u64,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key: Option<u64>,
    #[prost(bytes = "vec", required, tag = "3")]
    data: Vec<u8>,
}

/// The user records of an aggregated record, in their order; `None` for a plain record. One whose digest is wrong is a
/// plain record that happens to begin like this, as for the Kinesis Client Library.
///
/// # Errors
/// When the digest is right and the message is not.
pub fn decode(data: &[u8]) -> Result<Option<Vec<UserRecord>>, AggregatedError> {
    let Some(message) = message(data) else { return Ok(None) };
    let AggregatedRecord { partition_keys, explicit_hash_keys, records } = AggregatedRecord::decode(message)?;
    let key = |table: &[String], record, index: u64| {
        let key = usize::try_from(index).ok().and_then(|index| table.get(index)).cloned();
        key.ok_or(AggregatedError::Key { record, index, keys: table.len() })
    };
    let unpacked = records.into_iter().enumerate().map(|(at, packed)| {
        Ok(UserRecord {
            partition_key: key(&partition_keys, at, packed.partition_key)?,
            explicit_hash_key: packed.explicit_hash_key.map(|index| key(&explicit_hash_keys, at, index)).transpose()?,
            data: packed.data,
        })
    });
    unpacked.collect::<Result<_, _>>().map(Some)
}

/// The data of each user record of an aggregated record, in their order; of a plain record, what it is.
///
/// # Errors
/// As [`decode`].
pub fn contents(data: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, AggregatedError> {
    Ok(match decode(data)? {
        Some(records) => records.into_iter().map(|record| Cow::Owned(record.data)).collect(),
        None => vec![Cow::Borrowed(data)],
    })
}

/// Packs user records into one; each key is written once.
///
/// # Panics
/// When the record becomes larger than 4 GiB.
pub fn encode(records: &[UserRecord]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(0);
    records.iter().for_each(|record| writer.push(record.as_ref()));
    let digest = Md5::digest(writer.message()).into();
    writer.finish(digest)
}

/// The protobuf message, where there is one with the right digest.
fn message(data: &[u8]) -> Option<&[u8]> {
    let (message, digest) = data.strip_prefix(&MAGIC)?.split_last_chunk::<DIGEST_BYTES>()?;
    (Md5::digest(message).as_slice() == digest).then_some(message)
}

#[cfg(test)]
mod tests;
