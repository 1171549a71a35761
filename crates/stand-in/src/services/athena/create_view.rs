//! `CREATE VIEW` and `DROP VIEW`.

use std::sync::Arc;

use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;

use super::{
    catalog::missing_table, cursor::Cursor, failure::Failure, job::Job, plan, results::QueryResult,
    table_name::TableName, view::View,
};
use crate::trino::Refusal;

/// `CREATE [OR REPLACE] VIEW name AS query`.
pub(super) struct CreateView {
    view: TableName,
    replaces: bool,
    sql: String,
    query: Vec<TokenWithSpan>,
}

impl CreateView {
    /// Reads the statement after `VIEW`.
    pub(super) fn parse(mut cursor: Cursor<'_>, replaces: bool) -> Result<Self, Failure> {
        let view = cursor.table()?;
        if cursor.is_at(&["SECURITY", "COMMENT"]) {
            return Err(Refusal::missing(&format!("CREATE VIEW … {}", cursor.word())).into());
        }
        cursor.expect("AS")?;
        Ok(Self { view, replaces, sql: cursor.rest_of_text().to_owned(), query: cursor.rest() })
    }

    /// Runs it.
    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        if !job.parameters.is_empty() {
            return Err(Failure::user("INVALID_PARAMETER_USAGE: a view cannot have parameters"));
        }
        let name = self.view.within(&job.database);
        job.check_database(&name.database)?;
        let existing = job.catalog.glue.table(&name.database, &name.table);
        match &existing {
            Some(table) if table.view.is_none() => {
                return Err(Failure::user(format!("TABLE_ALREADY_EXISTS: line 1:1: Table already exists: '{name}'")));
            }
            Some(_) if !self.replaces => {
                return Err(Failure::user(format!("ALREADY_EXISTS: line 1:1: View already exists: '{name}'")));
            }
            _ => {}
        }
        let catalog = Arc::new(job.catalog.within(&name)?);
        let query = plan::plan(catalog, &job.database, plan::parse_query(self.query)?).await?.columns();
        let input = View::new(&self.sql, &job.database.to_lowercase(), &query)?.table_input(&name.table, &query);
        let glue = &job.catalog.glue;
        let entered = match existing {
            Some(_) => glue.update_table(&name.database, input),
            None => glue.create_table(&name.database, input),
        };
        entered.map_err(|error| Failure::user(format!("HIVE_METASTORE_ERROR: {error}")))?;
        Ok(QueryResult::default())
    }
}

/// `DROP VIEW [IF EXISTS] name`.
pub(super) struct DropView {
    view: TableName,
    is_optional: bool,
}

impl DropView {
    /// Reads the statement after `VIEW`.
    pub(super) fn parse(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        let is_optional = cursor.takes("IF EXISTS");
        let view = cursor.table()?;
        cursor.end()?;
        Ok(Self { view, is_optional })
    }

    /// Runs it.
    pub(super) fn run(&self, job: &Job) -> Result<QueryResult, Failure> {
        let (name, glue) = (self.view.within(&job.database), &job.catalog.glue);
        match glue.table(&name.database, &name.table) {
            None if self.is_optional => return Ok(QueryResult::default()),
            None => return Err(missing_table(glue, &name.database, &name.table)),
            Some(table) if table.view.is_none() => {
                return Err(Failure::user(format!(
                    "GENERIC_USER_ERROR: line 1:1: View '{name}' does not exist, but a table with that name exists. Did you mean DROP TABLE {name}?"
                )));
            }
            Some(_) => {}
        }
        let dropped = glue.delete_table(&name.database, &name.table);
        dropped.map_err(|error| Failure::user(format!("HIVE_METASTORE_ERROR: {error}")))?;
        Ok(QueryResult::default())
    }
}
