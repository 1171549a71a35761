//! What the parts of a pipeline agree on: the schema of a document, the prefixes of delivered objects, a shard's limits.

pub mod limits;
pub mod prefix;
pub mod schema;
