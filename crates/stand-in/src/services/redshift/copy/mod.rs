//! COPY: JSON documents from the stand-in's S3 into a table.

mod command;
mod documents;
mod load;
mod path;
mod source;
mod value;

pub(super) use self::{
    command::{Copy, Role},
    load::{Input, Loaded},
};
