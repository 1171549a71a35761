//! A [`View`] as DataFusion's catalogue.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, MemTable, SchemaProvider, TableProvider},
    datasource::{
        empty::EmptyTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::Result,
};

use super::{
    catalog::{Name, Table},
    failure::{Failure, fail},
    system,
    view::View,
};

/// The schema that stands for the search path: it has the tables of all its schemas.
pub(super) const PATH: &str = "$path";
/// The schemas that every database has, searched before all others.
const SYSTEM: &str = "pg_catalog";

impl View {
    fn provide(&self, schema: &str, table: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(batch) = system::table(self, schema, table) {
            return Ok(Some(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?)));
        }
        let found = self.catalog.databases.get(&self.database).and_then(|database| database.schemas.get(schema));
        match found.and_then(|schema| schema.tables.get(table)) {
            Some(table) => Ok(Some(self.stored(table)?)),
            None => Ok(None),
        }
    }

    fn stored(&self, table: &Table) -> Result<Arc<dyn TableProvider>> {
        if table.segments.is_empty() {
            return Ok(Arc::new(EmptyTable::new(table.arrow())));
        }
        let address = |file: &str| ListingTableUrl::parse(self.folder.join(file).to_string_lossy());
        let files = table.segments.iter().map(|segment| address(&segment.file)).collect::<Result<Vec<_>>>()?;
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
        let config = ListingTableConfig::new_with_multi_paths(files).with_listing_options(options);
        Ok(Arc::new(ListingTable::try_new(config.with_schema(table.arrow()))?))
    }
}

impl CatalogProvider for View {
    fn schema_names(&self) -> Vec<String> {
        let database = self.catalog.databases.get(&self.database);
        database.map(|database| database.schemas.keys().cloned().collect()).unwrap_or_default()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(SchemaView { view: self.clone(), name: name.to_owned() }))
    }
}

#[derive(Debug)]
struct SchemaView {
    view: View,
    name: String,
}

#[async_trait]
impl SchemaProvider for SchemaView {
    fn table_names(&self) -> Vec<String> {
        let database = self.view.catalog.databases.get(&self.view.database);
        let schema = database.and_then(|database| database.schemas.get(&self.name));
        schema.map(|schema| schema.tables.keys().cloned().collect()).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let name = name.to_ascii_lowercase();
        if self.name != PATH {
            let schema = self.name.to_ascii_lowercase();
            return match self.view.provide(&schema, &name)? {
                Some(table) => Ok(Some(table)),
                None => fail(Failure::no_relation(Name { schema: Some(schema), table: name })),
            };
        }
        let path = std::iter::once(SYSTEM).chain(self.view.search_path.iter().map(String::as_str));
        for schema in path {
            if let Some(table) = self.view.provide(schema, &name)? {
                return Ok(Some(table));
            }
        }
        fail(Failure::no_relation(name))
    }

    fn table_exist(&self, _: &str) -> bool {
        true
    }
}
