//! A body in CBOR (RFC 8949): the same names and texts as in JSON, `Data` as a byte string.

use std::io::Write;

use minicbor::{Decoder, decode};

use super::Entry;
use crate::record::Record;

/// The major types that a body is made of. Source: RFC 8949, section 3.1.
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
/// The count follows in two bytes. Source: RFC 8949, section 3.
const TWO_BYTES: u8 = 25;
/// Bytes of the longest head.
const HEAD: usize = 9;
/// Decimal digits of the largest hash key.
const HASH_KEY_DIGITS: usize = 39;

const DATA: &[u8] = b"\x64Data";
const PARTITION_KEY: &[u8] = b"\x6cPartitionKey";
const EXPLICIT_HASH_KEY: &[u8] = b"\x6fExplicitHashKey";

pub(super) fn begin(field: &str, stream: &str, into: &mut Vec<u8>) {
    into.push(MAP | 2);
    write_text(field, into);
    write_text(stream, into);
    write_text("Records", into);
    into.extend_from_slice(&[ARRAY | TWO_BYTES, 0, 0]);
}

/// Writes the count, which stands right before the first entry.
pub(super) fn close(bytes: &mut [u8], begin: usize, entries: usize) {
    let count = u16::try_from(entries).expect("a request has at most 500 entries");
    bytes[begin - 2..begin].copy_from_slice(&count.to_be_bytes());
}

pub(super) fn write(entry: Entry<'_>, into: &mut Vec<u8>) {
    into.reserve(written_len(entry.data.len(), entry.partition_key));
    into.push(MAP | if entry.explicit_hash_key.is_some() { 3 } else { 2 });
    into.extend_from_slice(DATA);
    write_head(BYTES, entry.data.len(), into);
    into.extend_from_slice(entry.data);
    into.extend_from_slice(PARTITION_KEY);
    write_text(entry.partition_key, into);
    if let Some(key) = entry.explicit_hash_key {
        into.extend_from_slice(EXPLICIT_HASH_KEY);
        write_digits(key, into);
    }
}

pub(super) fn read(fragment: &[u8]) -> Record {
    read_entry(fragment).expect("a fragment is a CBOR map of three fields at most")
}

pub(super) fn written_len(data: usize, partition_key: &str) -> usize {
    let names = DATA.len() + PARTITION_KEY.len() + EXPLICIT_HASH_KEY.len();
    4 * HEAD + names + data + partition_key.len() + HASH_KEY_DIGITS
}

fn read_entry(fragment: &[u8]) -> Result<Record, decode::Error> {
    let mut decoder = Decoder::new(fragment);
    let fields = decoder.map()?;
    decoder.skip()?;
    let data = decoder.bytes()?.to_vec();
    decoder.skip()?;
    let record = Record::new(data, decoder.str()?);
    if fields != Some(3) {
        return Ok(record);
    }
    decoder.skip()?;
    let key = decoder.str()?.parse().map_err(|_| decode::Error::message("not a number of 128 bits"))?;
    Ok(record.with_explicit_hash_key(key))
}

fn write_text(text: &str, into: &mut Vec<u8>) {
    write_head(TEXT, text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn write_digits(number: u128, into: &mut Vec<u8>) {
    let mut digits = [0; HASH_KEY_DIGITS];
    let mut rest = &mut digits[..];
    write!(rest, "{number}").expect("39 digits hold every number of 128 bits");
    let length = HASH_KEY_DIGITS - rest.len();
    write_head(TEXT, length, into);
    into.extend_from_slice(&digits[..length]);
}

/// A major type with its length, in the fewest bytes.
fn write_head(major: u8, length: usize, into: &mut Vec<u8>) {
    match length {
        0..24 => into.push(major | length as u8),
        24..=0xFF => into.extend_from_slice(&[major | 24, length as u8]),
        0x100..=0xFFFF => {
            into.push(major | TWO_BYTES);
            into.extend_from_slice(&(length as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            into.push(major | 26);
            into.extend_from_slice(&(length as u32).to_be_bytes());
        }
        _ => {
            into.push(major | 27);
            into.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}
