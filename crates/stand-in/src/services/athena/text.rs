//! Objects of text: decompressed, split into lines, each line made a row: its first JSON object, or the values between its signs.

use std::io::{BufRead, BufReader};

use datafusion::{arrow::record_batch::RecordBatch, error::Result};
use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc::Sender;

use super::{
    failure::{Failure, fail},
    layout::{Format, Layout, Part, Wanted},
};
use crate::{
    hive::{Column, Delimiters, Malformed, Names, NoObject},
    snappy::HadoopReader,
};

/// A batch is given on when it has this many rows …
const BATCH_ROWS: usize = 4096;
/// … or came from this many bytes of text.
const BATCH_BYTES: usize = 4 << 20;

/// Reads one object.
pub(super) struct Reader<'a> {
    layout: &'a Layout,
    part: &'a Part,
    names: Names,
    /// Which of a line's values the columns are.
    places: Vec<usize>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    line: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layout: &'a Layout, part: &'a Part) -> Self {
        Self {
            layout,
            part,
            names: Names::new(layout.fields().map(|field| field.name().as_str()), &layout.keys),
            places: layout.places(),
            columns: layout.fields().map(|field| Column::new(field.data_type(), &layout.keys)).collect(),
            rows: 0,
            bytes: 0,
            line: 0,
        }
    }

    /// Gives all rows to `output`.
    pub(super) fn read(mut self, data: &[u8], output: &Sender<Result<RecordBatch>>) -> Result<Wanted> {
        let mut text = self.text(data);
        let mut line = Vec::new();
        loop {
            line.clear();
            match text.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => self.add(&line)?,
                Err(e) => return fail(self.bad("HIVE_CURSOR_ERROR", &e.to_string())),
            }
            let full = self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES;
            if full && output.blocking_send(self.batch()).is_err() {
                return Ok(false);
            }
        }
        Ok(self.rows == 0 || output.blocking_send(self.batch()).is_ok())
    }

    /// The object's text, decompressed as its name or its first bytes say. What Athena knows no codec for, such as a
    /// ZIP archive, it takes for text (Athena user guide, "Use Hive table compression").
    fn text<'d>(&self, data: &'d [u8]) -> Box<dyn BufRead + 'd> {
        let key = &self.part.object.key;
        if key.ends_with(".gz") || data.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(data)))
        } else if key.ends_with(".snappy") {
            Box::new(BufReader::with_capacity(64 << 10, HadoopReader::new(data)))
        } else {
            Box::new(data)
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<()> {
        self.line += 1;
        match self.layout.format {
            _ if self.line <= self.layout.header_lines => Ok(()),
            Format::Delimited(delimiters) => {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                self.add_values(line.strip_suffix(b"\r").unwrap_or(line), &delimiters);
                Ok(())
            }
            _ => self.add_document(line.trim_ascii()),
        }
    }

    /// Adds a row of the values between a line's signs; what a column's type cannot hold is null there.
    fn add_values(&mut self, line: &[u8], delimiters: &Delimiters) {
        self.rows += 1;
        self.bytes += line.len();
        let values: Vec<&[u8]> = delimiters.columns(line).collect();
        for ((column, place), field) in self.columns.iter_mut().zip(&self.places).zip(self.layout.fields()) {
            let value = values.get(*place).and_then(|value| delimiters.json(value, field.data_type(), 1));
            // A column that cannot hold the value has a null in its place.
            let _held = column.append(value.as_deref());
        }
    }

    fn add_document(&mut self, line: &[u8]) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        self.bytes += line.len();
        match self.names.find(line) {
            Ok(_) => {
                let mut read = Ok(());
                for (column, place) in self.columns.iter_mut().zip(self.names.places()) {
                    read = read.and(column.append(place.map(|(from, to)| &line[from..to])));
                }
                read.or_else(|unreadable| {
                    let why = format!("Error parsing field value: {} as {}", unreadable.text, unreadable.data_type);
                    fail(self.bad("HIVE_BAD_DATA", &why))
                })
            }
            Err(_) if self.layout.ignore_malformed => {
                for column in &mut self.columns {
                    column.append(None).expect("every column takes a null");
                }
                Ok(())
            }
            Err(NoObject::Malformed(Malformed { at })) => {
                let why = format!("Row is not a valid JSON Object: malformed at byte {at} of the line");
                fail(self.bad("HIVE_BAD_DATA", &why))
            }
            Err(NoObject::Doubled(key)) => {
                let why = format!("Row is not a valid JSON Object - JSONException: Duplicate key \"{key}\"");
                fail(self.bad("HIVE_CURSOR_ERROR", &why))
            }
        }
    }

    fn bad(&self, kind: &str, why: &str) -> Failure {
        self.part.bad(kind, format_args!(", line {}: {why}", self.line))
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        self.bytes = 0;
        self.part.batch(self.layout, self.columns.iter_mut().map(Column::finish), std::mem::take(&mut self.rows))
    }
}
