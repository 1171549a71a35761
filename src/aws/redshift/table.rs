//! A table inside our schema: the one that is loaded, or the one that notes the loads.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    access,
    data::{Answer, Database, Runner},
    place::{self, Seen},
    schema::comment,
    sql::{self, TableName},
};
use crate::{
    aws::{
        clients::Clients,
        kind::{Kind, Layer},
        ownership::Ownership,
        permission::Statement,
    },
    engine::{Difference, Node, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

/// A table as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Where it is.
    pub database: Database,
    /// The schema that it lies in.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Names and types of its columns, such as `BIGINT` and `VARCHAR(4096)`.
    #[serde(default)]
    pub columns: Vec<(String, String)>,
    /// Whose it is; in its comment.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

impl Desired {
    fn title(&self) -> String {
        format!("{}.{}.{}", self.database.name, self.schema, self.name)
    }

    fn table(&self) -> TableName {
        TableName::new(&self.schema, &self.name)
    }
}

/// Knows tables.
pub struct Tables {
    clients: Clients,
    seen: Seen<Database>,
}

impl Tables {
    fn runner(&self, database: &Database) -> Runner {
        self.seen.note(database);
        Runner::new(&self.clients, database)
    }

    async fn look(&self, wanted: &Desired, statement: String) -> Result<Answer, ProviderError> {
        let found = self.runner(&wanted.database).look(statement).await;
        Ok(found.map_err(|error| error.about(&wanted.title(), ""))?.unwrap_or_default())
    }
}

#[async_trait]
impl Kind for Tables {
    type Desired = Desired;

    /// Keys are named `database.schema.table`.
    const KIND: &'static str = "redshift-table";
    const LAYER: Layer = Layer::SchemaTable;

    fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone(), seen: Seen::default() }
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        access::sql(&wanted.database)
    }

    /// Whosever it is, how its columns differ is said.
    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let relations = self.look(wanted, sql::relations(&wanted.schema)).await?;
        let same_name =
            |row: &&Vec<Option<String>>| row.first().is_some_and(|name| name.as_ref() == Some(&wanted.name));
        let Some(found) = relations.rows.iter().find(same_name) else { return Ok(Observed::Absent) };
        let columns = self.look(wanted, sql::columns(&wanted.table())).await?;
        let differs = differences(&wanted.columns, &found_columns(&columns));
        Ok(match wanted.ownership.is_on(comment(found).and_then(sql::tags_in)) {
            Ok(()) => Observed::Ours { identity: identity(wanted), ready: true, differs },
            Err(why) if differs.is_empty() => Observed::Foreign { why },
            Err(why) => Observed::Foreign { why: format!("{why}, and {}", Difference::listed(&differs)) },
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let statements = sql::create_table(&wanted.table(), &wanted.columns, &wanted.ownership.stack);
        let made = self.runner(&wanted.database).run(&statements, 0).await;
        made.map_err(|error| {
            error.about(&wanted.title(), "change the table, or allow it, then run the command again")
        })?;
        Ok(identity(wanted))
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        match self.runner(&wanted.database).run(&[sql::drop_table(&wanted.table())], 0).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_nowhere() => Ok(()),
            Err(error) => Err(error.about(&wanted.title(), "drop what depends on it, then run `demo down` again")),
        }
    }

    fn note(&self, node: &Node) {
        place::told(node).iter().for_each(|database| self.seen.note(database));
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        for database in self.seen.and_tagged(&self.clients, scope).await? {
            let answer = Runner::new(&self.clients, &database).look(sql::tagged_tables()).await;
            let answer = answer.map_err(|error| error.about(&database.title(), ""))?.unwrap_or_default();
            found.extend(answer.rows.iter().filter_map(|row| {
                let [Some(name), _, Some(schema)] = row.as_slice() else { return None };
                let ownership = Ownership::found(scope, comment(row).and_then(sql::tags_in))?;
                let command = database.command(&self.clients, &sql::drop_table(&TableName::new(schema, name)));
                let (database, schema, name) = (database.clone(), schema.clone(), name.clone());
                let wanted = Desired { database, schema, name, columns: Vec::new(), ownership };
                Some(Self::found(&wanted.title(), &wanted, command))
            }));
        }
        Ok(found)
    }
}

