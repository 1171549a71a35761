//! One object, as its rows come.

use std::io::{self, Write};

use datafusion::{
    arrow::{datatypes::SchemaRef, record_batch::RecordBatch},
    parquet::{
        arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
        basic::{Compression, GzipLevel, ZstdLevel},
        errors::ParquetError,
        file::properties::WriterProperties,
    },
};
use flate2::write::GzEncoder;

use super::{
    super::failure::Failure,
    delimited,
    encoding::{Codec, Encoding, RowFormat},
    json,
};
use crate::services::s3::Draft;

/// An object that rows are written into.
pub(super) enum Encoder {
    Parquet(Box<ArrowWriter<Draft>>),
    Lines { format: RowFormat, schema: SchemaRef, output: Output, pending: Vec<u8> },
}

/// Where lines go.
pub(super) enum Output {
    Plain(Draft),
    Gzip(Box<GzEncoder<Draft>>),
}

/// Lines are passed on when there are this many bytes of them.
const PENDING: usize = 256 << 10;

impl Encoder {
    pub(super) fn new(encoding: &Encoding, schema: &SchemaRef, draft: Draft) -> Result<Self, Failure> {
        if encoding.format == RowFormat::Parquet {
            let properties = WriterProperties::builder().set_compression(compression(encoding.codec)).build();
            let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
            let writer = ArrowWriter::try_new_with_options(draft, schema.clone(), options).map_err(broken)?;
            return Ok(Self::Parquet(Box::new(writer)));
        }
        let output = match encoding.codec {
            Codec::Gzip => Output::Gzip(Box::new(GzEncoder::new(draft, flate2::Compression::default()))),
            _ => Output::Plain(draft),
        };
        Ok(Self::Lines { format: encoding.format, schema: schema.clone(), output, pending: Vec::new() })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(broken),
            Self::Lines { format, schema, output, pending } => {
                match format {
                    RowFormat::Delimited(delimiters) => delimited::write_rows(pending, batch, delimiters)?,
                    _ => json::write_rows(pending, batch, schema)?,
                }
                if pending.len() >= PENDING {
                    output.write_all(pending).map_err(unwritten)?;
                    pending.clear();
                }
                Ok(())
            }
        }
    }

    /// Writes out what it holds, where that is more than so many bytes.
    pub(super) fn hold_at_most(&mut self, bytes: usize) -> Result<(), Failure> {
        match self {
            Self::Parquet(writer) if writer.memory_size() > bytes => writer.flush().map_err(broken),
            _ => Ok(()),
        }
    }

    /// The object, whole.
    pub(super) fn finish(self) -> Result<Draft, Failure> {
        match self {
            Self::Parquet(writer) => writer.into_inner().map_err(broken),
            Self::Lines { mut output, pending, .. } => {
                output.write_all(&pending).map_err(unwritten)?;
                match output {
                    Output::Plain(draft) => Ok(draft),
                    Output::Gzip(encoder) => encoder.finish().map_err(unwritten),
                }
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(draft) => draft.write(data),
            Self::Gzip(encoder) => encoder.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn compression(codec: Codec) -> Compression {
    match codec {
        Codec::None => Compression::UNCOMPRESSED,
        Codec::Gzip => Compression::GZIP(GzipLevel::default()),
        Codec::Snappy => Compression::SNAPPY,
        Codec::Zstd => Compression::ZSTD(ZstdLevel::default()),
    }
}

fn broken(error: ParquetError) -> Failure {
    Failure::system(format!("HIVE_WRITER_DATA_ERROR: Parquet: {error}"))
}

fn unwritten(error: io::Error) -> Failure {
    Failure::system(format!("HIVE_WRITER_DATA_ERROR: {error}"))
}
