//! What the parts of a pipeline agree on: the schema of a document, the prefixes of delivered objects, a region's partition.

pub mod partition;
pub mod pattern;
pub mod prefix;
pub mod schema;
