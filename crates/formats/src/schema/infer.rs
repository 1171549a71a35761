//! A schema from documents themselves, and what else they show of their fields.

mod shape;

use super::{Field, FieldPath, Schema};
use shape::Keys;

/// What documents have shown so far of the schema that they share: columns in the order in which they appeared.
///
/// Whole numbers become `BigInt`; with some beyond 64 bits among them, or alone, `Decimal`; with fractions or exponents among
/// them, or alone, `Double`; truths `Boolean`; objects `Struct`; lists `Array`; texts, whole numbers of more than 38 digits,
/// whatever was null each time, and values that agree in none of these, `String`. Null fits every type, and a key may be
/// left out.
#[derive(Clone, Debug, Default)]
pub struct Inferred {
    keys: Keys,
    documents: u64,
}

/// What documents have shown of a field. Places are what [`Inferred::add`] was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it is. The items of a list have the path of the list.
    pub path: FieldPath,
    /// Whether it is the whole value of a column, rather than something inside.
    pub is_column: bool,
    /// Where its key was first.
    pub first: u64,
    /// Where its key was twice in one object, first.
    pub twice: Option<u64>,
    /// Its longest value: a text without its quotes and escapes, anything else as it is written.
    pub longest: Longest,
    /// The longest of its values that are texts.
    pub longest_text: Longest,
    /// Where a text has the character U+0000, first.
    pub nul: Option<u64>,
    /// Where it was a number, first.
    pub number: Option<u64>,
    /// Where it was a text, first.
    pub text: Option<u64>,
}

/// The longest of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Longest {
    /// How long it is.
    pub bytes: usize,
    /// Where it was first.
    pub at: u64,
}

/// Why documents have no schema that a table could take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// There was none to look at.
    #[error("there is no document to take columns from")]
    NoDocuments,
    /// The documents are empty objects.
    #[error("the documents have no fields, so a table over them would have no columns")]
    NoColumns,
    /// An object's keys are as many as values.
    #[error("{} has more than {} different keys, which are values rather than columns; make it a list", place(.0), shape::MOST_KEYS)]
    TooManyKeys(FieldPath),
}

fn place(path: &FieldPath) -> String {
    if path.0.is_empty() { "the document".to_owned() } else { format!("`{path}`") }
}

impl Inferred {
    /// Adds what a document shows; `at` is its place, such as its line. After an error, some of it may have been added.
    ///
    /// # Errors
    /// It is not one JSON object.
    pub fn add(&mut self, document: &[u8], at: u64) -> serde_json::Result<()> {
        self.keys.read(document, at)?;
        self.documents += 1;
        Ok(())
    }

    /// How many documents were added.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The schema of everything that was added. Its names are the documents' keys, whatever a table makes of them.
    ///
    /// # Errors
    /// No table could have it.
    pub fn schema(&self) -> Result<Schema, InferError> {
        if self.documents == 0 {
            return Err(InferError::NoDocuments);
        }
        let columns = self.keys.fields(&FieldPath(Vec::new()))?;
        if columns.is_empty() { Err(InferError::NoColumns) } else { Ok(Schema { columns }) }
    }

    /// The fields at the top, for what is no table of Glue or Redshift; without what is inside of them.
    pub fn fields(&self) -> Schema {
        let field = |(name, kind)| Field::new(name, kind);
        Schema { columns: self.keys.outside().map(field).collect() }
    }

    /// Everything that the documents have shown of each field, at any depth.
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.keys.tell(&FieldPath(Vec::new()), &mut seen);
        seen
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
