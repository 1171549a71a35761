//! Counts documents by SQL through the catalog.

use aws_sdk_athena::Client;
use demo_formats::schema::{FieldPath, hive_name};
use demo_workload::{Identity, KindKeys};

use super::{
    expected::{Expected, Scope},
    keys::Tally,
};
use crate::aws::query::{self, QueryError};

/// Where the table is, and who asks.
#[derive(Clone, Debug)]
pub struct Table {
    /// Athena workgroup.
    pub workgroup: String,
    /// Glue database.
    pub database: String,
    /// Glue table.
    pub table: String,
}

/// The expected documents that a table has, as [`Tally`] counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Rows, equal ones included.
    pub documents: u64,
    /// Distinct keys; not known if documents are identified by their whole line.
    pub distinct: Option<u64>,
    /// Sum of the ticket numbers of the distinct keys; of `store_sales` only.
    pub ticket_sum: Option<u128>,
}

/// Why the table cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The query gave something else than one row of numbers.
    #[error("the count over {table} gave {answer}, not one row of whole numbers")]
    Answer {
        /// The table.
        table: String,
        /// What came instead.
        answer: String,
    },
}

/// A count has one row; a second would show that it is none.
const ONE_ROW_AND_A_CHECK: usize = 2;

/// Counts the rows of the expected documents.
pub async fn count(client: &Client, table: &Table, expected: &Expected) -> Result<Counted, SqlError> {
    let sql = statement(&table.table, expected);
    let answer = query::run(client, &table.workgroup, &table.database, &sql, ONE_ROW_AND_A_CHECK).await?;
    let counted = Counted::from_rows(&answer.rows);
    counted.ok_or_else(|| SqlError::Answer { table: table.table.clone(), answer: format!("{:?}", answer.rows) })
}

/// Counts the rows without a key, of whatever run; `None` where rows have none.
pub async fn count_without_key(client: &Client, table: &Table, expected: &Expected) -> Result<Option<u64>, SqlError> {
    let columns = key_columns(expected);
    if columns.is_empty() {
        return Ok(None);
    }
    let sql = format!("SELECT count(*) FROM \"{}\" AS {ALIAS} WHERE {}", table.table, no_key(&columns));
    let answer = query::run(client, &table.workgroup, &table.database, &sql, ONE_ROW_AND_A_CHECK).await?;
    let counted = Counted::from_rows(&answer.rows).map(|counted| Some(counted.documents));
    counted.ok_or_else(|| SqlError::Answer { table: table.table.clone(), answer: format!("{:?}", answer.rows) })
}

impl Counted {
    /// Of the one row of a count: its documents, then the distinct keys and the sum of their tickets, where it has them.
    pub fn from_rows(rows: &[Vec<Option<String>>]) -> Option<Self> {
        let [row] = rows else { return None };
        let numbers: Vec<u128> = row.iter().map(number).collect::<Option<_>>()?;
        let as_u64 = |number: &u128| u64::try_from(*number).ok();
        Some(Self {
            documents: numbers.first().and_then(as_u64)?,
            distinct: numbers.get(1).and_then(as_u64),
            ticket_sum: numbers.get(2).copied(),
        })
    }

    /// Documents that are there once each: without those that the objects have doubled.
    pub fn landed(&self, objects: &Tally) -> u64 {
        self.documents.saturating_sub(objects.duplicated)
    }

    /// Where the objects say something else.
    pub fn differences(&self, objects: &Tally) -> Vec<String> {
        let pairs = [
            ("documents", u128::from(objects.documents), Some(u128::from(self.documents))),
            ("distinct keys", u128::from(objects.distinct), self.distinct.map(u128::from)),
            ("sum of ticket numbers", objects.ticket_sum, self.ticket_sum),
        ];
        let known = pairs.into_iter().filter_map(|(what, s3, sql)| Some((what, s3, sql?)));
        let differing = known.filter(|(_, s3, sql)| s3 != sql);
        differing.map(|(what, s3, sql)| format!("{what}: {s3} in the objects, {sql} by SQL")).collect()
    }
}

/// A sum over no rows is NULL.
fn number(value: &Option<String>) -> Option<u128> {
    value.as_deref().map_or(Some(0), |digits| digits.parse().ok())
}

/// What statements call a table, so that no column and no struct can be taken for it.
pub const ALIAS: &str = "demo_documents";

/// The count over a table: its answer is what [`Counted::from_rows`] reads.
pub fn statement(table: &str, expected: &Expected) -> String {
    let table = format!("\"{table}\" AS {ALIAS}");
    match (&expected.identity, &expected.scope) {
        (Identity::StoreSales, scope) => format!(
            "SELECT sum(n), count(*), sum(ticket) FROM (\
             SELECT ss_ticket_number AS ticket, ss_item_sk AS item, count(*) AS n FROM {table} \
             WHERE {} GROUP BY ss_ticket_number, ss_item_sk) AS keys",
            condition(scope)
        ),
        (Identity::Fields(_) | Identity::Kinds(_), _) => {
            let columns = key_columns(expected);
            let kept = if expected.has_apart() { format!(" WHERE NOT ({})", no_key(&columns)) } else { String::new() };
            format!(
                "SELECT sum(n), count(*) FROM (SELECT count(*) AS n FROM {table}{kept} GROUP BY {}) AS keys",
                columns.join(", ")
            )
        }
        (Identity::Line, _) => format!("SELECT count(*) FROM {table}"),
    }
}

