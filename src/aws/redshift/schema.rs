//! The schema that our tables lie in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    access,
    data::{DataError, Database, Runner},
    place::{self, Seen},
    relations, sql,
};
use crate::{
    aws::{
        clients::Clients,
        failure::broken,
        kind::{Kind, Layer},
        ownership::Ownership,
        permission::Statement,
    },
    engine::{Cause, Foreign, Node, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

/// Statements of a transaction (Redshift Data API reference, BatchExecuteStatement).
const MOST_STATEMENTS: usize = 40;
const ALLOW: &str = "allow the database user to create schemas in this database, then run the command again";

/// A schema as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Where it is.
    pub database: Database,
    /// Its name.
    pub name: String,
    /// Whose it is; in its comment.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

impl Desired {
    fn title(&self) -> String {
        format!("{}.{}", self.database.name, self.name)
    }
}

/// Knows schemas.
pub struct Schemas {
    clients: Clients,
    seen: Seen<Database>,
}

impl Schemas {
    fn runner(&self, database: &Database) -> Runner {
        self.seen.note(database);
        Runner::new(&self.clients, database)
    }
}

#[async_trait]
impl Kind for Schemas {
    type Desired = Desired;

    /// Keys are named `database.schema`.
    const KIND: &'static str = "redshift-schema";
    const LAYER: Layer = Layer::Schema;

    fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone(), seen: Seen::default() }
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        access::sql(&wanted.database)
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let found = self.runner(&wanted.database).look(sql::find_schema(&wanted.name)).await;
        let found = found.map_err(|error| error.about(&wanted.title(), ""))?;
        let Some(row) = found.and_then(|answer| answer.rows.into_iter().next()) else { return Ok(Observed::Absent) };
        Ok(match wanted.ownership.is_on(comment(&row).and_then(sql::tags_in)) {
            Ok(()) => Observed::Ours { identity: identity(wanted), ready: true, differs: Vec::new() },
            Err(why) => Observed::Foreign { why },
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let statements = sql::create_schema(&wanted.name, &wanted.ownership.stack);
        let made = self.runner(&wanted.database).run(&statements, 0).await;
        made.map_err(|error| error.about(&wanted.title(), ALLOW))?;
        Ok(identity(wanted))
    }

    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        let Desired { database, name, ownership } = wanted;
        let others = relations::in_schema(&self.clients, database, name, ownership).await?;
        Ok(others.iter().map(|relation| relation.foreign(database, &self.clients)).collect())
    }

    async fn delete_foreign(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { database, name, ownership } = wanted;
        let others = relations::in_schema(&self.clients, database, name, ownership).await?;
        let statements: Vec<String> = others.iter().map(relations::Relation::drop_statement).collect();
        for some in statements.chunks(MOST_STATEMENTS) {
            let dropped = self.runner(database).run(some, 0).await;
            dropped
                .map_err(|error| error.about(&wanted.title(), "drop what depends on it, then run `demo down` again"))?;
        }
        Ok(())
    }

    /// What others have put into it keeps it.
    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let runner = self.runner(&wanted.database);
        let dropped = runner.run(&[sql::drop_schema(&wanted.name)], 0).await;
        match dropped {
            Ok(_) => Ok(()),
            Err(error) if error.is_nowhere() => Ok(()),
            Err(error) => Err(kept(&runner, wanted, error).await),
        }
    }

    fn note(&self, node: &Node) {
        place::told(node).iter().for_each(|database| self.seen.note(database));
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        for database in self.seen.and_tagged(&self.clients, scope).await? {
            let answer = Runner::new(&self.clients, &database).look(sql::tagged_schemas()).await;
            let answer = answer.map_err(|error| error.about(&database.title(), ""))?.unwrap_or_default();
            found.extend(answer.rows.iter().filter_map(|row| {
                let name = row.first()?.as_deref()?;
                let ownership = Ownership::found(scope, comment(row).and_then(sql::tags_in))?;
                let command = database.command(&self.clients, &sql::drop_schema(name));
                let wanted = Desired { database: database.clone(), name: name.to_owned(), ownership };
                Some(Self::found(&wanted.title(), &wanted, command))
            }));
        }
        Ok(found)
    }
}

async fn kept(runner: &Runner, wanted: &Desired, error: DataError) -> ProviderError {
    let inside = runner.look(sql::relations(&wanted.name)).await.ok().flatten().unwrap_or_default();
    let inside: Vec<String> = inside.rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    if inside.is_empty() {
        return error.about(&wanted.title(), "drop or move what depends on it, then run `demo down` again");
    }
    let message = format!(
        "it contains relations that this stack did not create: {}; nothing in it was touched",
        inside.join(", ")
    );
    broken(
        Cause::Other,
        "redshift DROP SCHEMA",
        &wanted.title(),
        message,
        "move them to another schema or drop them, then run `demo down` again",
    )
}

/// The second column of a row of name and comment.
pub(super) fn comment(row: &[Option<String>]) -> Option<&str> {
    row.get(1)?.as_deref()
}

fn identity(wanted: &Desired) -> String {
    format!("schema {} in {}", wanted.name, wanted.database.title())
}
