//! Every integration test in one binary.

mod command;
mod floors;
mod whole;
