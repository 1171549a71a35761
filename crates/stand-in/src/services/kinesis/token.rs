//! Opaque tokens: what a caller hands back to go on where it was.

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::shard_filter::ShardFilter;

/// Where a reader stands in a shard.
#[derive(Serialize, Deserialize)]
pub(super) struct ShardIterator {
    pub(super) stream: String,
    pub(super) id: u64,
    pub(super) shard: u32,
    pub(super) position: u64,
    pub(super) issued: u64,
}

/// Where a listing of shards stands.
#[derive(Serialize, Deserialize)]
pub(super) struct ShardPage {
    pub(super) stream: String,
    pub(super) id: u64,
    pub(super) after: String,
    pub(super) filter: Option<ShardFilter>,
    pub(super) issued: u64,
}

/// Where any other listing stands: after this name.
#[derive(Serialize, Deserialize)]
pub(super) struct NamePage {
    pub(super) after: String,
    pub(super) issued: u64,
}

/// The token of `value`.
pub(super) fn seal(value: &impl Serialize) -> String {
    STANDARD.encode_to_string(serde_json::to_vec(value).expect("a plain struct is JSON"))
}

/// The value of a token; `None` when it is not one of ours.
pub(super) fn open<T: DeserializeOwned>(token: &str) -> Option<T> {
    serde_json::from_slice(&STANDARD.decode_to_vec(token).ok()?).ok()
}
