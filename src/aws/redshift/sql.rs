//! The statements that Redshift is sent, as text.

use std::fmt;

use crate::aws::ownership::STACK;
pub use demo_formats::schema::REDSHIFT_LOADS as LOADS;
use demo_formats::schema::redshift_name;

/// A table and its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The schema.
    pub schema: String,
    /// The table in it.
    pub table: String,
}

impl TableName {
    /// From its parts.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

/// `schema.table`, each in quotes where it must be.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", redshift_name(&self.schema), redshift_name(&self.table))
    }
}

/// Text in quotes. A backslash escapes in Redshift, as it did in the PostgreSQL that it comes from.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// What the comment on everything of a stack says.
pub(super) fn comment_of(stack: &str) -> String {
    format!("{STACK}={stack}")
}

/// The stack's ownership tags in a comment.
pub(super) fn tags_in(comment: &str) -> Option<(&str, &str)> {
    comment.split_once('=')
}

pub(super) fn create_schema(name: &str, stack: &str) -> Vec<String> {
    let name = redshift_name(name);
    vec![format!("CREATE SCHEMA {name}"), format!("COMMENT ON SCHEMA {name} IS {}", literal(&comment_of(stack)))]
}

/// Fails where anything is in it (Redshift developer guide, "DROP SCHEMA").
pub(super) fn drop_schema(name: &str) -> String {
    format!("DROP SCHEMA {} RESTRICT", redshift_name(name))
}

/// A row with the comment, or none where there is no such schema.
pub(super) fn find_schema(name: &str) -> String {
    let name = literal(name);
    format!("SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname = {name}")
}

/// The names and comments of the schemas that carry a stack's ownership tags, of whatever stack.
pub(super) fn tagged_schemas() -> String {
    let ownership = literal(&comment_of("%"));
    format!(
        "SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n \
         WHERE obj_description(n.oid, 'pg_namespace') LIKE {ownership} ORDER BY 1"
    )
}

/// Names and comments of the tables and views of a schema. Everybody may read the catalog tables.
pub(super) fn relations(schema: &str) -> String {
    format!(
        "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n \
         ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relkind IN ('r', 'v') ORDER BY 1",
        literal(schema)
    )
}

/// Schema, name, kind (`r` or `v`) and comment of every table and view of a database, but for the catalog's own.
pub(super) fn all_relations() -> String {
    "SELECT n.nspname, c.relname, c.relkind, obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n \
     ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v') AND n.nspname <> 'pg_catalog' ORDER BY 1, 2"
        .to_owned()
}

/// Names, comments and schemas of the tables that carry a stack's ownership tags, of whatever stack.
pub(super) fn tagged_tables() -> String {
    format!(
        "SELECT c.relname, obj_description(c.oid, 'pg_class'), n.nspname FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE {} ORDER BY 3, 1",
        literal(&comment_of("%"))
    )
}

/// Name, type, length, precision and scale of each column, in order; of a table that may be seen (Redshift developer guide,
/// "SVV_COLUMNS").
pub(super) fn columns(name: &TableName) -> String {
    format!(
        "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale FROM svv_columns \
         WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position",
        literal(&name.schema),
        literal(&name.table)
    )
}

pub(super) fn create_table(name: &TableName, columns: &[(String, String)], stack: &str) -> Vec<String> {
    let columns: Vec<_> = columns.iter().map(|(name, kind)| format!("{} {kind}", redshift_name(name))).collect();
    vec![
        format!("CREATE TABLE {name} ({})", columns.join(", ")),
        format!("COMMENT ON TABLE {name} IS {}", literal(&comment_of(stack))),
    ]
}

pub(super) fn drop_table(name: &TableName) -> String {
    format!("DROP TABLE IF EXISTS {name}")
}

pub(super) fn drop_view(name: &TableName) -> String {
    format!("DROP VIEW IF EXISTS {name}")
}

/// What one COPY needs. It names no columns: the jsonpaths are in the order of the table's.
#[derive(Clone, Debug)]
pub(super) struct Copy<'a> {
    pub(super) table: &'a TableName,
    /// `s3://…`.
    pub(super) manifest: &'a str,
    /// `s3://…`.
    pub(super) jsonpaths: &'a str,
    /// An ARN; the default role when `None`.
    pub(super) role: Option<&'a str>,
    /// Documents that it may leave out.
    pub(super) max_errors: u32,
}

impl fmt::Display for Copy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, manifest, jsonpaths, role, max_errors } = self;
        let role = role.map_or("default".to_owned(), literal);
        let options = options(jsonpaths, *max_errors);
        write!(f, "COPY {table} FROM {} IAM_ROLE {role} MANIFEST {options}", literal(manifest))
    }
}

