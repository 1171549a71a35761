//! Bounds for SQL: what a statement may cost, and that its end is the end of nothing else. Athena and Redshift run theirs
//! within them.

mod depth;
mod expansion;
mod functions;
mod isolation;
mod repeatable;
mod session;
mod size;

pub(crate) use self::{
    depth::{check_depth, check_signs},
    expansion::check_expansion,
    isolation::{Ended, TIME_LIMIT, run_isolated},
    session::session,
    size::check_size,
};

/// A statement whose parts are nested more deeply than the stack is made for, or that is planned into too many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("statement is too large ({what}: more than {limit}); shorten its chains of operators or split it")]
pub(crate) struct TooLarge {
    what: &'static str,
    limit: usize,
}
