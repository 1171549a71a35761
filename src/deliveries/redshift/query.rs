//! SQL over the table in Redshift.

use async_trait::async_trait;
use demo_formats::schema::Structs;

use super::{RedshiftDelivery, RedshiftNames};
use crate::{
    aws::{
        Clients, Names,
        redshift::{Database, data, query},
    },
    deliveries::query::{Answer, Engine, QueryError, TOP_CATEGORIES, Table},
    engine::Cancel,
};

/// The demo query with structs as text.
const TOP_CATEGORIES_OVER_TEXT: (&str, &str) =
    ("sql/queries/redshift/top-categories.sql", include_str!("../../../sql/queries/redshift/top-categories.sql"));

struct RedshiftTable {
    clients: Clients,
    database: Database,
    names: RedshiftNames,
    structs: Structs,
}

pub(super) fn table(to: &RedshiftDelivery, names: &Names, clients: &Clients) -> Box<dyn Table> {
    let (database, names) = (to.database(&names.id), to.names(&names.id));
    Box::new(RedshiftTable { clients: clients.clone(), database, names, structs: to.structs })
}

#[async_trait]
impl Table for RedshiftTable {
    fn engine(&self) -> Engine {
        Engine::Redshift
    }

    fn name(&self) -> &str {
        &self.names.table
    }

    fn demo_query(&self) -> (&'static str, &'static str) {
        match self.structs {
            Structs::Varchar => TOP_CATEGORIES_OVER_TEXT,
            Structs::Super => TOP_CATEGORIES,
        }
    }

    async fn run(&self, sql: &str, max_rows: usize, cancel: &Cancel) -> Result<Answer, QueryError> {
        let Self { clients, database, names, .. } = self;
        let answer = query::run_unless(cancel, clients, database, &names.schema, sql, max_rows).await;
        let data::Answer { columns, rows, truncated, took } = answer.map_err(QueryError::of)?;
        Ok(Answer { columns, rows, truncated, took, scanned: None })
    }
}