/// The values of the key, none where whole lines are.
fn key_columns(expected: &Expected) -> Vec<String> {
    let fields = expected.identity.fields();
    fields.iter().map(|field| of_key(field, &column(field), expected)).collect()
}

/// Rows of lines that no key tells from others: every column of the key is NULL.
fn no_key(columns: &[String]) -> String {
    columns.iter().map(|column| format!("{column} IS NULL")).collect::<Vec<_>>().join(" AND ")
}

fn condition(scope: &Scope) -> String {
    let Scope::Tickets(tickets) = scope else { return "1 = 1".to_owned() };
    let ranges: Vec<String> =
        tickets.iter().map(|r| format!("ss_ticket_number BETWEEN {} AND {}", r.start(), r.end())).collect();
    if ranges.is_empty() { "1 = 0".to_owned() } else { ranges.join(" OR ") }
}

/// What a key's field says of a row: of kinds with other keys, nothing.
pub fn of_key(field: &FieldPath, value: &str, expected: &Expected) -> String {
    match expected.identity.kinds_with(field) {
        None => value.to_owned(),
        Some(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
            let kind = KindKeys::KIND;
            format!("CASE WHEN {ALIAS}.{kind} IN ({}) THEN {value} END", kinds.join(", "))
        }
    }
}

/// A field as Athena names it, in quotes, since it may be a word of SQL.
fn column(field: &FieldPath) -> String {
    let names: Vec<_> = field.0.iter().map(|key| format!("\"{}\"", hive_name(key))).collect();
    format!("{ALIAS}.{}", names.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sales(scope: Scope) -> Expected {
        Expected::new(Identity::StoreSales, scope)
    }

    #[test]
    fn only_the_tickets_that_were_asked_for_are_counted() {
        let sql = statement("t", &sales(Scope::Tickets(vec![1..=4, 9..=9])));
        assert!(sql.contains("WHERE ss_ticket_number BETWEEN 1 AND 4 OR ss_ticket_number BETWEEN 9 AND 9 GROUP"));
        assert!(statement("t", &sales(Scope::Tickets(vec![]))).contains("WHERE 1 = 0"));
    }

    #[test]
    fn own_documents_are_counted_by_their_key_or_altogether() {
        let path = |names: &[&str]| FieldPath(names.iter().map(|name| (*name).to_owned()).collect());
        let identity = Identity::Fields(vec![path(&["Order"]), path(&["t", "user-id"])]);
        assert_eq!(
            statement("t", &Expected::new(identity, Scope::All)),
            "SELECT sum(n), count(*) FROM (SELECT count(*) AS n FROM \"t\" AS demo_documents \
             GROUP BY demo_documents.\"order\", demo_documents.\"t\".\"user_id\") AS keys"
        );
        assert_eq!(
            statement("2026_table", &Expected::new(Identity::Line, Scope::All)),
            "SELECT count(*) FROM \"2026_table\" AS demo_documents"
        );
    }

    #[test]
    fn a_field_counts_for_the_kinds_that_have_it_in_their_key() {
        let path = |name: &str| FieldPath(vec![name.to_owned()]);
        let keys = [("customers", vec![path("id")]), ("orders", vec![path("id"), path("status")])];
        let identity = Identity::Kinds(KindKeys(keys.map(|(kind, key)| (kind.to_owned(), key)).to_vec()));
        assert_eq!(
            statement("t", &Expected::new(identity, Scope::All)),
            "SELECT sum(n), count(*) FROM (SELECT count(*) AS n FROM \"t\" AS demo_documents GROUP BY \
             demo_documents.\"kind\", demo_documents.\"id\", \
             CASE WHEN demo_documents.kind IN ('orders') THEN demo_documents.\"status\" END) AS keys"
        );
    }

    #[test]
    fn null_counts_as_nothing_and_text_is_refused() {
        let row = |values: &[&str]| vec![values.iter().map(|value| Some((*value).to_owned())).collect::<Vec<_>>()];
        assert_eq!(number(&None), Some(0));
        let counted = Counted { documents: 5, distinct: Some(4), ticket_sum: None };
        assert_eq!(Counted::from_rows(&row(&["5", "4"])), Some(counted));
        assert_eq!(Counted::from_rows(&row(&["4.2"])), None);
        assert_eq!(Counted::from_rows(&[]), None);
        assert_eq!(Counted::from_rows(&[row(&["1"]), row(&["1"])].concat()), None);
    }

    #[test]
    fn only_what_differs_is_a_problem() {
        let objects = Tally { documents: 5, distinct: 4, duplicated: 1, ticket_sum: 9, ..Tally::default() };
        let equal = Counted { documents: 5, distinct: Some(4), ticket_sum: Some(9) };
        assert!(equal.differences(&objects).is_empty());
        assert_eq!(equal.landed(&objects), 4);
        let problems = Counted { documents: 5, distinct: Some(3), ticket_sum: Some(8) }.differences(&objects);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("4 in the objects, 3 by SQL"), "{problems:?}");
        let counted = Counted { documents: 6, distinct: None, ticket_sum: None };
        assert_eq!(counted.differences(&objects), ["documents: 5 in the objects, 6 by SQL"]);
    }
}
