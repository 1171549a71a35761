//! The operations that look into a warehouse: its databases, schemas, tables and columns.

use serde::Deserialize;
use serde_json::{Value, json};

use super::operations::{Data, metadata};
use crate::services::redshift::target::Target;
use crate::{
    service_error::ServiceError,
    services::redshift::{
        engine::{Column, ResultColumn},
        wire::{Paging, invalid},
    },
};

/// Redshift Data API reference: the most items of a page.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(in crate::services::redshift) struct Browse {
    #[serde(flatten)]
    target: Target,
    /// The database that the caller is connected to, where `Database` is the one to look into.
    connected_database: Option<String>,
    schema_pattern: Option<String>,
    table_pattern: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Data {
    pub(in crate::services::redshift) fn list_databases(&self, request: &Browse) -> Result<Value, ServiceError> {
        let (_, warehouse, _) = self.find(&request.target)?;
        let (page, token) = request.paging.page(warehouse.catalog().databases.into_keys(), PAGE)?;
        Ok(json!({"Databases": page, "NextToken": token}))
    }

    pub(in crate::services::redshift) fn list_schemas(&self, request: &Browse) -> Result<Value, ServiceError> {
        let schemas = self.schemas(request)?.into_iter().map(|(name, _)| name);
        let (page, token) = request.paging.page(schemas, PAGE)?;
        Ok(json!({"Schemas": page, "NextToken": token}))
    }

    pub(in crate::services::redshift) fn list_tables(&self, request: &Browse) -> Result<Value, ServiceError> {
        let pattern = request.table_pattern.as_deref();
        let tables = self.schemas(request)?.into_iter().flat_map(|(schema, tables)| {
            let wanted = tables.into_iter().filter(|(name, _)| is_like(name, pattern));
            wanted.map(move |(name, _)| json!({"name": name, "schema": schema, "type": "TABLE"})).collect::<Vec<_>>()
        });
        let (page, token) = request.paging.page(tables, PAGE)?;
        Ok(json!({"Tables": page, "NextToken": token}))
    }

    pub(in crate::services::redshift) fn describe_table(&self, request: &Browse) -> Result<Value, ServiceError> {
        let asked = request.table.as_deref().unwrap_or_default().to_lowercase();
        let schema = request.schema.as_deref().unwrap_or("public").to_lowercase();
        let schemas = self.schemas(request)?.into_iter().filter(|(name, _)| *name == schema);
        let mut tables = schemas.flat_map(|(_, tables)| tables).filter(|(name, _)| *name == asked);
        let columns = tables.next().map(|(_, columns)| columns).unwrap_or_default();
        let described = columns.iter().map(|column| describe(column, &schema, &asked));
        let (page, token) = request.paging.page(described, PAGE)?;
        Ok(json!({"TableName": asked, "ColumnList": page, "NextToken": token}))
    }

    /// The schemas that a request asks for, each with its tables and their columns.
    #[expect(clippy::type_complexity, reason = "names with what they name, twice")]
    fn schemas(&self, request: &Browse) -> Result<Vec<(String, Vec<(String, Vec<Column>)>)>, ServiceError> {
        let (_, warehouse, _) = self.find(&request.target)?;
        let name = request.target.database.clone().or_else(|| request.connected_database.clone());
        let name = name.ok_or_else(|| invalid("Database must be specified."))?;
        let mut databases = warehouse.catalog().databases;
        let database = databases.remove(&name);
        let database = database.ok_or_else(|| invalid(format!("FATAL: database \"{name}\" does not exist")))?;
        let wanted = database.schemas.into_iter().filter(|(name, _)| is_like(name, request.schema_pattern.as_deref()));
        let tables = |(name, schema): (String, crate::services::redshift::engine::Schema)| {
            (name, schema.tables.into_iter().map(|(name, table)| (name, table.columns)).collect())
        };
        Ok(wanted.map(tables).collect())
    }
}

fn describe(column: &Column, schema: &str, table: &str) -> Value {
    let result = ResultColumn {
        name: column.name.clone(),
        kind: column.kind,
        nullable: column.nullable,
        schema: schema.to_owned(),
        table: table.to_owned(),
    };
    let mut described = metadata(&result);
    described["columnDefault"] = column.default.clone().into();
    described
}

/// SQL's LIKE: `%` is any text, `_` any character.
fn is_like(text: &str, pattern: Option<&str>) -> bool {
    fn rest_is_like(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', more @ ..] => (0..=text.len()).any(|from| rest_is_like(&text[from..], more)),
            [one, more @ ..] => text.first().is_some_and(|c| *one == '_' || c == one) && rest_is_like(&text[1..], more),
        }
    }
    let Some(pattern) = pattern else { return true };
    rest_is_like(&text.chars().collect::<Vec<_>>(), &pattern.to_lowercase().chars().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_sql_has_them() {
        for (text, pattern, matches) in [
            ("sales", "sales", true),
            ("sales", "s%", true),
            ("sales", "%le_", true),
            ("sales", "s_l", false),
            ("", "%", true),
        ] {
            assert_eq!(is_like(text, Some(pattern)), matches, "{text} LIKE {pattern}");
        }
        assert!(is_like("anything", None));
    }
}
