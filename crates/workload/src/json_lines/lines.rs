//! Lines of a file, each read and judged.

use std::{
    fs::File,
    io::{self, BufRead, Read},
};

use md5::{Digest, Md5};

use super::LineRules;
use crate::{Identity, object};

/// What a partition key takes of a record where it is not the document's own: the digits of a number of 64 bits.
const PARTITION_KEY: usize = 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a line is.
pub(super) enum Line {
    Document,
    Blank,
    Broken(String),
}

/// Lines, each read and judged.
pub(super) struct Lines<R> {
    from: R,
    /// Of the next byte.
    at: u64,
    /// Of the last line, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// From a place that [`Lines::place`] gave.
    pub(super) fn new(from: R, (at, number): (u64, u64)) -> Self {
        Self { from, at, number }
    }

    /// Where the next line begins.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.at, self.number)
    }

    /// Of the last line, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What it read from.
    pub(super) fn into_inner(self) -> R {
        self.from
    }

    /// Reads the next line without its end; `None` behind the last. No more than a record's bytes are kept of it.
    pub(super) fn next(&mut self, line: &mut Vec<u8>, rules: &LineRules) -> io::Result<Option<Line>> {
        line.clear();
        // Its end may be `\r\n`, and one more byte tells that it is too long.
        let most = rules.document.max_bytes as u64 + 3;
        let mut read = (&mut self.from).take(most).read_until(b'\n', line)? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            line.pop_if(|byte| *byte == b'\r');
        } else if read == most {
            read += skip_line(&mut self.from)?;
        }
        self.at += read;
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some(judge(line, rules)))
    }
}

fn skip_line(from: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = from.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |at| at + 1);
        from.consume(taken);
        skipped += taken as u64;
        if end.is_some() || taken == 0 {
            return Ok(skipped);
        }
    }
}

fn judge(line: &[u8], rules: &LineRules) -> Line {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Line::Blank;
    }
    if line.len() >= rules.document.max_bytes {
        return Line::Broken(too_long(rules.document.max_bytes));
    }
    if rules.unique_keys
        && let Err(error) = object::check_unique(line)
    {
        return Line::Broken(without_line(&error));
    }
    match record_bytes(line, &rules.document.identity) {
        Ok(bytes) if bytes > rules.document.max_bytes => Line::Broken(too_long(rules.document.max_bytes)),
        Ok(_) => Line::Document,
        Err(why) => Line::Broken(why),
    }
}

fn too_long(max_bytes: usize) -> String {
    format!("longer than a record, which takes {max_bytes} bytes with its newline and its partition key")
}

/// Bytes of the record that a document becomes; or why it is none.
pub(crate) fn record_bytes(document: &[u8], identity: &Identity) -> Result<usize, String> {
    object::check(document).map_err(|error| without_line(&error))?;
    let key = identity.texts(document).map_err(|error| error.to_string())?;
    let key = key.iter().map(|text| text.len() + 1).sum::<usize>().max(PARTITION_KEY);
    Ok(document.len() + 1 + key)
}

/// The document is one line: its column is enough.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

/// Hashes what is read through it.
pub(super) struct Hashing {
    from: File,
    md5: Md5,
}

impl Hashing {
    pub(super) fn new(from: File) -> Self {
        Self { from, md5: Md5::new() }
    }

    /// Of everything that was read, in hexadecimal.
    pub(super) fn md5(self) -> String {
        self.md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.md5.update(&buffer[..count]);
        Ok(count)
    }
}
