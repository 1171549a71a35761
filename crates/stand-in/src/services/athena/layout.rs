//! How objects become rows: which columns come from where, and what has been read.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{FieldRef, SchemaRef},
        record_batch::{RecordBatch, RecordBatchOptions},
    },
    error::Result,
    scalar::ScalarValue,
};

use super::failure::Failure;
use crate::{
    hive::{Delimiters, KeyMappings},
    services::s3::Object,
};

/// How many bytes of objects a query has read, and may read.
#[derive(Debug, Default)]
pub(super) struct Meter {
    scanned: AtomicU64,
    cutoff: Option<u64>,
}

impl Meter {
    pub(super) fn new(cutoff: Option<u64>) -> Self {
        Self { scanned: AtomicU64::new(0), cutoff }
    }

    pub(super) fn scanned(&self) -> u64 {
        self.scanned.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: u64) -> Result<(), Failure> {
        let scanned = self.scanned.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match self.cutoff {
            Some(limit) if scanned > limit => Err(Failure::cutoff(limit)),
            _ => Ok(()),
        }
    }
}

/// An object to read, and its partition's values.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) bucket: String,
    pub(super) object: Object,
    /// One for each partition key.
    pub(super) values: Arc<Vec<ScalarValue>>,
}

/// Where a column of the output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The documents: this column of the table.
    Document(usize),
    /// This partition key.
    Partition(usize),
    /// Where the object lies.
    Path,
}

/// What the objects hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON, an object a line.
    Json,
    /// Parquet.
    Parquet,
    /// Text, a row a line.
    Delimited(Delimiters),
}

/// How documents become rows.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// The output's columns.
    pub(super) schema: SchemaRef,
    /// One for each column.
    pub(super) origins: Vec<Origin>,
    /// How many lines of an object are above its first row.
    pub(super) header_lines: u64,
    /// Under which keys the columns' values are.
    pub(super) keys: KeyMappings,
    /// The SerDe's `ignore.malformed.json`: a malformed line is a row of nulls rather than the query's end.
    pub(super) ignore_malformed: bool,
}

impl Layout {
    /// The columns that are read from the objects.
    pub(super) fn fields(&self) -> impl Iterator<Item = &FieldRef> {
        let fields = self.schema.fields().iter().zip(&self.origins);
        fields.filter(|(_, origin)| matches!(origin, Origin::Document(_))).map(|(field, _)| field)
    }

    /// Which of the table's columns those are.
    pub(super) fn places(&self) -> Vec<usize> {
        let place = |origin: &Origin| if let Origin::Document(column) = origin { Some(*column) } else { None };
        self.origins.iter().filter_map(place).collect()
    }
}

/// Whether somebody still wants rows.
pub(super) type Wanted = bool;

impl Part {
    fn path(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.object.key)
    }

    /// A failure that lies in this object.
    pub(super) fn bad(&self, kind: &str, why: impl Display) -> Failure {
        Failure::user(format!("{kind}: {}{why}", self.path()))
    }

    /// A batch from the columns that are read from the object, and this partition's values.
    pub(super) fn batch(
        &self,
        layout: &Layout,
        mut documents: impl Iterator<Item = ArrayRef>,
        rows: usize,
    ) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(layout.origins.len());
        for origin in &layout.origins {
            columns.push(match origin {
                Origin::Document(_) => documents.next().expect("a column for each origin in the document"),
                Origin::Partition(key) => self.values[*key].to_array_of_size(rows)?,
                Origin::Path => ScalarValue::from(self.path()).to_array_of_size(rows)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(layout.schema.clone(), columns, &options)?)
    }
}
