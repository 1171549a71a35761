//! Glue's databases and tables as DataFusion's catalog.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, SchemaProvider, TableProvider},
    error::Result,
};

use super::{
    failure::{Failure, fail},
    layout::Meter,
    store::Store,
    table::GlueTable,
};
use crate::{services::glue::Glue, trino};

/// The catalog's name in SQL, as Athena has it.
pub(super) const CATALOG: &str = "awsdatacatalog";

/// The catalog as one query sees it.
#[derive(Clone)]
pub(super) struct GlueCatalog {
    pub(super) glue: Arc<Glue>,
    pub(super) store: Arc<dyn Store>,
    pub(super) meter: Arc<Meter>,
}

impl std::fmt::Debug for GlueCatalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlueCatalog")
    }
}

impl CatalogProvider for GlueCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.glue.database_names()
    }

    /// A database that is not there says so when a table of it is asked for.
    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(GlueDatabase { catalog: self.clone(), name: name.to_owned() }))
    }
}

#[derive(Debug)]
struct GlueDatabase {
    catalog: GlueCatalog,
    name: String,
}

#[async_trait]
impl SchemaProvider for GlueDatabase {
    fn table_names(&self) -> Vec<String> {
        self.catalog.glue.table_names(&self.name).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let GlueCatalog { glue, store, meter } = &self.catalog;
        let (name, with_path) = name.strip_suffix(trino::PATH).map_or((name, false), |name| (name, true));
        let Some(info) = glue.table(&self.name, name) else {
            return fail(missing_table(glue, &self.name, name));
        };
        let registered = glue.partitions(&self.name, name);
        Ok(Some(Arc::new(GlueTable::new(info, registered, store.clone(), meter.clone(), with_path)?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.catalog.glue.table(&self.name, name).is_some()
    }
}

pub(super) fn missing_table(glue: &Glue, database: &str, table: &str) -> Failure {
    if glue.table_names(database).is_none() {
        return Failure::user(format!("SCHEMA_NOT_FOUND: Schema '{database}' does not exist"));
    }
    Failure::user(format!("TABLE_NOT_FOUND: Table '{CATALOG}.{database}.{table}' does not exist"))
}
