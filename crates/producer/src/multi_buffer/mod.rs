//! Multi-buffer hashing, which hashes several messages at a time: SHA-256 of requests' bodies, MD5 of aggregates. A partition
//! key is hashed by itself.
//!
//! Each step of one hash waits for the step before, and leaves most of a processor idle. Independent messages fill it:
//!
//! | processor | SHA-256 | MD5 |
//! |---|---|---|
//! | x86-64 with SHA extensions | up to four interleaved | |
//! | x86-64 with AVX2 | eight in the lanes of vectors, where it has no SHA extensions | sixteen, in two vectors whose steps alternate |
//! | x86-64 with AVX-512 | | sixteen, in one vector |
//! | any other | one by one | one by one |
//!
//! What the processor has is asked when the program runs. Everything that goes one by one is left to the crates `sha2`
//! and `md-5`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod md5;
mod schedule;
mod sha256;
#[cfg(target_arch = "x86_64")]
mod side_by_side;
#[cfg(test)]
mod tests;

use schedule::{Message, run_all};

/// The SHA-256 of each message, in their order: any number of them, of any lengths.
pub(super) async fn sha256_all(messages: &[&[u8]]) -> Vec<[u8; 32]> {
    sha256::all(messages, sha256::kernels()).await
}

/// The MD5 of each message, in their order: any number of them, of any lengths.
pub(super) async fn md5_all(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    md5::all(messages, md5::kernels()).await
}

/// How many messages [`sha256_all`] hashes at a time on this processor. 1: waiting for another gains nothing.
pub(super) fn width() -> usize {
    sha256::kernels()[0].lanes
}

/// Where a partition key lies in a stream's range of hash keys: its MD5 as a big-endian number (Kinesis API reference,
/// PutRecords, PartitionKey).
pub(super) fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(md5::one(partition_key.as_bytes()))
}
