//! The body of a PutRecords request, written record by record in its final form.
//!
//! An entry's bytes, a *fragment*, do not depend on where the entry stands: a record that is sent again is copied from
//! one body to the next, and nothing is stored beside the body.

mod cbor;
mod json;
#[cfg(test)]
mod tests;

use std::fmt;

use super::{limits, record::Record};

/// How the body of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// AWS JSON 1.1.
    Json,
    /// AWS CBOR 1.1, a quarter smaller, which the Java SDK speaks with Kinesis.
    Cbor,
}

/// One Kinesis record as it goes into a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) data: &'a [u8],
    pub(super) partition_key: &'a str,
    pub(super) explicit_hash_key: Option<u128>,
}

impl<'a> From<&'a Record> for Entry<'a> {
    fn from(record: &'a Record) -> Self {
        Self { data: &record.data, partition_key: &record.partition_key, explicit_hash_key: record.explicit_hash_key }
    }
}

impl Format {
    /// Appends one fragment.
    pub(super) fn write(self, entry: Entry<'_>, into: &mut Vec<u8>) {
        match self {
            Self::Json => json::write(entry, into),
            Self::Cbor => cbor::write(entry, into),
        }
    }

    /// The record of a fragment that [`write`](Self::write) made.
    pub(super) fn read(self, fragment: &[u8]) -> Record {
        match self {
            Self::Json => json::read(fragment),
            Self::Cbor => cbor::read(fragment),
        }
    }

    /// The most bytes that a fragment of so many bytes of data takes.
    pub(super) fn written_len(self, data: usize, partition_key: &str) -> usize {
        match self {
            Self::Json => json::written_len(data, partition_key),
            Self::Cbor => cbor::written_len(data, partition_key),
        }
    }

    fn begin(self, stream: &str, into: &mut Vec<u8>) {
        let field = if stream.starts_with("arn:") { "StreamARN" } else { "StreamName" };
        match self {
            Self::Json => json::begin(field, stream, into),
            Self::Cbor => cbor::begin(field, stream, into),
        }
    }

    fn separator(self) -> &'static [u8] {
        match self {
            Self::Json => b",",
            Self::Cbor => b"",
        }
    }
}

/// A PutRecords request as it goes over the wire.
pub struct Body {
    format: Format,
    stream: Box<str>,
    bytes: Vec<u8>,
    /// Where the first fragment begins.
    begin: usize,
    /// Where each fragment ends.
    ends: Vec<usize>,
}

impl Body {
    /// A finished body of records, for those who drive a [`Transport`](super::Transport) themselves; Kinesis takes at most
    /// [`RECORDS_PER_REQUEST`](limits::RECORDS_PER_REQUEST). The stream is named by its name or its ARN.
    ///
    /// # Panics
    /// In CBOR, with more than 65,535 records.
    pub fn from_records<'a>(format: Format, stream: &str, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut body = Self::new(format, stream, Vec::new());
        records.into_iter().for_each(|record| body.push(record.into()));
        body.close();
        body
    }

    /// An open body, in a buffer whose content does not matter.
    pub(super) fn new(format: Format, stream: &str, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        format.begin(stream, &mut buffer);
        let begin = buffer.len();
        Self {
            format,
            stream: stream.into(),
            bytes: buffer,
            begin,
            ends: Vec::with_capacity(limits::RECORDS_PER_REQUEST),
        }
    }

    pub(super) fn push(&mut self, entry: Entry<'_>) {
        self.separate();
        self.format.write(entry, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Adds an entry that was written before, in the same format.
    pub(super) fn push_fragment(&mut self, fragment: &[u8]) {
        self.separate();
        self.bytes.extend_from_slice(fragment);
        self.ends.push(self.bytes.len());
    }

    fn separate(&mut self) {
        if !self.is_empty() {
            self.bytes.extend_from_slice(self.format.separator());
        }
    }

    /// The bytes of one entry, by its position.
    pub(super) fn fragment(&self, index: usize) -> &[u8] {
        let begin = match index.checked_sub(1) {
            None => self.begin,
            Some(before) => self.ends[before] + self.format.separator().len(),
        };
        &self.bytes[begin..self.ends[index]]
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Writes the end and the count: nothing can be added after it.
    pub(super) fn close(&mut self) {
        match self.format {
            Format::Json => json::close(&mut self.bytes),
            Format::Cbor => cbor::close(&mut self.bytes, self.begin, self.ends.len()),
        }
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The stream's name or ARN.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The entries, decoded again: for a transport that sends them in its own way.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.len()).map(|index| self.format.read(self.fragment(index)))
    }

    /// The same request, finished, in another format.
    pub(super) fn converted(&self, to: Format) -> Self {
        let mut body = Self::new(to, &self.stream, Vec::new());
        self.records().for_each(|record| body.push((&record).into()));
        body.close();
        body
    }

    /// The buffer, for the next body.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, stream, bytes, ends, .. } = self;
        write!(f, "Body({format:?}, {stream}, {} entries, {} bytes)", ends.len(), bytes.len())
    }
}
