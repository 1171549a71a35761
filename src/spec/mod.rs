//! A stack file: YAML, overlays and single values merged, checked whole, and turned into one type that nobody checks again.

pub mod stack;

pub use stack::*;
