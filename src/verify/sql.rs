//! What SQL finds through the catalog.

use std::ops::RangeInclusive;

use aws_sdk_athena::Client;

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

/// What a table holds of some tickets, as [`super::Tally`] counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Rows, doubled ones included.
    pub documents: u64,
    /// Distinct (ticket, item) pairs.
    pub distinct: u64,
    /// Sum of the ticket numbers of the distinct pairs.
    pub ticket_sum: u128,
}

/// Why it is not known what the table holds.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The query gave something else than one row of three numbers.
    #[error("the count over {table} gave {answer}, not one row of three whole numbers")]
    Answer {
        /// The table.
        table: String,
        /// What came instead.
        answer: String,
    },
}

/// A count has one row; a second would show that it is none.
const ONE_ROW_AND_A_CHECK: usize = 2;

/// Counts the rows of some tickets.
pub async fn count(client: &Client, table: &Table, tickets: &[RangeInclusive<u64>]) -> Result<Counted, SqlError> {
    let sql = statement(&table.table, tickets);
    let answer = query::run(client, &table.workgroup, &table.database, &sql, ONE_ROW_AND_A_CHECK).await?;
    let numbers = answer.rows.first().map(|row| row.iter().map(number).collect::<Option<Vec<u128>>>());
    match numbers {
        Some(Some(row)) if row.len() == 3 && answer.rows.len() == 1 => {
            Ok(Counted { documents: row[0] as u64, distinct: row[1] as u64, ticket_sum: row[2] })
        }
        _ => Err(SqlError::Answer { table: table.table.clone(), answer: format!("{:?}", answer.rows) }),
    }
}

/// A sum over no rows is NULL.
fn number(value: &Option<String>) -> Option<u128> {
    value.as_deref().map_or(Some(0), |digits| digits.parse().ok())
}

fn statement(table: &str, tickets: &[RangeInclusive<u64>]) -> String {
    let ranges: Vec<String> =
        tickets.iter().map(|r| format!("ss_ticket_number BETWEEN {} AND {}", r.start(), r.end())).collect();
    let condition = if ranges.is_empty() { "1 = 0".to_owned() } else { ranges.join(" OR ") };
    format!(
        "SELECT sum(n), count(*), sum(ticket) FROM (\
         SELECT ss_ticket_number AS ticket, ss_item_sk AS item, count(*) AS n FROM {table} \
         WHERE {condition} GROUP BY ss_ticket_number, ss_item_sk) AS keys"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tickets_that_were_asked_for_are_counted() {
        let sql = statement("t", &[1..=4, 9..=9]);
        assert!(sql.contains("WHERE ss_ticket_number BETWEEN 1 AND 4 OR ss_ticket_number BETWEEN 9 AND 9 GROUP"));
        assert!(statement("t", &[]).contains("WHERE 1 = 0"));
    }

    #[test]
    fn null_counts_as_nothing_and_text_is_refused() {
        assert_eq!(number(&None), Some(0));
        assert_eq!(number(&Some("42".into())), Some(42));
        assert_eq!(number(&Some("4.2".into())), None);
    }
}
