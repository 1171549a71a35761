//! What the parts of a pipeline agree on: the schema of a document and the prefixes of delivered objects.

pub mod prefix;
pub mod schema;
