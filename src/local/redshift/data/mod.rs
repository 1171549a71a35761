//! The Redshift Data API: statements sent, run in the background, described, their results paged.

mod browse;
mod execution;
mod operations;

pub(super) use self::{
    execution::Executions,
    operations::{Data, Target},
};
