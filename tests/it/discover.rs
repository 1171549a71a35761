//! Stacks whose journal is lost, forged, or kept in a mirror that another machine takes over.

mod lost;
mod mirror;
mod named;
