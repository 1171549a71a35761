//! Objects read as rows: fetched, unzipped, split into lines, each line's first JSON object made a row.

use std::{
    io::{BufRead, BufReader},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::SchemaRef,
        record_batch::{RecordBatch, RecordBatchOptions},
    },
    error::Result,
    execution::TaskContext,
    physical_plan::{SendableRecordBatchStream, stream::RecordBatchReceiverStream, streaming::PartitionStream},
    scalar::ScalarValue,
};
use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc::Sender;

use super::{
    column::{Column, Names},
    failure::{Failure, fail},
    store::Store,
};
use crate::local::s3::Object;

/// A batch is given on when it has this many rows …
const BATCH_ROWS: usize = 4096;
/// … or came from this many bytes of text.
const BATCH_BYTES: usize = 4 << 20;

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

    fn add(&self, bytes: u64) -> Result<(), Failure> {
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
    /// The JSON documents.
    Document,
    /// This partition key.
    Partition(usize),
}

/// How documents become rows.
#[derive(Debug)]
pub(super) struct Layout {
    /// The output's columns.
    pub(super) schema: SchemaRef,
    /// One for each column.
    pub(super) origins: Vec<Origin>,
    /// The SerDe's `ignore.malformed.json`: a malformed line is a row of nulls rather than the query's end.
    pub(super) ignore_malformed: bool,
}

/// The objects that one of the scan's workers reads.
pub(super) struct Source {
    pub(super) layout: Arc<Layout>,
    pub(super) parts: Vec<Part>,
    pub(super) store: Arc<dyn Store>,
    pub(super) meter: Arc<Meter>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("layout", &self.layout).field("parts", &self.parts.len()).finish()
    }
}

impl PartitionStream for Source {
    fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(self.layout.schema.clone(), 2);
        let output = stream.tx();
        let (layout, parts) = (self.layout.clone(), self.parts.clone());
        let (store, meter) = (self.store.clone(), self.meter.clone());
        stream.spawn(async move {
            for part in parts {
                let data = fetch(store.as_ref(), &meter, &part).await?;
                let (layout, output) = (layout.clone(), output.clone());
                let reading = tokio::task::spawn_blocking(move || Reader::new(&layout, &part).read(&data, &output));
                let wanted = reading.await.map_err(|e| Failure::system(e.to_string()))??;
                if !wanted {
                    break;
                }
            }
            Ok(())
        });
        stream.build()
    }
}

async fn fetch(store: &dyn Store, meter: &Meter, part: &Part) -> Result<Bytes, Failure> {
    meter.add(part.object.size)?;
    store.get(&part.bucket, &part.object.key).await.map_err(|fault| {
        Failure::user(format!("HIVE_CANNOT_OPEN_SPLIT: s3://{}/{}: {fault}", part.bucket, part.object.key))
    })
}

/// Reads one object.
struct Reader<'a> {
    layout: &'a Layout,
    part: &'a Part,
    names: Names,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    line: u64,
}

impl<'a> Reader<'a> {
    fn new(layout: &'a Layout, part: &'a Part) -> Self {
        let fields = layout.schema.fields().iter().zip(&layout.origins);
        let fields: Vec<_> =
            fields.filter(|(_, origin)| **origin == Origin::Document).map(|(field, _)| field).collect();
        Self {
            layout,
            part,
            names: Names::new(fields.iter().map(|field| field.name().as_str())),
            columns: fields.iter().map(|field| Column::new(field.data_type())).collect(),
            rows: 0,
            bytes: 0,
            line: 0,
        }
    }

    /// Gives all rows to `output`; `false` when nobody wants more.
    fn read(mut self, data: &[u8], output: &Sender<Result<RecordBatch>>) -> Result<bool> {
        let mut text = self.text(data);
        let mut line = Vec::new();
        loop {
            line.clear();
            match text.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => self.add(line.trim_ascii())?,
                Err(e) => return fail(self.bad("HIVE_CURSOR_ERROR", &e.to_string())),
            }
            let full = self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES;
            if full && output.blocking_send(self.batch()).is_err() {
                return Ok(false);
            }
        }
        Ok(self.rows == 0 || output.blocking_send(self.batch()).is_ok())
    }

    /// The object's text, unzipped as its name or its first bytes say.
    fn text<'d>(&self, data: &'d [u8]) -> Box<dyn BufRead + 'd> {
        if self.part.object.key.ends_with(".gz") || data.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(data)))
        } else {
            Box::new(data)
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<()> {
        self.line += 1;
        if line.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        self.bytes += line.len();
        match self.names.find(line) {
            Ok(places) => {
                for (column, place) in self.columns.iter_mut().zip(places) {
                    if let Err(unreadable) = column.append(place.map(|(from, to)| &line[from..to])) {
                        let why = format!("Error parsing field value: {} as {}", unreadable.text, unreadable.data_type);
                        return fail(self.bad("HIVE_BAD_DATA", &why));
                    }
                }
                Ok(())
            }
            Err(_) if self.layout.ignore_malformed => {
                for column in &mut self.columns {
                    column.append(None).expect("every column takes a null");
                }
                Ok(())
            }
            Err(malformed) => {
                let why = format!("Row is not a valid JSON Object: malformed at byte {} of the line", malformed.at);
                fail(self.bad("HIVE_BAD_DATA", &why))
            }
        }
    }

    fn bad(&self, kind: &str, why: &str) -> Failure {
        let Part { bucket, object, .. } = self.part;
        Failure::user(format!("{kind}: s3://{bucket}/{}, line {}: {why}", object.key, self.line))
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut documents = self.columns.iter_mut();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.layout.origins.len());
        for origin in &self.layout.origins {
            columns.push(match origin {
                Origin::Document => documents.next().expect("a column for each origin in the document").finish(),
                Origin::Partition(key) => self.part.values[*key].to_array_of_size(rows)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.layout.schema.clone(), columns, &options)?)
    }
}
