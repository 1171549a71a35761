//! A Redshift table as a destination: loads delivered objects if COPY loads it, and counts rows by SQL.

use std::{collections::HashSet, ops::RangeInclusive, sync::Arc, time::Duration};

use async_trait::async_trait;
use demo_formats::schema::{FieldPath, Structs, redshift_name};
use demo_workload::{Id, Identity, IdentityError};

use super::{RedshiftDelivery, RedshiftLoad};
use crate::{
    aws::{
        Clients, Names,
        redshift::{
            Loader, LoaderError,
            data::{DataError, Runner},
            errors,
            sql::TableName,
        },
    },
    verify::{
        destination::{Conclusion, Destination, DestinationReader, Keeps, Patience, VerifyError},
        expected::{Expected, Scope},
        keys::{KeyBag, Tally},
        sql::{ALIAS, Counted, of_key},
    },
};

/// A setting of the session.
const KEEP_CASE: &str = "SET enable_case_sensitive_identifier TO true";

/// The rows of the table.
pub const DESTINATION: Destination =
    Destination { name: "Redshift", label: "Redshift", field: "landed_redshift", sql_field: None, keeps: Keeps::All };

/// A count has one row; a second would show that it is none.
const ONE_ROW_AND_A_CHECK: usize = 2;
/// Keys that are fetched at most, to name those that are missing.
const MOST_KEYS: usize = 1_000_000;
/// A document without fields, of which a row of NULLs is left.
const EMPTY: &[u8] = b"{}";
/// Loads that may fail one after the other, such as for a lock that was lost.
const MOST_FAILURES: u32 = 3;

/// The rows of some runs.
pub(super) struct Redshift {
    runner: Runner,
    rows: Rows,
    loader: Option<Loader>,
    patience: Patience,
    failures: u32,
    refused: Option<String>,
    /// Where objects lie on their way.
    staged: Staged,
    /// Whether Firehose loads, so that nobody else hears of what is refused.
    is_of_firehose: bool,
    /// Whether COPY leaves documents out.
    bears_errors: bool,
    apart: Apart,
}

/// What COPY was to leave out, or to load without a key.
#[derive(Default)]
struct Apart {
    /// Ids of the lines, rows without a key included.
    lines: KeyBag,
    rejected: Vec<Id>,
    /// Objects and lines that were looked at.
    seen: HashSet<(String, u64)>,
}

/// Where objects lie on their way.
struct Staged {
    clients: Clients,
    bucket: String,
    prefix: String,
}

/// The expected rows of a table, and how to identify them.
#[derive(Clone, Debug)]
struct Rows {
    table: TableName,
    structs: Structs,
    expected: Arc<Expected>,
}

/// Why the table cannot be counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedshiftError {
    /// A statement failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What has landed cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoaderError),
    /// A count gave something else than one row of numbers.
    #[error("the count over {table} gave {answer}, not one row of whole numbers")]
    Count {
        /// The table.
        table: String,
        /// What came instead.
        answer: String,
    },
    /// A row has no key.
    #[error("a row of {table} is not what was sent: {why}")]
    Key {
        /// The table.
        table: String,
        /// What is wrong with it.
        why: IdentityError,
    },
}

impl Redshift {
    /// Of a delivery whose stack has these names.
    pub(super) fn new(to: &RedshiftDelivery, names: &Names, clients: &Clients, expected: &Arc<Expected>) -> Self {
        let bucket = names.bucket.clone().expect("a stack with a delivery has a bucket");
        let (loader, database, names) = (to.loader(names, clients), to.database(&names.id), to.names(&names.id));
        let staged = Staged { clients: clients.clone(), bucket, prefix: to.prefix.fixed().to_owned() };
        let every = match to.load {
            RedshiftLoad::Copy { every } => every,
            RedshiftLoad::Firehose => Duration::ZERO,
        };
        let table = TableName::new(&names.schema, &names.table);
        Self {
            runner: Runner::new(clients, &database),
            rows: Rows { table, structs: to.structs, expected: expected.clone() },
            loader,
            patience: Patience::for_interval(to.buffer.interval + every),
            failures: 0,
            refused: None,
            staged,
            is_of_firehose: to.load == RedshiftLoad::Firehose,
            bears_errors: to.max_errors > 0,
            apart: Apart::default(),
        }
    }

    /// What Redshift has refused without failing the load of ours.
    async fn left_out(&self) -> Vec<String> {
        let Staged { clients, bucket, prefix } = &self.staged;
        match errors::under(bucket, prefix, &self.runner, clients).await {
            Ok(refused) => refused.iter().map(ToString::to_string).collect(),
            Err(error) => vec![format!("what COPY has refused cannot be read: {error}")],
        }
    }

