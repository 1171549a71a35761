//! How calls fail, and what is done about it: what each failure is, which of them the SDK tries again by itself, which ones
//! a provider's work is done again for, and what the others' errors say.

mod action;
mod attempts;
mod explain;
mod judge;
mod patient;
mod quota;
mod skew;

pub(super) use action::action;
pub(super) use attempts::Attempts;
pub(super) use judge::{Kind, judge};
pub(super) use patient::patient;
pub(super) use quota::advice as quota_advice;
pub(super) use skew::skew;
