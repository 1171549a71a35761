use demo_formats::schema::{Field, Type};

use super::json;

/// How one TPC-DS row becomes a struct of the schema: fields named as the row's columns are copied, structs are joined
/// by a key column of the row. The one rule for NULL: a NULL column is null, and a struct whose key is NULL is null.
pub(super) struct Template {
    slots: Vec<Slot>,
}

struct Slot {
    /// `{"name":` or `,"name":`.
    lead: Vec<u8>,
    source: Source,
}

enum Source {
    Number(usize),
    Text(usize),
    Joined(Dimension, usize),
}

/// What a struct can be joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Address,
    CustomerDemographics,
    CustomersHousehold,
    Date,
    IncomeBand,
    Item,
}

/// A struct of the schema to join: its name, with what, by which column of the row.
pub(super) type Join = (&'static str, Dimension, &'static str);

/// No TPC-DS row used here has more columns.
const MOST_COLUMNS: usize = 32;

impl Template {
    /// A template for these fields from rows with these columns (separated by white space, in the printed order).
    pub(super) fn new(fields: &[Field], columns: &str, joins: &[Join]) -> Self {
        let columns: Vec<_> = columns.split_whitespace().collect();
        let position = |name: &str| {
            columns.iter().position(|column| *column == name).expect("every field of the schema is a column of its row")
        };
        let source = |field: &Field| match field.kind {
            Type::BigInt | Type::Double => Source::Number(position(&field.name)),
            Type::String => Source::Text(position(&field.name)),
            Type::Boolean | Type::Decimal | Type::Array(_) => {
                unreachable!("a sale has numbers, texts and structs only")
            }
            Type::Struct(_) => {
                let (_, dimension, key) =
                    joins.iter().find(|(name, ..)| *name == field.name).expect("every struct of the schema is joined");
                Source::Joined(*dimension, position(key))
            }
        };
        let slot = |(index, field): (usize, &Field)| {
            let open = if index == 0 { '{' } else { ',' };
            Slot { lead: format!("{open}\"{}\":", field.name).into_bytes(), source: source(field) }
        };
        Self { slots: fields.iter().enumerate().map(slot).collect() }
    }

    /// Appends the struct made from a printed row; `join` appends the struct of a dimension's key.
    pub(super) fn render(&self, row: &[u8], out: &mut Vec<u8>, join: &mut dyn FnMut(Dimension, i64, &mut Vec<u8>)) {
        let columns = columns(row);
        for slot in &self.slots {
            out.extend_from_slice(&slot.lead);
            match slot.source {
                Source::Number(column) if !columns[column].is_empty() => out.extend_from_slice(columns[column]),
                Source::Text(column) if !columns[column].is_empty() => json::string(columns[column], out),
                Source::Joined(dimension, column) => match key(columns[column]) {
                    Some(key) => join(dimension, key, out),
                    None => json::null(out),
                },
                Source::Number(_) | Source::Text(_) => json::null(out),
            }
        }
        out.push(b'}');
    }
}

fn columns(row: &[u8]) -> [&[u8]; MOST_COLUMNS] {
    let mut columns: [&[u8]; MOST_COLUMNS] = [&[]; MOST_COLUMNS];
    for (column, text) in columns.iter_mut().zip(row.split(|byte| *byte == b'|')) {
        *column = text;
    }
    columns
}

/// A surrogate key of a printed row; NULL is `None`.
fn key(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The surrogate key in a column of a printed row.
pub(super) fn key_in(row: &[u8], column: usize) -> Option<i64> {
    row.split(|byte| *byte == b'|').nth(column).and_then(key)
}