    /// Loads what has landed. What was refused once is refused for good, and nothing more is waited for.
    async fn load(&mut self) -> Result<(), RedshiftError> {
        let Some(loader) = self.loader.as_mut().filter(|_| self.refused.is_none()) else { return Ok(()) };
        match loader.step().await {
            Ok(_) => self.failures = 0,
            Err(error) if error.is_lasting() => {
                self.refused = Some(error.to_string());
                self.patience.standstill = Duration::ZERO;
            }
            Err(LoaderError::Data(DataError::Ended { reason, .. })) if self.failures + 1 < MOST_FAILURES => {
                tracing::debug!("a load failed and is tried again: {reason}");
                self.failures += 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn count(&self) -> Result<Counted, RedshiftError> {
        let answer = self.runner.run(&self.rows.statements(self.rows.count()), ONE_ROW_AND_A_CHECK).await?;
        Counted::from_rows(&answer.rows).ok_or_else(|| RedshiftError::Count {
            table: self.rows.table.to_string(),
            answer: format!("{:?}", answer.rows),
        })
    }

    /// What was to be left out is in the objects, at the lines that the system views name; what was to be loaded without a
    /// key is there as rows of NULLs, which say nothing but how many they are.
    async fn look_apart(&mut self) -> Result<(), RedshiftError> {
        let Staged { clients, bucket, prefix } = &self.staged;
        let found = errors::rejected_lines((bucket, prefix), &self.runner, clients, &self.apart.seen).await?;
        for (place, text) in found {
            self.apart.rejected.extend(self.rows.expected.apart(&text));
            self.apart.seen.insert(place);
        }
        let mut lines = self.apart.rejected.clone();
        if let (Some(empty), Some(query)) = (self.rows.expected.apart(EMPTY), self.rows.without_key()) {
            let answer = self.runner.run(&self.rows.statements(query), ONE_ROW_AND_A_CHECK).await?;
            let rows = Counted::from_rows(&answer.rows).map_or(0, |counted| counted.documents);
            lines.extend(std::iter::repeat_n(empty, rows as usize));
        }
        self.apart.lines = lines.into_iter().collect();
        Ok(())
    }

    async fn keys(&self) -> Result<KeyBag, RedshiftError> {
        let answer = self.runner.run(&self.rows.statements(self.rows.all()), MOST_KEYS).await?;
        let id = |row: &Vec<Option<String>>| {
            let texts: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or_default()).collect();
            self.rows.expected.identity.of_texts(&texts)
        };
        let ids: Result<Vec<Id>, _> = answer.rows.iter().map(id).collect();
        let ids = ids.map_err(|why| RedshiftError::Key { table: self.rows.table.to_string(), why })?;
        Ok(ids.into_iter().collect())
    }
}

impl From<RedshiftError> for VerifyError {
    fn from(error: RedshiftError) -> Self {
        Self::Read(Box::new(error))
    }
}

#[async_trait]
impl DestinationReader for Redshift {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    fn patience(&self, _left: u64) -> Patience {
        self.patience
    }

    async fn read(&mut self) -> Result<u64, VerifyError> {
        self.load().await?;
        Ok(self.count().await?.documents)
    }

    /// By numbers alone where they agree with what was acknowledged of `store_sales`, where documents have no key, and
    /// where there are too many; else key by key.
    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
        let (counted, due) = (self.count().await?, acknowledged.clone().tally(acknowledged));
        let has_no_key = self.rows.expected.identity == Identity::Line;
        if has_no_key || agree(&counted, &due) || counted.documents > MOST_KEYS as u64 {
            return Ok(by_numbers(&counted, &due));
        }
        Ok(self.keys().await?.tally(acknowledged))
    }

    fn apart(&mut self) -> &mut KeyBag {
        &mut self.apart.lines
    }

    async fn rejected(&mut self) -> Result<u64, VerifyError> {
        if self.rows.expected.has_apart() {
            self.look_apart().await?;
        }
        Ok(0)
    }

    async fn conclude(&mut self, tally: &Tally) -> Result<Conclusion, VerifyError> {
        let mut problems: Vec<String> = self.refused.iter().cloned().collect();
        if tally.lost > 0 && (self.is_of_firehose || self.bears_errors) {
            problems.extend(self.left_out().await);
        }
        Ok(Conclusion { problems, ..Conclusion::default() })
    }
}

/// Whether the table holds as many documents as are due, of as many keys whose tickets have the same sum.
fn agree(counted: &Counted, due: &Tally) -> bool {
    *counted == Counted { documents: due.documents, distinct: Some(due.distinct), ticket_sum: Some(due.ticket_sum) }
}

/// What can be said without the keys: how many are missing at least, not which. As many keys of another sum are other
/// keys.
fn by_numbers(counted: &Counted, due: &Tally) -> Tally {
    let distinct = counted.distinct.unwrap_or(counted.documents.min(due.distinct));
    let lacking = due.documents.saturating_sub(counted.documents);
    let others = distinct == due.distinct && counted.ticket_sum.is_some_and(|sum| sum != due.ticket_sum);
    Tally {
        documents: counted.documents,
        distinct,
        duplicated: counted.documents.saturating_sub(due.documents),
        lost: lacking.max(due.distinct.saturating_sub(distinct)).max(u64::from(others)),
        ticket_sum: counted.ticket_sum.unwrap_or_default(),
        ..Tally::default()
    }
}

impl Rows {
    /// A query with what must come before it in its transaction. The names of attributes of SUPER are folded to lower case,
    /// in quotes too, unless identifiers have case (Redshift developer guide, "Accessing JSON fields with uppercase and
    /// mixed-case field names or attributes").
    fn statements(&self, query: String) -> Vec<String> {
        let fields = self.expected.identity.fields();
        let mut inside = fields.iter().flat_map(|field| field.0.iter().skip(1));
        let has_case = inside.any(|key| key.contains(|c: char| c.is_ascii_uppercase()));
        let case = (self.structs == Structs::Super && has_case).then(|| KEEP_CASE.to_owned());
        case.into_iter().chain([query]).collect()
    }

