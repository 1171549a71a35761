//! The one schema of a document, and everything that follows from it.
//!
//! A [`Schema`] is plain data: named columns, each a number, a text, a truth, a list or a struct of further fields. The Hive types that
//! Glue and Athena want, the Redshift table, the jsonpaths and the column list are renderings of it.

mod hive;
mod infer;
mod path;
mod redshift;
mod store_sales;

pub use hive::{CatalogError, JSON_SERDE, PARTITIONS, Stored, hive_name};
pub use infer::{InferError, Inferred, Longest, Seen};
pub use path::FieldPath;
pub use redshift::{REDSHIFT_LOADS, REDSHIFT_TEXT, Structs, redshift_name};
pub use store_sales::store_sales;

/// A document's columns, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Top-level columns.
    pub columns: Vec<Field>,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key in the JSON document and its column or field name in SQL.
    pub name: String,
    /// What it holds. Every value may be null.
    pub kind: Type,
    /// Bytes of its longest value as JSON has it; 0 where no documents were read.
    pub longest: usize,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A whole number of 64 bits.
    BigInt,
    /// A whole number of up to 38 digits.
    Decimal,
    /// A number with decimals.
    Double,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// Values of one type, any number of them.
    Array(Box<Type>),
    /// Further fields.
    Struct(Vec<Field>),
}

impl Field {
    /// A field from its parts.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind, longest: 0 }
    }
}

impl Type {
    fn fields(&self) -> &[Field] {
        match self {
            Self::Struct(fields) => fields,
            Self::Array(of) => of.fields(),
            _ => &[],
        }
    }

    fn leaves(&self) -> usize {
        match self {
            Self::Struct(fields) => fields.iter().map(|field| field.kind.leaves()).sum(),
            Self::Array(of) => of.leaves(),
            _ => 1,
        }
    }

    fn structs(&self) -> usize {
        let inner: usize = self.fields().iter().map(|field| field.kind.structs()).sum();
        inner + usize::from(matches!(self, Self::Struct(_)))
    }
}

impl Schema {
    /// The top-level column of that name.
    pub fn column(&self, name: &str) -> Option<&Field> {
        self.columns.iter().find(|field| field.name == name)
    }

    /// The field at a path of keys; what is in a list has no path.
    pub fn at(&self, path: &FieldPath) -> Option<&Field> {
        let (first, inner) = path.0.split_first()?;
        inner.iter().try_fold(self.column(first)?, |field, key| match &field.kind {
            Type::Struct(fields) => fields.iter().find(|field| field.name == *key),
            _ => None,
        })
    }

    /// How many values that are not structs a document holds, at any depth.
    pub fn leaves(&self) -> usize {
        self.columns.iter().map(|field| field.kind.leaves()).sum()
    }

    /// How many structs a document holds, at any depth, itself not counted.
    pub fn structs(&self) -> usize {
        self.columns.iter().map(|field| field.kind.structs()).sum()
    }

    /// The top-level column names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|field| field.name.as_str())
    }
}

/// The files below the project's root that follow from the schema of the nested `store_sales`: path and text.
pub fn files() -> Vec<(&'static str, String)> {
    let schema = store_sales();
    vec![
        ("sql/athena/store_sales.sql", schema.athena_ddl("store_sales", "${location}")),
        ("sql/redshift/store_sales.sql", schema.redshift_ddl("tpcds.streaming_store_sales", Structs::Varchar)),
        ("sql/redshift/store_sales_jsonpath.json", schema.jsonpaths()),
        ("sql/redshift/store_sales_columns.txt", schema.column_list() + "\n"),
    ]
}

#[cfg(test)]
mod tests;
