//! Offered = acknowledged = landed = queried: what must be there, against what is.

pub mod acknowledged;
pub mod keys;
pub mod objects;
pub mod prove;
pub mod sql;
pub mod stream;

pub use keys::{KeyBag, Tally};
pub use prove::{Destination, Landing, Proof, ProveError, prove};