    fn count(&self) -> String {
        let (table, keys) = (format!("{} AS {ALIAS}", self.table), self.keys());
        if keys.is_empty() {
            return format!("SELECT COUNT(*) FROM {table} WHERE {}", self.condition());
        }
        let tickets = if self.expected.identity == Identity::StoreSales { ", SUM(k1)" } else { "" };
        let named: Vec<String> = keys.iter().zip(1..).map(|(key, at)| format!("{key} AS k{at}")).collect();
        let groups: Vec<String> = (1..=keys.len()).map(|at| at.to_string()).collect();
        format!(
            "SELECT SUM(n), COUNT(*){tickets} FROM (SELECT {}, COUNT(*) AS n FROM {table} WHERE {} GROUP BY {}) AS keys",
            named.join(", "),
            self.condition(),
            groups.join(", ")
        )
    }

    fn all(&self) -> String {
        format!("SELECT {} FROM {} AS {ALIAS} WHERE {}", self.keys().join(", "), self.table, self.condition())
    }

    fn keys(&self) -> Vec<String> {
        let fields = self.expected.identity.fields();
        fields.iter().map(|key| of_key(key, &expression(key, self.structs), &self.expected)).collect()
    }

    /// The number of rows without a key; none where rows have none.
    fn without_key(&self) -> Option<String> {
        let no_key = self.no_key()?;
        Some(format!("SELECT COUNT(*) FROM {} AS {ALIAS} WHERE {no_key}", self.table))
    }

    fn no_key(&self) -> Option<String> {
        let nulls: Vec<String> = self.keys().iter().map(|key| format!("{key} IS NULL")).collect();
        (!nulls.is_empty()).then(|| nulls.join(" AND "))
    }

