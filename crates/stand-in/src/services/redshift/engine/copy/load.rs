//! A COPY at work: documents into rows, with a record of each that does not fit.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    super::{Cell, Column, Failure, LoadError},
    command::{Copy, Paths},
    documents::{Documents, FoundDocument},
    path::{Document, Path},
    source::SourceObject,
    value::{self, Unfit},
};
use crate::services::s3::S3;

/// What a load-error row keeps of the document, and of the value (database developer guide, STL_LOAD_ERRORS).
const RAW: usize = 1024;
/// How many errors of one load are recorded; more are only counted.
const TOLD: usize = 1_000;

/// Everything that a COPY needs from outside, fetched.
pub(in crate::services::redshift) struct Input {
    copy: Copy,
    /// The columns that are loaded, with where their values are found.
    columns: Vec<(usize, Column, Path)>,
    objects: Vec<(SourceObject, Bytes)>,
}

/// What a COPY read.
#[derive(Default)]
pub(in crate::services::redshift) struct Loaded {
    /// Of the texts, unzipped.
    pub(in crate::services::redshift) bytes: i64,
    pub(in crate::services::redshift) files: i32,
    /// How many documents did not fit: as many as MAXERROR and one more at most.
    pub(in crate::services::redshift) rejected: u64,
    /// Why, in the order in which they were met; not of all where they are many.
    pub(in crate::services::redshift) errors: Vec<LoadError>,
    pub(in crate::services::redshift) is_rejected: bool,
}

impl Input {
    /// Fetches the objects of a COPY into a table of these columns.
    pub(in crate::services::redshift) async fn fetch(copy: &Copy, table: &[Column], s3: &S3) -> Result<Self, Failure> {
        let columns = columns(copy, table)?;
        let paths = paths(copy, &columns, s3).await?;
        let columns = columns.into_iter().zip(paths).map(|((at, column), path)| (at, column, path)).collect();
        Ok(Self { copy: copy.clone(), columns, objects: SourceObject::all(copy, s3).await? })
    }

    /// Reads every document; each that fits is given to `row`, with a cell for every column of the table.
    pub(in crate::services::redshift) fn load(
        mut self,
        width: usize,
        mut row: impl FnMut(Vec<Cell>) -> Result<(), Failure>,
    ) -> Result<Loaded, Failure> {
        let mut loaded = Loaded::default();
        for (source, data) in std::mem::take(&mut self.objects) {
            let text = source.text(&data, self.copy.gzip)?;
            loaded.files += 1;
            loaded.bytes += i64::try_from(text.len()).unwrap_or(i64::MAX);
            let text = String::from_utf8_lossy(&text);
            let is_broken = matches!(text, Cow::Owned(_));
            for found in Documents::of(&text) {
                let cells = match is_broken && found.text.contains(char::REPLACEMENT_CHARACTER) {
                    true => Err(unreadable(&found, 1220, "String contains invalid or unsupported UTF8 codepoints.")),
                    false => self.cells(&found, width),
                };
                match cells {
                    Ok(cells) => row(cells)?,
                    Err(mut error) => {
                        loaded.rejected += 1;
                        if loaded.errors.len() < TOLD {
                            error.file = source.to_string();
                            loaded.errors.push(*error);
                        }
                    }
                }
                if loaded.rejected > self.copy.max_errors {
                    loaded.is_rejected = true;
                    return Ok(loaded);
                }
            }
        }
        Ok(loaded)
    }

    fn cells(&self, found: &FoundDocument<'_>, width: usize) -> Result<Vec<Cell>, Box<LoadError>> {
        let document = document(found)?;
        let mut cells = vec![Cell::Null; width];
        for (at, column, path) in &self.columns {
            let value = path.find(&document);
            let cell = value::cell(value, column, &self.copy);
            cells[*at] = cell.map_err(|unfit| Box::new(unfitting(found, column, value, unfit)))?;
        }
        Ok(cells)
    }
}

fn document<'a>(found: &FoundDocument<'a>) -> Result<Document<'a>, Box<LoadError>> {
    let broken = |message: &str| unreadable(found, 1216, message);
    if !found.is_json {
        return Err(broken("Invalid value."));
    }
    serde_json::from_str(found.text).map_err(|_| broken("Invalid JSONPath format: Member is not an object."))
}

/// A document that is rejected whole.
fn unreadable(found: &FoundDocument<'_>, code: i32, message: &str) -> Box<LoadError> {
    Box::new(LoadError {
        line: found.line,
        code,
        message: message.to_owned(),
        raw_line: cut(found.text),
        ..LoadError::default()
    })
}

fn unfitting(found: &FoundDocument<'_>, column: &Column, value: Option<&RawValue>, unfit: Unfit) -> LoadError {
    LoadError {
        line: found.line,
        column: column.name.clone(),
        column_type: column.kind.short_name().to_owned(),
        column_length: column.kind.length().map(|length| length.to_string()).unwrap_or_default(),
        position: i32::try_from(unfit.position).unwrap_or(i32::MAX),
        code: unfit.code,
        message: unfit.message,
        raw_line: cut(found.text),
        raw_value: value.map(|value| cut(&value::content(value.get()))).unwrap_or_default(),
        ..LoadError::default()
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(RAW)].to_owned()
}

/// The columns that the command names, with their places in the table.
fn columns(copy: &Copy, table: &[Column]) -> Result<Vec<(usize, Column)>, Failure> {
    if copy.columns.is_empty() {
        return Ok(table.iter().cloned().enumerate().collect());
    }
    let find = |name: &String| {
        let found = table.iter().position(|column| column.name == *name);
        let at = found.ok_or_else(|| {
            Failure::new(format!("column \"{name}\" of relation \"{}\" does not exist", copy.table.table))
        })?;
        Ok((at, table[at].clone()))
    };
    copy.columns.iter().map(find).collect()
}

async fn paths(copy: &Copy, columns: &[(usize, Column)], s3: &S3) -> Result<Vec<Path>, Failure> {
    let address = match &copy.paths {
        Paths::Auto { any_case } => {
            return Ok(columns.iter().map(|(_, column)| Path::of_column(&column.name, *any_case)).collect());
        }
        Paths::Object(address) => address,
    };
    let source =
        SourceObject::parse(address).ok_or_else(|| Failure::new(format!("{address} has no bucket and key")))?;
    let object = source.get(s3).await?;
    let paths = Path::list(&object, address)?;
    if paths.len() != columns.len() {
        return Err(Failure::new(format!(
            "Number of jsonpaths and the number of columns should match. JSONPath size: {}, Number of columns in table or column list: {}",
            paths.len(),
            columns.len()
        )));
    }
    Ok(paths)
}
