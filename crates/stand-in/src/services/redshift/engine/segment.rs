//! The files that rows lie in: written whole, synced, then never changed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use datafusion::{
    arrow::{datatypes::SchemaRef, record_batch::RecordBatch},
    parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties},
};

use super::{catalog::Segment, failure::Failure};

/// A segment in the making. Dropped unfinished, or unnamed by the catalogue, its file is swept away later.
pub(super) struct SegmentWriter {
    path: PathBuf,
    name: String,
    rows: u64,
    writer: ArrowWriter<File>,
}

impl SegmentWriter {
    pub(super) fn create(folder: &Path, schema: SchemaRef) -> Result<Self, Failure> {
        let name = format!("{:032x}.parquet", rand::random::<u128>());
        let path = folder.join(&name);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(File::create(&path)?, schema, Some(properties))?;
        Ok(Self { path, name, rows: 0, writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// The segment, safely on disk; nothing where it has no rows.
    pub(super) fn finish(self) -> Result<Option<Segment>, Failure> {
        let file = self.writer.into_inner()?;
        if self.rows == 0 {
            fs::remove_file(&self.path)?;
            return Ok(None);
        }
        file.sync_all()?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Some(Segment { file: self.name, rows: self.rows }))
    }
}
