//! Rows in the making: cells into Arrow columns.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int16Builder,
        Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::SchemaRef,
    error::ArrowError,
    record_batch::RecordBatch,
};

use super::{catalog::Table, kind::Kind};

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::services::redshift) enum Cell {
    Null,
    Whole(i64),
    Double(f64),
    /// Unscaled.
    Decimal(i128),
    Boolean(bool),
    Text(String),
    /// Since 1970.
    Days(i32),
    /// Since 1970.
    Micros(i64),
}

/// A batch of a table's rows in the making.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Builder>,
    count: usize,
}

enum Builder {
    SmallInt(Int16Builder),
    Integer(Int32Builder),
    BigInt(Int64Builder),
    Real(Float32Builder),
    Double(Float64Builder),
    Decimal(Decimal128Builder),
    Boolean(BooleanBuilder),
    Text(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Rows {
    pub(super) fn of(table: &Table) -> Self {
        let columns = table.columns.iter().map(|column| Builder::new(column.kind)).collect();
        Self { schema: table.arrow(), columns, count: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a row of a cell for each column.
    pub(super) fn push(&mut self, cells: Vec<Cell>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.count += 1;
    }

    /// The rows since the last `finish`.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.count = 0;
        RecordBatch::try_new(self.schema.clone(), self.columns.iter_mut().map(Builder::finish).collect())
    }
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::SmallInt => Self::SmallInt(Int16Builder::new()),
            Kind::Integer => Self::Integer(Int32Builder::new()),
            Kind::BigInt => Self::BigInt(Int64Builder::new()),
            Kind::Real => Self::Real(Float32Builder::new()),
            Kind::Double => Self::Double(Float64Builder::new()),
            Kind::Decimal { .. } => Self::Decimal(Decimal128Builder::new().with_data_type(kind.arrow())),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Varchar(_) | Kind::Char(_) | Kind::Super => Self::Text(StringBuilder::new()),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
        }
    }

    /// A cell of another type than the column's is a null; whoever makes cells makes them by the column.
    fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::SmallInt(values), Cell::Whole(whole)) => values.append_option(i16::try_from(whole).ok()),
            (Self::Integer(values), Cell::Whole(whole)) => values.append_option(i32::try_from(whole).ok()),
            (Self::BigInt(values), Cell::Whole(whole)) => values.append_value(whole),
            (Self::Real(values), Cell::Double(number)) => values.append_value(number as f32),
            (Self::Double(values), Cell::Double(number)) => values.append_value(number),
            (Self::Decimal(values), Cell::Decimal(number)) => values.append_value(number),
            (Self::Boolean(values), Cell::Boolean(truth)) => values.append_value(truth),
            (Self::Text(values), Cell::Text(text)) => values.append_value(text),
            (Self::Date(values), Cell::Days(days)) => values.append_value(days),
            (Self::Timestamp(values), Cell::Micros(micros)) => values.append_value(micros),
            (Self::SmallInt(values), _) => values.append_null(),
            (Self::Integer(values), _) => values.append_null(),
            (Self::BigInt(values), _) => values.append_null(),
            (Self::Real(values), _) => values.append_null(),
            (Self::Double(values), _) => values.append_null(),
            (Self::Decimal(values), _) => values.append_null(),
            (Self::Boolean(values), _) => values.append_null(),
            (Self::Text(values), _) => values.append_null(),
            (Self::Date(values), _) => values.append_null(),
            (Self::Timestamp(values), _) => values.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::SmallInt(values) => Arc::new(values.finish()),
            Self::Integer(values) => Arc::new(values.finish()),
            Self::BigInt(values) => Arc::new(values.finish()),
            Self::Real(values) => Arc::new(values.finish()),
            Self::Double(values) => Arc::new(values.finish()),
            Self::Decimal(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
        }
    }
}
