//! Reads the entries of a PutRecords body with as little work as can be: of 4 MB of base64, the first bytes.

use std::{borrow::Cow, io::BufRead};

use minicbor::{Decoder, data::Type};
use serde_json::Value;

/// So many characters of base64 hold the number of a user record, or the magic bytes of an aggregated one.
const HEAD_CHARS: usize = 24;
const HEAD_BYTES: usize = HEAD_CHARS / 4 * 3;

/// One entry of a request.
#[derive(Default)]
pub struct Entry<'a> {
    pub data: Data<'a>,
    pub partition_key: Cow<'a, str>,
    pub explicit_hash_key: Option<Cow<'a, str>>,
}

/// Its data, as the body has it.
pub enum Data<'a> {
    Base64(Cow<'a, [u8]>),
    Raw(&'a [u8]),
}

impl Default for Data<'_> {
    fn default() -> Self {
        Self::Raw(&[])
    }
}

impl Data<'_> {
    /// The first bytes, 18 at most.
    pub fn head(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        match self {
            Self::Raw(bytes) => buffer.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES)]),
            Self::Base64(text) => decode(&text[..text.len().min(HEAD_CHARS)], buffer),
        }
    }

    /// All of it.
    pub fn whole(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        match self {
            Self::Raw(bytes) => buffer.extend_from_slice(bytes),
            Self::Base64(text) => decode(text, buffer),
        }
    }
}

/// What is not base64 leaves the buffer empty, and its record unreadable.
fn decode(text: &[u8], buffer: &mut Vec<u8>) {
    buffer.resize(base64_simd::STANDARD.estimated_decoded_length(text.len()), 0);
    let decoded =
        base64_simd::STANDARD.decode(text, base64_simd::Out::from_slice(buffer)).map_or(0, |bytes| bytes.len());
    buffer.truncate(decoded);
}

/// The entries of a JSON body. Where strings have escapes, serde_json reads it; no client here writes any.
pub fn json(body: &[u8]) -> Option<Vec<Entry<'_>>> {
    if contains(body, b'\\') { json_value(body) } else { json_scan(body) }
}

fn contains(body: &[u8], byte: u8) -> bool {
    let mut rest = body;
    let skipped = rest.skip_until(byte).unwrap_or(0);
    skipped > 0 && body[skipped - 1] == byte
}

/// Goes from quote to quote: a string that a colon follows names the string after it.
fn json_scan(body: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(500);
    let mut name: &[u8] = b"";
    let mut has = Has::default();
    let mut rest = body;
    while let Some(string) = next_string(&mut rest) {
        if rest.trim_ascii_start().first() == Some(&b':') {
            name = string;
            continue;
        }
        let entry = has.entry(&mut entries, name);
        match name {
            b"Data" => entry?.data = Data::Base64(Cow::Borrowed(string)),
            b"PartitionKey" => entry?.partition_key = Cow::Borrowed(std::str::from_utf8(string).ok()?),
            b"ExplicitHashKey" => entry?.explicit_hash_key = Some(Cow::Borrowed(std::str::from_utf8(string).ok()?)),
            _ => {}
        }
    }
    Some(entries)
}

/// Which members of the last entry have come: one that comes again begins the next entry.
#[derive(Default)]
struct Has([bool; 3]);

impl Has {
    fn entry<'e, 'a>(&mut self, entries: &'e mut Vec<Entry<'a>>, name: &[u8]) -> Option<&'e mut Entry<'a>> {
        let member =
            [b"Data".as_slice(), b"PartitionKey", b"ExplicitHashKey"].iter().position(|known| *known == name)?;
        if entries.is_empty() || self.0[member] {
            entries.push(Entry::default());
            self.0 = [false; 3];
        }
        self.0[member] = true;
        entries.last_mut()
    }
}

fn next_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    rest.skip_until(b'"').ok().filter(|&skipped| skipped > 0)?;
    let from = *rest;
    let len = rest.skip_until(b'"').ok().filter(|&skipped| skipped > 0)? - 1;
    Some(&from[..len])
}

fn json_value<'a>(body: &[u8]) -> Option<Vec<Entry<'a>>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let entries = body["Records"].as_array()?.iter().map(|entry| {
        Some(Entry {
            data: Data::Base64(Cow::Owned(text(entry, "Data")?.into_bytes())),
            partition_key: Cow::Owned(text(entry, "PartitionKey")?),
            explicit_hash_key: text(entry, "ExplicitHashKey").map(Cow::Owned),
        })
    });
    entries.collect()
}

/// The entries of a CBOR body.
pub fn cbor(body: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut decoder = Decoder::new(body);
    let mut entries = Vec::with_capacity(500);
    members(&mut decoder, |decoder, name| match name {
        "Records" => elements(decoder, |decoder| entry(decoder).map(|entry| entries.push(entry))),
        _ => decoder.skip().ok(),
    })?;
    Some(entries)
}

fn entry<'a>(decoder: &mut Decoder<'a>) -> Option<Entry<'a>> {
    let mut entry = Entry::default();
    members(decoder, |decoder, name| {
        match name {
            "Data" => entry.data = Data::Raw(decoder.bytes().ok()?),
            "PartitionKey" => entry.partition_key = Cow::Borrowed(decoder.str().ok()?),
            "ExplicitHashKey" => entry.explicit_hash_key = Some(Cow::Borrowed(decoder.str().ok()?)),
            _ => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some(entry)
}

fn members<'a>(decoder: &mut Decoder<'a>, mut each: impl FnMut(&mut Decoder<'a>, &'a str) -> Option<()>) -> Option<()> {
    let mut left = decoder.map().ok()?;
    while more(decoder, &mut left)? {
        let name = decoder.str().ok()?;
        each(decoder, name)?;
    }
    Some(())
}

fn elements<'a>(decoder: &mut Decoder<'a>, mut each: impl FnMut(&mut Decoder<'a>) -> Option<()>) -> Option<()> {
    let mut left = decoder.array().ok()?;
    while more(decoder, &mut left)? {
        each(decoder)?;
    }
    Some(())
}

/// Whether a map or an array goes on: by its count, or until its end where it has none.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Option<bool> {
    if let Some(left) = left {
        let more = *left > 0;
        *left = left.saturating_sub(1);
        return Some(more);
    }
    let end = decoder.datatype().ok()? == Type::Break;
    if end {
        decoder.skip().ok()?;
    }
    Some(!end)
}
