
pub mod query;
