//! The schema that our tables lie in.

use std::{collections::BTreeSet, sync::Mutex};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    data::{DataError, Database, Runner},
    sql,
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, desired},
        mark::Mark,
    },
    engine::{Cause, Leftover, Node, Observed, Progress, Provider, ProviderError, StackId},
};

/// The kind of its keys; their names are `database.schema`.
pub const KIND: &str = "redshift-schema";

const ALLOW: &str = "allow the database user to create schemas in this database, then try again";

/// A schema as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Where it is.
    pub database: Database,
    /// Its name.
    pub name: String,
    /// Whose it is; in its comment.
    pub mark: Mark,
}

impl Desired {
    fn title(&self) -> String {
        format!("{}.{}", self.database.name, self.name)
    }
}

/// The databases that were looked into: a stack's id does not say where its schemas and tables are.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeSet<Database>>);

impl Seen {
    pub(super) fn note(&self, database: &Database) {
        self.0.lock().expect("no panic while it is held").insert(database.clone());
    }

    pub(super) fn all(&self) -> Vec<Database> {
        self.0.lock().expect("no panic while it is held").iter().cloned().collect()
    }
}

/// Knows schemas.
pub struct Schemas {
    clients: Clients,
    seen: Seen,
}

impl Schemas {
    /// With these clients.
    pub fn new(clients: Clients) -> Self {
        Self { clients, seen: Seen::default() }
    }

    fn runner(&self, database: &Database) -> Runner {
        self.seen.note(database);
        Runner::new(&self.clients, database)
    }
}

#[async_trait]
impl Provider for Schemas {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let found = self.runner(&wanted.database).look(sql::find_schema(&wanted.name)).await;
        let found = found.map_err(|error| error.about(&wanted.title(), ""))?;
        let Some(row) = found.and_then(|answer| answer.rows.into_iter().next()) else { return Ok(Observed::Absent) };
        Ok(match wanted.mark.is_on(comment(&row).and_then(sql::marked)) {
            Ok(()) => Observed::Ours { identity: identity(&wanted), ready: true, differs: Vec::new() },
            Err(why) => Observed::Foreign { why },
        })
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let statements = sql::create_schema(&wanted.name, &wanted.mark.stack);
        let made = self.runner(&wanted.database).run(&statements, 0).await;
        made.map_err(|error| error.about(&wanted.title(), ALLOW))?;
        Ok(identity(&wanted))
    }

    async fn make_ready(&self, _node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// What others have put into it keeps it.
    async fn delete(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let wanted: Desired = desired(node)?;
        let runner = self.runner(&wanted.database);
        let dropped = runner.run(&[sql::drop_schema(&wanted.name)], 0).await;
        match dropped {
            Ok(_) => Ok(()),
            Err(error) if error.is_nowhere() => Ok(()),
            Err(error) => Err(kept(&runner, &wanted, error).await),
        }
    }

    /// In the databases that were looked into.
    async fn leftovers(&self, stack: &StackId) -> Result<Vec<Leftover>, ProviderError> {
        let mut found = Vec::new();
        for database in self.seen.all() {
            let answer = Runner::new(&self.clients, &database).look(sql::schemas_of(stack.as_str())).await;
            let answer = answer.map_err(|error| error.about(&database.title(), ""))?.unwrap_or_default();
            found.extend(answer.rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).map(|name| {
                let command = format!("in {}: {}", database.title(), sql::drop_schema(&name));
                Leftover { kind: KIND.to_owned(), name: format!("{}.{name}", database.name), command }
            }));
        }
        Ok(found)
    }
}

async fn kept(runner: &Runner, wanted: &Desired, error: DataError) -> ProviderError {
    let inside = runner.look(sql::relations(&wanted.name)).await.ok().flatten().unwrap_or_default();
    let inside: Vec<String> = inside.rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    if inside.is_empty() {
        return error.about(&wanted.title(), "drop or move what depends on it, then `demo down` again");
    }
    let message = format!("it holds what this stack has not made: {}; all of it was left as it is", inside.join(", "));
    broken(
        Cause::Other,
        "redshift DROP SCHEMA",
        &wanted.title(),
        message,
        "move these to another schema or drop them, then `demo down` again",
    )
}

/// The second column of a row of name and comment.
pub(super) fn comment(row: &[Option<String>]) -> Option<&str> {
    row.get(1)?.as_deref()
}

fn identity(wanted: &Desired) -> String {
    format!("schema {} in {}", wanted.name, wanted.database.title())
}