    fn condition(&self) -> String {
        let Scope::Tickets(tickets) = &self.expected.scope else {
            let no_key = self.no_key().filter(|_| self.expected.has_apart());
            return no_key.map_or_else(|| "1 = 1".to_owned(), |no_key| format!("NOT ({no_key})"));
        };
        let within =
            |range: &RangeInclusive<u64>| format!("ss_ticket_number BETWEEN {} AND {}", range.start(), range.end());
        let ranges: Vec<String> = tickets.iter().map(within).collect();
        if ranges.is_empty() { "1 = 0".to_owned() } else { ranges.join(" OR ") }
    }
}

/// A value of a document in SQL, which lies in a column or inside the struct that a column holds.
fn expression(path: &FieldPath, structs: Structs) -> String {
    let (column, inside) = path.0.split_first().expect("a path has a field");
    let column = format!("{ALIAS}.{}", redshift_name(&column.to_ascii_lowercase()));
    match (inside, structs) {
        ([], _) => column,
        (inside, Structs::Varchar) => {
            let fields: Vec<String> = inside.iter().map(|field| format!("'{}'", field.replace('\'', "''"))).collect();
            format!("JSON_EXTRACT_PATH_TEXT({column}, {})", fields.join(", "))
        }
        (inside, Structs::Super) => {
            let fields: Vec<_> = inside.iter().map(|field| redshift_name(field)).collect();
            format!("{column}.{}::VARCHAR", fields.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath(text.split('.').map(str::to_owned).collect())
    }

    fn rows(identity: Identity, scope: Scope) -> Rows {
        let expected = Arc::new(Expected::new(identity, scope));
        Rows { table: TableName::new("s", "t"), structs: Structs::Varchar, expected }
    }

    #[test]
    fn only_the_tickets_that_were_asked_for_are_counted() {
        assert_eq!(
            rows(Identity::StoreSales, Scope::Tickets(vec![1..=4, 9..=9])).count(),
            "SELECT SUM(n), COUNT(*), SUM(k1) FROM (SELECT demo_documents.ss_ticket_number AS k1, \
             demo_documents.ss_item_sk AS k2, COUNT(*) AS n FROM s.t AS demo_documents WHERE ss_ticket_number BETWEEN 1 AND 4 OR ss_ticket_number BETWEEN 9 AND 9 GROUP BY 1, 2) AS keys"
        );
        let none = rows(Identity::StoreSales, Scope::Tickets(vec![]));
        assert_eq!(
            none.all(),
            "SELECT demo_documents.ss_ticket_number, demo_documents.ss_item_sk FROM s.t AS demo_documents WHERE 1 = 0"
        );
    }

    #[test]
    fn own_documents_are_counted_by_their_key_or_altogether() {
        let by_key = rows(Identity::Fields(vec![path("Order"), path("customer.id")]), Scope::All);
        assert_eq!(
            by_key.count(),
            "SELECT SUM(n), COUNT(*) FROM (SELECT demo_documents.\"order\" AS k1, \
             JSON_EXTRACT_PATH_TEXT(demo_documents.customer, 'id') AS k2, \
             COUNT(*) AS n FROM s.t AS demo_documents WHERE 1 = 1 GROUP BY 1, 2) AS keys"
        );
        assert_eq!(rows(Identity::Line, Scope::All).count(), "SELECT COUNT(*) FROM s.t AS demo_documents WHERE 1 = 1");
    }

    #[test]
    fn numbers_say_how_many_are_missing() {
        let due = Tally { documents: 10, distinct: 8, ticket_sum: 40, ..Tally::default() };
        let equal = Counted { documents: 10, distinct: Some(8), ticket_sum: Some(40) };
        assert!(agree(&equal, &due));
        assert_eq!(by_numbers(&equal, &due).lost, 0);
        let other = Counted { ticket_sum: Some(41), ..equal };
        assert!(!agree(&other, &due));
        assert_eq!(by_numbers(&other, &due).lost, 1);
        let doubled = by_numbers(&Counted { documents: 11, distinct: Some(7), ticket_sum: None }, &due);
        assert_eq!((doubled.lost, doubled.duplicated), (1, 1));
        let lines = by_numbers(&Counted { documents: 7, distinct: None, ticket_sum: None }, &due);
        assert_eq!((lines.lost, lines.duplicated, lines.landed()), (3, 0, 7));
    }

    #[test]
    fn a_value_inside_a_struct_is_reached_either_way() {
        let said = |text: &str, structs| expression(&path(text), structs).replace("demo_documents.", "");
        assert_eq!(said("A.b.C", Structs::Varchar), "JSON_EXTRACT_PATH_TEXT(a, 'b', 'C')");
        assert_eq!(said("A.b.order", Structs::Super), "a.b.\"order\"::VARCHAR");
        assert_eq!(said("user", Structs::Super), "\"user\"");
    }

    #[test]
    fn attributes_of_super_keep_their_case_where_they_have_one() {
        let first = |key: &str, structs| {
            let identity = Identity::Fields(vec![path(key)]);
            let statements = Rows { structs, ..rows(identity, Scope::All) }.statements("SELECT".to_owned());
            statements.first().cloned()
        };
        assert_eq!(first("customer.Id", Structs::Super).as_deref(), Some(KEEP_CASE));
        for (key, structs) in [("customer.Id", Structs::Varchar), ("Customer.id", Structs::Super)] {
            assert_eq!(first(key, structs).as_deref(), Some("SELECT"), "{key}");
        }
    }
}
