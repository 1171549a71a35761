//! How calls fail, and what happens then: what each failure is, which ones the SDK retries by itself, for which ones a
//! provider's work is repeated, and what the errors of the others say.

mod action;
mod attempts;
mod explain;
mod classify;
mod retrying;
mod quota;
mod skew;

pub(super) use action::action;
pub(super) use attempts::Attempts;
pub(super) use classify::{Failure, classify};
pub(super) use quota::advice as quota_advice;
pub(super) use retrying::retrying;
pub(super) use skew::skew;
