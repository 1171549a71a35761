//! Tables and views that others have made where ours are.

use super::{
    data::{At, Database, Runner},
    sql::{self, TableName},
};
use crate::{
    aws::{
        clients::Clients,
        failure::{failure, is},
        ownership::Ownership,
    },
    engine::{Foreign, ProviderError},
};

/// Schemas of Redshift's own, besides those that begin with `pg_` (Redshift developer guide, "System catalog tables").
const SYSTEM: [&str; 2] = ["information_schema", "catalog_history"];

/// A table or view without the stack's tags.
pub(super) struct Relation {
    name: TableName,
    is_view: bool,
}

impl Relation {
    /// The statement that drops it.
    pub(super) fn drop_statement(&self) -> String {
        if self.is_view { sql::drop_view(&self.name) } else { sql::drop_table(&self.name) }
    }

    pub(super) fn foreign(&self, database: &Database, clients: &Clients) -> Foreign {
        let kind = if self.is_view { "view" } else { "table" };
        let command = database.command(clients, &self.drop_statement());
        Foreign { what: format!("{kind} {}", self.name), command, only_by_hand: false }
    }
}

/// Those of one schema.
pub(super) async fn in_schema(
    clients: &Clients,
    database: &Database,
    schema: &str,
    ownership: &Ownership,
) -> Result<Vec<Relation>, ProviderError> {
    others(clients, database, ownership, |of| of == schema).await
}

/// Those in the first database of a namespace of our own, by its workgroup.
pub(super) async fn in_namespace(
    clients: &Clients,
    name: &str,
    ownership: &Ownership,
) -> Result<Vec<Foreign>, ProviderError> {
    const CALL: &str = "redshift-serverless GetNamespace";
    let found = match clients.redshift_serverless.get_namespace().namespace_name(name).send().await {
        Ok(answer) => answer.namespace,
        Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(Vec::new()),
        Err(error) => return Err(failure(CALL, name, &error)),
    };
    let Some(first) = found.and_then(|namespace| namespace.db_name) else { return Ok(Vec::new()) };
    let database = Database { at: At::Ours(name.to_owned()), name: first, secret: None };
    let is_users = |schema: &str| !schema.starts_with("pg_") && !SYSTEM.contains(&schema);
    let found = others(clients, &database, ownership, is_users).await?;
    Ok(found.iter().map(|relation| relation.foreign(&database, clients)).collect())
}

async fn others(
    clients: &Clients,
    database: &Database,
    ownership: &Ownership,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Relation>, ProviderError> {
    let answer = Runner::new(clients, database).look(sql::all_relations()).await;
    let answer = answer.map_err(|error| error.about(&database.title(), ""))?.unwrap_or_default();
    let relation = |row: &Vec<Option<String>>| {
        let [Some(schema), Some(name), Some(kind), comment] = row.as_slice() else { return None };
        let is_ours = ownership.is_on(comment.as_deref().and_then(sql::tags_in)).is_ok();
        let name = TableName::new(schema, name);
        (is_meant(schema) && !is_ours).then(|| Relation { name, is_view: kind == "v" })
    };
    Ok(answer.rows.iter().filter_map(relation).collect())
}
