//! Rows and columns, as a table for people, as CSV or as JSON for programs.

use comfy_table::{Cell, CellAlignment, Table, presets};
use console::{measure_text_width, truncate_str};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::visible::in_one_line;

/// What SQL's NULL is for a person, who must not take it for an empty text.
const NULL: &str = "NULL";
/// In a table that is too wide, a cell has at most so many characters.
const CELL: usize = 24;

/// A query's answer, as text; `None` is SQL's NULL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Column names with their SQL types.
    pub columns: Vec<(String, String)>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// A table; numbers to the right. Where it is wider than `width` characters, long cells are cut; where that is not
    /// enough, each row becomes a list of its columns.
    pub fn pretty(&self, width: Option<usize>) -> String {
        let whole = self.table(usize::MAX);
        let fits = |table: &Table| {
            let line = table.lines().next().unwrap_or_default();
            width.is_none_or(|width| measure_text_width(&line) <= width)
        };
        if fits(&whole) {
            return whole.to_string();
        }
        let cut = self.table(CELL);
        if fits(&cut) { cut.to_string() } else { self.lists(width.unwrap_or(usize::MAX)) }
    }

    fn table(&self, cell: usize) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY);
        table.set_header(self.columns.iter().map(|(name, _)| shown(name, cell)));
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).map(|(value, (_, kind))| {
                let cell = Cell::new(shown(value.as_deref().unwrap_or(NULL), cell));
                if is_number(kind) { cell.set_alignment(CellAlignment::Right) } else { cell }
            }));
        }
        table
    }

    /// Row by row, one line for each column.
    fn lists(&self, width: usize) -> String {
        let widths = self.columns.iter().map(|(name, _)| measure_text_width(&in_one_line(name)));
        let longest = widths.max().unwrap_or_default().min(width / 2);
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            text += &format!("row {}\n", number + 1);
            for (value, (name, _)) in row.iter().zip(&self.columns) {
                let name = shown(name, longest);
                let line = format!("  {name:longest$}  {}", in_one_line(value.as_deref().unwrap_or(NULL)));
                text += &format!("{}\n", shown(&line, width));
            }
        }
        text.trim_end().to_owned()
    }

    /// RFC 4180, with a header line.
    pub fn csv(&self) -> String {
        let header = self.columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(",");
        let rows = self.rows.iter().map(|row| {
            row.iter().map(|value| value.as_deref().map(quoted).unwrap_or_default()).collect::<Vec<_>>().join(",")
        });
        std::iter::once(header).chain(rows).map(|line| line + "\n").collect()
    }

    /// An array of objects, their fields in the order of the columns; numbers and nested values as such.
    ///
    /// # Errors
    /// Never for text.
    pub fn json(&self) -> serde_json::Result<String> {
        let rows: Vec<_> = self.rows.iter().map(|row| RowObject { row, columns: &self.columns }).collect();
        serde_json::to_string(&rows)
    }
}

/// A row with the names of its values.
struct RowObject<'a> {
    row: &'a [Option<String>],
    columns: &'a [(String, String)],
}

impl Serialize for RowObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.row.len()))?;
        for (value, (name, kind)) in self.row.iter().zip(self.columns) {
            match value.as_deref().map(|text| (text, json_of(text, kind))) {
                None => map.serialize_entry(name, &None::<&str>)?,
                Some((_, Some(json))) => map.serialize_entry(name, &json)?,
                Some((text, None)) => map.serialize_entry(name, text)?,
            }
        }
        map.end()
    }
}

/// The value itself, digit by digit and key by key as it was written, where its type is not text and JSON has such a value.
fn json_of(text: &str, kind: &str) -> Option<Box<RawValue>> {
    let is_nested = NESTED.iter().any(|nested| kind.starts_with(nested));
    let is_typed = is_number(kind) || is_nested || matches!(kind, "boolean" | "bool");
    RawValue::from_string(text.to_owned()).ok().filter(|_| is_typed)
}

/// What the types of nested values begin with, in Athena and in Redshift.
const NESTED: [&str; 6] = ["array", "json", "map", "row", "struct", "super"];

fn is_number(kind: &str) -> bool {
    const ATHENA: [&str; 8] = ["tinyint", "smallint", "integer", "int", "bigint", "float", "real", "double"];
    const REDSHIFT: [&str; 6] = ["int2", "int4", "int8", "float4", "float8", "numeric"];
    ATHENA.contains(&kind) || REDSHIFT.contains(&kind) || kind.starts_with("decimal")
}

/// A text in one line, cut to at most so many columns of a terminal.
fn shown(text: &str, most: usize) -> String {
    truncate_str(&in_one_line(text), most, "…").into_owned()
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

    fn wide(columns: usize) -> Rows {
        let columns: Vec<_> = (0..columns).map(|n| (format!("column_{n}"), "varchar".to_owned())).collect();
        let row = columns.iter().map(|(name, _)| Some(format!("{name} {}", "long ".repeat(40)))).collect();
        Rows { columns, rows: vec![row] }
    }

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_null_empty() {
        assert_eq!(rows().csv(), "name,n\n\"a \"\"b\"\", c\",42\n,\n");
    }

    #[test]
    fn json_keeps_order_digits_and_nested_values() {
        let kinds = ["varchar", "decimal(38,20)", "row(z integer, a integer)", "double", "super", "boolean"];
        let names = ["z", "y", "x", "w", "v", "u"];
        let columns = names.iter().zip(kinds).map(|(name, kind)| ((*name).to_owned(), kind.to_owned())).collect();
        let values = ["{}", "0.12345678901234567890", r#"{"z":1,"a":2}"#, "NaN", "[1,null]", "true"];
        let rows = Rows { columns, rows: vec![values.map(|value| Some(value.to_owned())).to_vec(), vec![None; 6]] };
        let expected = concat!(
            r#"[{"z":"{}","y":0.12345678901234567890,"x":{"z":1,"a":2},"w":"NaN","v":[1,null],"u":true},"#,
            r#"{"z":null,"y":null,"x":null,"w":null,"v":null,"u":null}]"#
        );
        assert_eq!(rows.json().expect("text"), expected);
    }

    #[test]
    fn a_terminal_sees_every_cell_and_null_is_not_nothing() {
        let pretty = rows().pretty(None);
        assert!(pretty.contains("name") && pretty.contains("42"), "{pretty}");
        assert_eq!(pretty.matches("NULL").count(), 2, "{pretty}");
    }

    #[test]
    fn a_cell_has_one_line_and_moves_no_cursor() {
        let columns = vec![("a\u{1b}[2J".to_owned(), "varchar".to_owned())];
        let pretty = Rows { columns, rows: vec![vec![Some("1\t2\n3\u{9b}".into())]] }.pretty(None);
        assert!(pretty.contains("a\\u{1b}[2J") && pretty.contains("1\\t2\\n3\\u{9b}"), "{pretty}");
    }

    #[test]
    fn what_is_too_wide_is_cut_and_what_is_wider_still_is_a_list() {
        for (columns, is_table) in [(2, true), (250, false)] {
            let pretty = wide(columns).pretty(Some(80));
            assert!(pretty.lines().all(|line| measure_text_width(line) <= 80), "{pretty}");
            assert_eq!(pretty.contains('│'), is_table, "{pretty}");
            assert!((0..columns).all(|n| pretty.contains(&format!("column_{n}"))), "{pretty}");
            assert!(
                wide(columns).pretty(None).lines().all(|line| measure_text_width(line) > 400),
                "whole where nothing limits it"
            );
        }
        assert!(wide(250).pretty(Some(80)).starts_with("row 1\n  column_0    column_0 long"));
    }
}
