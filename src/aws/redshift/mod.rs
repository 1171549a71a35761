//! Redshift: the Data API, what is made inside a database, a workgroup of our own, and the loading of a table.

mod access;
pub mod data;
pub mod delivery;
pub mod errors;
pub mod loader;
pub mod manifest;
pub mod namespace;
mod place;
pub mod query;
mod relations;
pub mod schema;
pub mod sql;
pub mod table;
pub mod workgroup;

use crate::engine::Node;
pub use data::{At, Database};
pub use loader::{Loader, LoaderError};

/// Where in the bucket everything for Redshift lies that is no data.
pub const FOLDER: &str = "redshift/";
/// The key of the jsonpaths file.
pub const JSONPATHS: &str = "redshift/jsonpaths.json";
/// What the keys of manifests begin with.
pub const MANIFESTS: &str = "redshift/manifests/";

/// Whether a node of a stack tells which Redshift the stack uses.
pub(crate) fn is_told(node: &Node) -> bool {
    place::told(node).is_some()
}

/// `s3://bucket/key`.
pub fn url(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}
