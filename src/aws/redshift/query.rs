//! A question in SQL to a stack's schema.

use demo_formats::schema::redshift_name;

use super::data::{Answer, DataError, Database, Runner};
use crate::{aws::clients::Clients, engine::Cancel};

/// Asks with the schema's tables named without it, and fetches up to `max_rows` rows.
///
/// # Errors
/// As [`Runner::run`].
pub async fn run(
    clients: &Clients,
    database: &Database,
    schema: &str,
    sql: &str,
    max_rows: usize,
) -> Result<Answer, DataError> {
    run_unless(&Cancel::new(), clients, database, schema, sql, max_rows).await
}

/// [`run`], unless the flag is raised while the question runs.
///
/// # Errors
/// As [`Runner::run_unless`].
pub async fn run_unless(
    cancel: &Cancel,
    clients: &Clients,
    database: &Database,
    schema: &str,
    sql: &str,
    max_rows: usize,
) -> Result<Answer, DataError> {
    let path = format!("SET search_path TO {}", redshift_name(schema));
    let question = sql.trim().trim_end_matches(';').to_owned();
    Runner::new(clients, database).run_unless(cancel, &[path, question], max_rows).await
}
