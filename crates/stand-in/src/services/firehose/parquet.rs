//! Records of JSON made Parquet, by the columns of a table.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::{
    arrow::{
        array::{BooleanArray, RecordBatch},
        compute::filter_record_batch,
        datatypes::{Field, Schema, SchemaRef},
    },
    parquet::{
        arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
        basic::{Compression, GzipLevel},
        errors::ParquetError,
        file::properties::WriterProperties,
    },
};

use super::{ServiceError, conversion::Conversion, failure, records::Records};
use crate::hive::{self, Column, Names, Unreadable};

/// A batch is written when it has this many rows …
const BATCH_ROWS: usize = 4096;
/// … or came from this many bytes of text.
const BATCH_BYTES: usize = 4 << 20;

/// What records were made.
#[derive(Debug)]
pub(super) struct Converted {
    /// `None` where no record could be converted.
    pub(super) object: Option<Bytes>,
    /// The records that could not, as lines of JSON.
    pub(super) failed: Vec<u8>,
}

/// Makes one Parquet object; each chunk of records is freed as soon as it is in.
pub(super) fn convert(records: Vec<Records>, conversion: &Conversion) -> Result<Converted, ServiceError> {
    let mut converter = Converter::new(conversion)?;
    for chunk in records {
        chunk.iter().try_for_each(|record| converter.add(record, chunk.oldest_ms()))?;
    }
    converter.finish()
}

struct Converter<'a> {
    conversion: &'a Conversion,
    schema: SchemaRef,
    names: Names,
    columns: Vec<Column>,
    /// Whether each row of the batch stays; those of a record that fails do not.
    kept: Vec<bool>,
    bytes: usize,
    writer: ArrowWriter<Vec<u8>>,
    written: usize,
    failed: Vec<u8>,
}

/// Firehose's name of an error, and what it says of a record.
struct Unfit {
    code: &'static str,
    message: String,
}

impl<'a> Converter<'a> {
    fn new(conversion: &'a Conversion) -> Result<Self, ServiceError> {
        let field = |(name, kind): &(String, String)| {
            let data_type = hive::arrow_type(kind).map_err(ServiceError::internal)?;
            Ok::<_, ServiceError>(Field::new(name, data_type, true))
        };
        let fields = conversion.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(Schema::new(fields));
        let keys = conversion.keys.clone().with_dots_in_keys(conversion.dots_in_keys);
        let properties = WriterProperties::builder().set_compression(compression(&conversion.compression)).build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(Self {
            conversion,
            names: Names::new(schema.fields().iter().map(|field| field.name().as_str()), &keys),
            columns: schema.fields().iter().map(|field| Column::new(field.data_type(), &keys)).collect(),
            kept: Vec::new(),
            bytes: 0,
            writer: ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options)
                .map_err(ServiceError::internal)?,
            schema,
            written: 0,
            failed: Vec::new(),
        })
    }

    fn add(&mut self, record: &[u8], arrived: u64) -> Result<(), ServiceError> {
        let first = self.kept.len();
        if let Err(Unfit { code, message }) = self.rows(record) {
            self.kept[first..].fill(false);
            let line = failure::unconverted(record, arrived, code, &message, &self.conversion.table);
            self.failed.extend_from_slice(line.as_bytes());
        }
        self.bytes += record.len();
        if self.kept.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// A row for each object of the record.
    fn rows(&mut self, record: &[u8]) -> Result<(), Unfit> {
        let mut rest = record.trim_ascii();
        if rest.is_empty() {
            return Err(Unfit::malformed("The record was empty or contained only whitespace."));
        }
        while !rest.is_empty() {
            let end = self.names.find(rest).map_err(|_| Unfit::not_json(rest))?;
            let mut read = Ok(());
            for (column, place) in self.columns.iter_mut().zip(self.names.places()) {
                read = read.and(column.append(place.map(|(from, to)| &rest[from..to])));
            }
            self.kept.push(true);
            read.map_err(|unreadable| Unfit::other_type(&unreadable))?;
            rest = rest[end..].trim_ascii();
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), ServiceError> {
        let kept = BooleanArray::from(std::mem::take(&mut self.kept));
        self.bytes = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(ServiceError::internal)?;
        let batch = filter_record_batch(&batch, &kept).map_err(ServiceError::internal)?;
        self.written += batch.num_rows();
        self.writer.write(&batch).map_err(broken)
    }

    fn finish(mut self) -> Result<Converted, ServiceError> {
        if !self.kept.is_empty() {
            self.write()?;
        }
        let object = match self.written {
            0 => None,
            _ => Some(self.writer.into_inner().map_err(broken)?.into()),
        };
        Ok(Converted { object, failed: self.failed })
    }
}

impl Unfit {
    fn malformed(message: impl Into<String>) -> Self {
        Self { code: "MalformedData", message: message.into() }
    }

    fn not_json(text: &[u8]) -> Self {
        match serde_json::from_slice::<serde_json::Value>(text) {
            Ok(_) => Self::malformed("The input JSON contained a primitive at the top level. It must be an object."),
            Err(_) => Self { code: "ParseError", message: "Encountered malformed JSON.".to_owned() },
        }
    }

    fn other_type(Unreadable { text, data_type }: &Unreadable) -> Self {
        Self::malformed(format!("Data does not match the schema. {text} is no {data_type}"))
    }
}

fn compression(name: &str) -> Compression {
    match name {
        "GZIP" => Compression::GZIP(GzipLevel::default()),
        "SNAPPY" => Compression::SNAPPY,
        _ => Compression::UNCOMPRESSED,
    }
}

fn broken(error: ParquetError) -> ServiceError {
    ServiceError::internal(format!("Parquet: {error}"))
}
