//! How documents are spread over shards.

use demo_formats::schema::FieldPath;
use serde::{Deserialize, Serialize};

/// How documents are spread over shards.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PartitionKey {
    /// Explicit hash keys, every shard the same.
    #[default]
    Uniform,
    /// The ticket number: 8 to 16 documents of a ticket on one shard; `store_sales` only.
    Ticket,
    /// The declared key of your own documents.
    Key,
    /// What a field has. A document without it goes by what tells it from others.
    Field(FieldPath),
    /// Keys some of which come up more often than others.
    Zipf(ZipfKeys),
    /// One key has a share of the documents; the others are spread as `Uniform` spreads all.
    Hot(HotShare),
}

/// Keys `key-1`, `key-2` and so on: the n-th comes up n^exponent times less often than the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZipfKeys {
    /// More than 0; the higher, the more of the documents have the first keys.
    pub exponent: f64,
    /// How many there are, at least 1.
    pub keys: u64,
}

/// A partition key that a share of the documents has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HotShare {
    /// 1 to 256 characters.
    pub key: String,
    /// Of the documents: more than 0, at most 1.
    pub share: f64,
}

impl ZipfKeys {
    /// What the n-th key is called, counted from 1.
    pub fn name(n: u64) -> String {
        format!("key-{n}")
    }
}
