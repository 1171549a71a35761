//! The name of a table in a statement.

use std::fmt;

use super::{failure::Failure, plan::CATALOG};

/// `table` or `database.table`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    database: Option<String>,
    table: String,
}

/// A table, and the database that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FullName {
    pub(super) database: String,
    pub(super) table: String,
}

impl TableName {
    /// A name as a statement of few words has it, with its quotes.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        Self::of_parts(text.split('.').map(plain).collect())
    }

    /// A name of a table, or one with its database, and with its catalog, before it.
    pub(super) fn of_parts(parts: Vec<String>) -> Result<Self, Failure> {
        match parts.as_slice() {
            [table] => Ok(Self { database: None, table: table.clone() }),
            [database, table] => Ok(Self::of(database.clone(), table.clone())),
            [catalog, database, table] if catalog == CATALOG => Ok(Self::of(database.clone(), table.clone())),
            [catalog, _, _] => Err(Failure::user(format!("CATALOG_NOT_FOUND: Catalog '{catalog}' does not exist"))),
            parts => Err(Failure::user(format!("SYNTAX_ERROR: Invalid table name {}", parts.join(".")))),
        }
    }

    /// A table of a database.
    pub(super) fn of(database: String, table: String) -> Self {
        Self { database: Some(database), table }
    }

    /// The whole name, in this database where it says no other.
    pub(super) fn within(&self, database: &str) -> FullName {
        let database = self.database.as_deref().unwrap_or(database).to_lowercase();
        FullName { database, table: self.table.clone() }
    }
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A name without its quotes, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.trim_matches(['`', '"']).to_lowercase()
}
