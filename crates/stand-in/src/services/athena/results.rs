//! A result as Athena writes it to S3: CSV with every value quoted, a null as nothing at all.

use datafusion::{arrow::record_batch::RecordBatch, error::Result};

use super::value_text::text;

/// A statement's result.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryResult {
    /// Name and Athena type.
    pub(super) columns: Vec<(String, String)>,
    /// The rows as CSV; the header first where it is a query's.
    pub(super) csv: Vec<u8>,
    /// How many rows were written, by a statement that writes rows.
    pub(super) written: Option<u64>,
    /// Where the list of the objects lies that it wrote.
    pub(super) manifest: Option<String>,
}

impl QueryResult {
    /// Of a statement that wrote so many rows: its one column is the count, which no row has (athena-local, "Supported API",
    /// measured).
    pub(super) fn of_written(rows: u64, manifest: Option<String>) -> Self {
        let columns = vec![("rows".to_owned(), "bigint".to_owned())];
        Self { columns, csv: Vec::new(), written: Some(rows), manifest }
    }

    /// Of lines, one in a row, whatever columns it names.
    pub(super) fn of_lines(columns: &[&str], kind: &str, lines: Vec<String>) -> Self {
        let mut csv = Vec::new();
        for line in &lines {
            write_row(&mut csv, [Some(line.as_str())].into_iter());
        }
        let columns = columns.iter().map(|name| ((*name).to_owned(), kind.to_owned()));
        Self { columns: columns.collect(), csv, ..Self::default() }
    }
}

/// One row of text; `None` is null.
pub(super) type Row = Vec<Option<String>>;

/// Adds a row.
pub(super) fn write_row<'a>(csv: &mut Vec<u8>, row: impl Iterator<Item = Option<&'a str>>) {
    for (index, value) in row.enumerate() {
        if index > 0 {
            csv.push(b',');
        }
        if let Some(value) = value {
            csv.push(b'"');
            csv.extend_from_slice(value.replace('"', "\"\"").as_bytes());
            csv.push(b'"');
        }
    }
    csv.push(b'\n');
}

/// Adds each row of a batch.
pub(super) fn write_batch(csv: &mut Vec<u8>, batch: &RecordBatch) -> Result<()> {
    for index in 0..batch.num_rows() {
        let row = batch.columns().iter().map(|column| text(column, index)).collect::<Result<Row>>()?;
        write_row(csv, row.iter().map(Option::as_deref));
    }
    Ok(())
}

/// Up to `limit` rows from byte `at` on, and where the next one begins, if there is one.
pub(super) fn read_rows(csv: &[u8], mut at: usize, limit: usize) -> (Vec<Row>, Option<usize>) {
    let mut rows = Vec::new();
    while rows.len() < limit && at < csv.len() {
        let (row, next) = read_row(csv, at);
        rows.push(row);
        at = next;
    }
    (rows, (at < csv.len()).then_some(at))
}

fn read_row(csv: &[u8], mut at: usize) -> (Row, usize) {
    let mut row = Row::new();
    loop {
        let mut value = None;
        if csv.get(at) == Some(&b'"') {
            let (text, next) = read_quoted(csv, at + 1);
            value = Some(text);
            at = next;
        }
        row.push(value);
        match csv.get(at) {
            Some(b',') => at += 1,
            _ => return (row, at + 1),
        }
    }
}

/// The content of a quoted value that begins at `at`, and what follows its closing quote.
fn read_quoted(csv: &[u8], mut at: usize) -> (String, usize) {
    let mut text = Vec::new();
    loop {
        let rest = csv.get(at..).unwrap_or_default();
        let run = rest.iter().position(|b| *b == b'"').unwrap_or(rest.len());
        text.extend_from_slice(&rest[..run]);
        at += run + 1;
        if csv.get(at) != Some(&b'"') {
            return (String::from_utf8_lossy(&text).into_owned(), at);
        }
        text.push(b'"');
        at += 1;
    }
}
