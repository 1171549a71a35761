//! The SQL engine: databases on disk, statements in transactions, queries by DataFusion.
//!
//! Rows lie in Parquet files that are written once; a small catalogue names them and is replaced whole when a transaction
//! ends. Transactions that write take turns; those that only read see the catalogue as it was when they began.
//!
//! Not covered: UPDATE, MERGE, views, procedures, CREATE TABLE AS, ALTER, GRANT, users and what they may do, TIMESTAMPTZ,
//! TIME, GEOMETRY, VARBYTE, UNPIVOT of SUPER objects, positions of SUPER elements (`AT`), AVG of whole numbers cut to a whole number, UNLOAD.

mod access;
mod aggregate;
mod calendar;
mod catalog;
mod change;
mod copy;
mod date_format;
mod dates;
mod elements;
mod failure;
mod functions;
mod kind;
mod provider;
mod record;
mod rewrite;
mod rows;
mod segment;
mod select;
mod statement;
mod system;
mod tokens;
mod transaction;
mod view;
mod warehouse;

pub(super) use self::{
    access::{Access, Roles},
    catalog::{Column, LoadError, Name, Schema},
    copy::{Copy, Role},
    failure::Failure,
    functions::canonical,
    kind::Kind,
    rows::Cell,
    select::{ResultColumn, ResultSet},
    statement::Statement,
    tokens::Cursor,
    transaction::{Outcome, Ran},
    warehouse::Warehouse,
};