/// The options of every COPY: gzipped documents, and no analysis of a table that is loaded every few seconds.
/// One that it cannot load ends the load, unless there are no more than `max_errors`.
pub fn options(jsonpaths: &str, max_errors: u32) -> String {
    let bears = if max_errors == 0 { String::new() } else { format!(" MAXERROR {max_errors}") };
    format!("FORMAT JSON {} GZIP COMPUPDATE OFF STATUPDATE OFF{bears}", literal(jsonpaths))
}

/// The columns of [`LOADS`].
pub(crate) fn loads_columns() -> Vec<(String, String)> {
    [("batch", "BIGINT"), ("objects", "BIGINT"), ("bytes", "BIGINT"), ("loaded", "TIMESTAMP")]
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .to_vec()
}

/// One load, in a transaction of its own: whoever comes second waits for the lock, and then fails by a division by
/// zero, since the batch is noted already. So a batch is loaded once, however many try.
pub(super) fn load(copy: &Copy<'_>, batch: u64, objects: usize, bytes: u64, now: &str) -> Vec<String> {
    let loads = TableName::new(&copy.table.schema, LOADS);
    vec![
        format!("LOCK TABLE {loads}"),
        format!("SELECT 1 / (1 - COUNT(*)) AS fresh FROM {loads} WHERE batch = {batch}"),
        copy.to_string(),
        format!("INSERT INTO {loads} VALUES ({batch}, {objects}, {bytes}, {})", literal(now)),
    ]
}

/// The batches from `first` on that are loaded.
pub(super) fn loaded_since(schema: &str, first: u64) -> String {
    format!("SELECT batch FROM {} WHERE batch >= {first}", TableName::new(schema, LOADS))
}

/// Why COPY refused objects under `url`, the newest first: file, line, column, code and reason, by Serverless and by
/// clusters of today (Redshift developer guide, "SYS_LOAD_ERROR_DETAIL").
pub(super) fn load_errors(url: &str) -> String {
    format!(
        "SELECT file_name, line_number, column_name, error_code, error_message FROM sys_load_error_detail \
         WHERE file_name LIKE {} ORDER BY start_time DESC LIMIT 50",
        literal(&format!("{url}%"))
    )
}

/// The same, where that view is not there or not allowed (Redshift developer guide, "STL_LOAD_ERRORS").
pub(super) fn old_load_errors(url: &str) -> String {
    format!(
        "SELECT filename, line_number, colname, err_code, err_reason FROM stl_load_errors \
         WHERE filename LIKE {} ORDER BY starttime DESC LIMIT 50",
        literal(&format!("{url}%"))
    )
}

/// File and line of all documents under `url` that COPY has left out.
pub(super) fn rejected_lines(url: &str) -> String {
    format!(
        "SELECT DISTINCT file_name, line_number FROM sys_load_error_detail WHERE file_name LIKE {}",
        literal(&format!("{url}%"))
    )
}

/// The same, where that view is not there or not allowed.
pub(super) fn old_rejected_lines(url: &str) -> String {
    format!(
        "SELECT DISTINCT filename, line_number FROM stl_load_errors WHERE filename LIKE {}",
        literal(&format!("{url}%"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_quotes() {
        assert_eq!(literal("it's \\ a"), "'it''s \\\\ a'");
        assert_eq!(TableName::new("tpcds", "order").to_string(), "tpcds.\"order\"");
    }

    #[test]
    fn a_load_is_one_transaction_that_fails_the_second_time() {
        let table = TableName::new("s", "t");
        let copy = Copy { table: &table, manifest: "s3://m", jsonpaths: "s3://j", role: None, max_errors: 0 };
        let statements = load(&copy, 7, 2, 30, "2026-11-24 06:00:00");
        assert_eq!(
            statements,
            [
                "LOCK TABLE s.demo_loads",
                "SELECT 1 / (1 - COUNT(*)) AS fresh FROM s.demo_loads WHERE batch = 7",
                "COPY s.t FROM 's3://m' IAM_ROLE default MANIFEST FORMAT JSON 's3://j' GZIP COMPUPDATE OFF \
                 STATUPDATE OFF",
                "INSERT INTO s.demo_loads VALUES (7, 2, 30, '2026-11-24 06:00:00')",
            ]
        );
        let copy = Copy { role: Some("arn:aws:iam::1:role/r"), max_errors: 9, ..copy };
        assert!(copy.to_string().ends_with(" STATUPDATE OFF MAXERROR 9"));
        assert!(copy.to_string().contains("IAM_ROLE 'arn:aws:iam::1:role/r' MANIFEST"));
    }

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        assert_eq!(tags_in(&comment_of("a-00000001")), Some((STACK, "a-00000001")));
        assert_eq!(tags_in("sales of the year"), None);
    }
}
