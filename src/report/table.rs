//! Rows and columns, as a table for people, as CSV or as JSON for programs.

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde_json::{Map, Value};

/// A query's answer, as text; `None` is SQL's NULL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Column names with their SQL types.
    pub columns: Vec<(String, String)>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// For a terminal; numbers to the right, NULL as nothing.
    pub fn pretty(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_header(self.columns.iter().map(|(name, _)| name));
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).map(|(value, (_, kind))| {
                let cell = Cell::new(value.as_deref().unwrap_or_default());
                if is_number(kind) { cell.set_alignment(CellAlignment::Right) } else { cell }
            }));
        }
        table.to_string()
    }

    /// RFC 4180, with a header line.
    pub fn csv(&self) -> String {
        let header = self.columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(",");
        let rows = self.rows.iter().map(|row| {
            row.iter().map(|value| value.as_deref().map(quoted).unwrap_or_default()).collect::<Vec<_>>().join(",")
        });
        std::iter::once(header).chain(rows).map(|line| line + "\n").collect()
    }

    /// An array of objects; numbers as numbers where JSON holds them exactly.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Option<String>>| {
            let fields = row.iter().zip(&self.columns).map(|(value, (name, kind))| (name.clone(), typed(value, kind)));
            Value::Object(fields.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

fn is_number(kind: &str) -> bool {
    const ATHENA: [&str; 8] = ["tinyint", "smallint", "integer", "int", "bigint", "float", "real", "double"];
    const REDSHIFT: [&str; 6] = ["int2", "int4", "int8", "float4", "float8", "numeric"];
    ATHENA.contains(&kind) || REDSHIFT.contains(&kind) || kind.starts_with("decimal")
}

fn typed(value: &Option<String>, kind: &str) -> Value {
    let Some(text) = value else { return Value::Null };
    let number = match kind {
        "boolean" | "bool" => text.parse().ok().map(Value::Bool),
        _ if is_number(kind) => {
            text.parse::<i64>().ok().map(Value::from).or_else(|| text.parse::<f64>().ok().map(Value::from))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Value::String(text.clone()))
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows {
            columns: vec![("name".into(), "varchar".into()), ("n".into(), "bigint".into())],
            rows: vec![vec![Some("a \"b\", c".into()), Some("42".into())], vec![None, None]],
        }
    }

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_null_empty() {
        assert_eq!(rows().csv(), "name,n\n\"a \"\"b\"\", c\",42\n,\n");
    }

    #[test]
    fn json_keeps_numbers_and_null() {
        let json = rows().json();
        assert_eq!(json[0]["n"], 42);
        assert_eq!(json[1]["name"], Value::Null);
    }

    #[test]
    fn a_terminal_sees_every_cell() {
        let pretty = rows().pretty();
        assert!(pretty.contains("name") && pretty.contains("42"), "{pretty}");
    }
}
