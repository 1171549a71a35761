//! SQL by Athena, over the Glue table.

use async_trait::async_trait;

use super::S3Delivery;
use crate::{
    aws::{Clients, Names, query},
    deliveries::query::{Answer, Engine, QueryError, TOP_CATEGORIES, Table},
    engine::Cancel,
    verify::sql,
};

struct GlueTable {
    athena: aws_sdk_athena::Client,
    table: sql::Table,
}

/// None without a catalog.
pub(super) fn table(s3: &S3Delivery, names: &Names, clients: &Clients) -> Option<Box<dyn Table>> {
    let table = s3.names(&names.id).table?;
    Some(Box::new(GlueTable { athena: clients.athena.clone(), table }))
}

#[async_trait]
impl Table for GlueTable {
    fn engine(&self) -> Engine {
        Engine::Athena
    }

    fn name(&self) -> &str {
        &self.table.table
    }

    fn demo_query(&self) -> (&'static str, &'static str) {
        TOP_CATEGORIES
    }

    async fn run(&self, sql: &str, max_rows: usize, cancel: &Cancel) -> Result<Answer, QueryError> {
        let sql::Table { workgroup, database, .. } = &self.table;
        let answer = query::run_unless(cancel, &self.athena, workgroup, database, sql, max_rows).await;
        let query::Answer { columns, rows, truncated, took, scanned_bytes, .. } = answer.map_err(QueryError::of)?;
        Ok(Answer { columns, rows, truncated, took, scanned: Some(scanned_bytes) })
    }
}
