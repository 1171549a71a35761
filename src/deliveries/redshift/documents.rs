//! Which documents COPY loads.

use std::collections::HashMap;

use demo_formats::schema::{Field, FieldPath, REDSHIFT_TEXT, Seen, Structs, Type};

use super::RedshiftDelivery;
use crate::deliveries::{documents::Documents, parts::Unfit};

/// Columns of a table (Redshift developer guide, "CREATE TABLE").
const COLUMNS: usize = 1_600;
/// Bytes of a name (Redshift developer guide, "Names and identifiers").
const NAME: usize = 127;
/// Columns that each table has of its own (the same page, "System column names").
const SYSTEM_COLUMNS: [&str; 7] = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
/// Bytes of a row that COPY reads (Redshift developer guide, "Data sources" of COPY).
const ROW: usize = 4 << 20;

pub(super) fn check_document(document: &[u8]) -> Result<(), Unfit> {
    if document.len() <= ROW {
        return Ok(());
    }
    Err(Unfit::new(
        "a document of more than 4 MB, which COPY does not read,",
        "shorten it, or remove `deliver.redshift`",
    ))
}

/// What would lose the whole batch that it is loaded with, or the table.
pub(super) fn check_documents(to: &RedshiftDelivery, read: &Documents<'_>) -> Vec<Unfit> {
    let mut unfit: Vec<Unfit> = columns(read).into_iter().collect();
    let mut known: HashMap<String, &str> = HashMap::new();
    for column in &read.schema.columns {
        let Some(seen) = read.seen(&FieldPath(vec![column.name.clone()])) else { continue };
        unfit.extend(name(column, seen, read));
        if let Some(first) = known.insert(column.redshift_column(), &column.name) {
            let problem = format!(
                "`{first}` and `{}` (first in {}) would be one column: Redshift's names have no case",
                column.name,
                read.at(seen.first)
            );
            unfit.push(Unfit::new(problem, "rename one of them"));
        }
    }
    unfit.extend(read.seen.iter().filter_map(|seen| value(to, seen, read)));
    unfit
}

fn columns(read: &Documents<'_>) -> Option<Unfit> {
    let columns = read.schema.columns.len();
    (columns > COLUMNS).then(|| {
        let problem =
            format!("the documents have {columns} keys, and a table in Redshift has at most {COLUMNS} columns");
        Unfit::new(problem, "put some of them into an object, or remove `deliver.redshift`")
    })
}

fn name(column: &Field, seen: &Seen, read: &Documents<'_>) -> Option<Unfit> {
    // How a jsonpath escapes these is not documented.
    let unwritable = |c: char| c.is_control() || matches!(c, '\'' | '"' | '\\' | '[' | ']');
    let why = match column.redshift_column() {
        name if name.is_empty() || name.len() > NAME => format!("a name in Redshift has 1 to {NAME} bytes"),
        name if SYSTEM_COLUMNS.contains(&name.as_str()) => "each table has one of its own".to_owned(),
        name if name.contains(unwritable) => "COPY could not be told where it is".to_owned(),
        _ => return None,
    };
    let problem = format!("`{}` (first in {}) cannot be a column: {why}", column.name, read.at(seen.first));
    Some(Unfit::new(problem, "rename the key, or remove `deliver.redshift`"))
}

/// Of a column of text, what is longer than any text or has U+0000, at which COPY fails (Redshift developer guide, "Preparing
/// your input data"); of SUPER, a text inside that is longer (the same, "Limitations" of SUPER).
fn value(to: &RedshiftDelivery, seen: &Seen, read: &Documents<'_>) -> Option<Unfit> {
    let column = read.schema.column(seen.path.0.first()?)?;
    let nested = matches!(column.kind, Type::Array(_) | Type::Struct(_));
    let path = &seen.path;
    let as_super = nested && to.structs == Structs::Super;
    let longest = if as_super { seen.longest_text } else { seen.longest };
    if longest.bytes > REDSHIFT_TEXT && (seen.is_column || as_super) {
        let (bytes, at) = (longest.bytes, read.at(longest.at));
        let problem = format!("`{path}` has {bytes} bytes in {at}, and a text in Redshift has at most {REDSHIFT_TEXT}");
        let advice = match nested && !as_super {
            true => "shorten it, or set `structs: super`",
            false => "shorten it, or remove `deliver.redshift`",
        };
        return Some(Unfit::new(problem, advice));
    }
    let nul = seen.nul.filter(|_| seen.is_column && !nested)?;
    let problem = format!("`{path}` has the character U+0000 in {}, at which COPY fails", read.at(nul));
    Some(Unfit::new(problem, "leave the character out, or remove `deliver.redshift`"))
}
