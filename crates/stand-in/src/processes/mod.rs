//! Processes that run on this machine for a service of the stand-in: a Lambda function's, and an ECS task's.

mod door;
mod group;
mod lines;
mod peer;

pub(crate) use self::{
    door::{Desk, Door},
    group::{Group, end_with_parent},
    lines::Lines,
};
