//! Glue's databases and tables as DataFusion's catalog.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, SchemaProvider, TableProvider},
    error::Result,
};

use super::{
    failure::{Failure, fail},
    layout::Meter,
    plan::CATALOG,
    store::Store,
    table::GlueTable,
    table_name::FullName,
    view::View,
};
use crate::{services::glue::Glue, trino};

/// How many views a statement may read, each as often as it is named: a view of views that each name one twice doubles with each.
const VIEWS: usize = 256;

/// The catalog as one query sees it.
#[derive(Clone)]
pub(super) struct GlueCatalog {
    pub(super) glue: Arc<Glue>,
    pub(super) store: Arc<dyn Store>,
    meter: Arc<Meter>,
    /// The views around the query that is planned, one in the other.
    around: Vec<FullName>,
    views: Arc<AtomicUsize>,
}

impl std::fmt::Debug for GlueCatalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlueCatalog")
    }
}

impl GlueCatalog {
    pub(super) fn new(glue: Arc<Glue>, store: Arc<dyn Store>, meter: Arc<Meter>) -> Self {
        Self { glue, store, meter, around: Vec::new(), views: Arc::default() }
    }

    /// The catalog as a view's query sees it.
    pub(super) fn within(&self, view: &FullName) -> Result<Self, Failure> {
        if self.around.contains(view) {
            return Err(Failure::user("VIEW_IS_RECURSIVE: line 1:1: View is recursive"));
        }
        if self.views.fetch_add(1, Ordering::Relaxed) >= VIEWS {
            return Err(Failure::user(format!(
                "STACK_OVERFLOW: statement is too large (views, read out: more than {VIEWS}); read fewer of them"
            )));
        }
        let around = self.around.iter().chain([view]).cloned().collect();
        Ok(Self { around, ..self.clone() })
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
        let GlueCatalog { glue, store, meter, .. } = &self.catalog;
        let (name, with_path) = name.strip_suffix(trino::PATH).map_or((name, false), |name| (name, true));
        let Some(info) = glue.table(&self.name, name) else {
            return fail(missing_table(glue, &self.name, name));
        };
        if let Some(text) = &info.view {
            let name = FullName { database: self.name.to_lowercase(), table: name.to_lowercase() };
            let catalog = self.catalog.within(&name)?;
            return Ok(Some(View::read(text)?.relation(&name, Arc::new(catalog)).await?));
        }
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
