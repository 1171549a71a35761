//! COPY: JSON documents from the stand-in's S3 into a table.

mod command;
mod documents;
mod load;
mod path;
mod source;
mod value;

pub(in crate::services::redshift) use self::command::{Copy, Role};
pub(super) use self::load::{Input, Loaded};