fn identity(wanted: &Desired) -> String {
    format!("table {} in {}", wanted.table(), wanted.database.title())
}

/// Names and types as they would be written in `CREATE TABLE`.
fn found_columns(answer: &Answer) -> Vec<(String, String)> {
    let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let column = |row: &Vec<Option<String>>| {
        (text(row, 0), written(&text(row, 1), &text(row, 2), &format!("{},{}", text(row, 3), text(row, 4))))
    };
    answer.rows.iter().map(column).collect()
}

/// The catalog's word for a type as `CREATE TABLE` takes it.
fn written(kind: &str, length: &str, digits: &str) -> String {
    match kind {
        "double precision" => "FLOAT8".to_owned(),
        "character varying" => format!("VARCHAR({length})"),
        "character" => format!("CHAR({length})"),
        "timestamp without time zone" => "TIMESTAMP".to_owned(),
        "numeric" => format!("DECIMAL({digits})"),
        other => other.to_uppercase(),
    }
}

/// Whether a column of text has more room than it needs, as for documents that were longer.
fn is_wider(is: &str, wanted: &str) -> bool {
    let room = |kind: &str| kind.strip_prefix("VARCHAR(")?.strip_suffix(')')?.parse::<u32>().ok();
    room(is).zip(room(wanted)).is_some_and(|(is, wanted)| is >= wanted)
}

/// Case is not told apart in names, as Redshift does it unless it is told to.
fn differences(wanted: &[(String, String)], found: &[(String, String)]) -> Vec<Difference> {
    if found.is_empty() {
        return vec![Difference::replace("columns", "hidden from this user", "seen")];
    }
    let of = |columns: &[(String, String)], name: &str| {
        columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, kind)| kind.clone())
    };
    let mut differences: Vec<Difference> = wanted
        .iter()
        .filter_map(|(name, kind)| match of(found, name) {
            None => Some(Difference::replace(format!("column {name}"), "missing", kind)),
            Some(is) if !is.eq_ignore_ascii_case(kind) && !is_wider(&is, kind) => {
                Some(Difference::replace(format!("column {name}"), is, kind))
            }
            Some(_) => None,
        })
        .collect();
    let more = found.iter().filter(|(name, _)| of(wanted, name).is_none());
    differences.extend(more.map(|(name, kind)| Difference::replace(format!("column {name}"), kind, "none")));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    }

    #[test]
    fn every_column_that_differs_is_named() {
        let wanted = columns(&[("a", "BIGINT"), ("b", "VARCHAR(4096)"), ("c", "FLOAT8")]);
        assert!(differences(&wanted, &wanted).is_empty());
        let wider = columns(&[("a", "BIGINT"), ("b", "VARCHAR(65535)"), ("c", "FLOAT8")]);
        assert!(differences(&wanted, &wider).is_empty());
        let found = columns(&[("a", "INTEGER"), ("b", "VARCHAR(256)"), ("d", "SUPER")]);
        assert_eq!(
            differences(&wanted, &found),
            [
                Difference::replace("column a", "INTEGER", "BIGINT"),
                Difference::replace("column b", "VARCHAR(256)", "VARCHAR(4096)"),
                Difference::replace("column c", "missing", "FLOAT8"),
                Difference::replace("column d", "SUPER", "none"),
            ]
        );
    }

    #[test]
    fn types_are_read_back_as_they_are_written() {
        let rows = [
            ["A", "bigint", "", "64", "0"],
            ["b", "character varying", "4096", "", ""],
            ["c", "double precision", "", "", ""],
            ["d", "super", "", "", ""],
            ["e", "numeric", "", "38", "0"],
        ];
        let rows =
            rows.map(|row| row.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty())).to_vec()).to_vec();
        let found = found_columns(&Answer { rows, ..Answer::default() });
        let wanted = [("a", "BIGINT"), ("b", "VARCHAR(4096)"), ("c", "FLOAT8"), ("d", "SUPER"), ("e", "DECIMAL(38,0)")];
        let wanted = columns(&wanted);
        assert!(differences(&wanted, &found).is_empty(), "{found:?}");
    }
}
