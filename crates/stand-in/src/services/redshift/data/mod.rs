//! The Redshift Data API: statements sent, run in the background, described, their results paged.

mod browse;
mod execution;
mod operations;
mod result;

pub(super) use self::{execution::Executions, operations::Data};
