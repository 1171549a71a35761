//! Every integration test in one binary.
mod producer;
mod producer_sdk;
