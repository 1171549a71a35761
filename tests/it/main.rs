//! Every integration test in one binary.

mod stand_in;
mod stand_in_daemon;
mod stand_in_iam;
