//! Which hash key a record has and how shards share the hash keys.

use md5::{Digest, Md5};

/// MD5 of the partition key, read big-endian (Kinesis API reference, PutRecord).
pub(super) fn of_partition_key(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key.as_bytes()).into())
}

/// The first hash key of each of `count` shards that share all hash keys evenly.
pub(super) fn even_starts(count: usize) -> impl Iterator<Item = u128> {
    let count = count as u128;
    let width = u128::MAX / count + u128::from(u128::MAX % count == count - 1 && count > 1);
    (0..count).map(move |i| i * width)
}
