//! How calls fail, and what happens then: what each failure is, which ones the SDK retries by itself, and what the errors of the
//! others say.

mod action;
mod attempts;
mod classify;
mod quota;
mod skew;

pub(super) use action::action;
pub(super) use attempts::Attempts;
pub(super) use classify::{Failure, classify};
pub(super) use quota::{Quota, advice as quota_advice, quota_of};
pub(super) use skew::skew;
