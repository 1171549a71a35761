//! The catalogue as one query sees it.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};

use super::catalog::{Catalog, Name, Table};

/// A database at one moment.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Where the segments lie.
    pub(super) folder: PathBuf,
    pub(super) catalog: Arc<Catalog>,
    pub(super) database: String,
    pub(super) search_path: Vec<String>,
    /// What GETDATE() says.
    pub(super) now: DateTime<Utc>,
}

impl View {
    /// A table that users made.
    pub(super) fn table(&self, name: &Name) -> Option<&Table> {
        self.catalog.databases.get(&self.database)?.table(name, &self.search_path).ok()
    }
}
