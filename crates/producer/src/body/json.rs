//! A body in JSON: `{"StreamName":"…","Records":[{"Data":"base64","PartitionKey":"…","ExplicitHashKey":"…"},…]}`.
//! Source: Kinesis API reference, PutRecords.

use std::{borrow::Cow, io::Write};

use base64_simd::STANDARD;
use serde::Deserialize;

use super::Entry;
use crate::record::Record;

const DATA: &[u8] = br#"{"Data":""#;
const PARTITION_KEY: &[u8] = br#"","PartitionKey":"#;
const EXPLICIT_HASH_KEY: &[u8] = br#","ExplicitHashKey":""#;
/// Decimal digits of the largest hash key.
const HASH_KEY_DIGITS: usize = 39;
/// Bytes of a character that JSON must write as `\u0000`, of a byte in the key.
const ESCAPED: usize = 6;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    data: &'a str,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    explicit_hash_key: Option<&'a str>,
}

pub(super) fn begin(field: &str, stream: &str, into: &mut Vec<u8>) {
    into.extend_from_slice(b"{\"");
    into.extend_from_slice(field.as_bytes());
    into.extend_from_slice(b"\":");
    write_text(stream, into);
    into.extend_from_slice(br#","Records":["#);
}

pub(super) fn close(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"]}");
}

pub(super) fn write(entry: Entry<'_>, into: &mut Vec<u8>) {
    // The encoder by itself would let the buffer grow by just what it needs, each time.
    into.reserve(written_len(entry.data.len(), entry.partition_key));
    into.extend_from_slice(DATA);
    STANDARD.encode_append(entry.data, into);
    into.extend_from_slice(PARTITION_KEY);
    write_text(entry.partition_key, into);
    if let Some(key) = entry.explicit_hash_key {
        into.extend_from_slice(EXPLICIT_HASH_KEY);
        write!(into, "{key}\"").expect("a vector takes all bytes");
    }
    into.push(b'}');
}

pub(super) fn read(fragment: &[u8]) -> Record {
    let written: Written<'_> = serde_json::from_slice(fragment).expect("a fragment is a JSON object");
    let data = STANDARD.decode_to_vec(written.data).expect("a fragment's data is base64");
    let hash_key = |digits: &str| digits.parse().expect("a fragment's hash key is a number of 128 bits");
    Record {
        data: data.into(),
        partition_key: written.partition_key.into(),
        explicit_hash_key: written.explicit_hash_key.map(hash_key),
    }
}

pub(super) fn written_len(data: usize, partition_key: &str) -> usize {
    let key = partition_key.len() * if is_plain(partition_key) { 1 } else { ESCAPED };
    let fields = DATA.len() + PARTITION_KEY.len() + "\"\"".len() + EXPLICIT_HASH_KEY.len() + "\"}".len();
    STANDARD.encoded_length(data) + key + fields + HASH_KEY_DIGITS
}

fn write_text(text: &str, into: &mut Vec<u8>) {
    if is_plain(text) {
        into.push(b'"');
        into.extend_from_slice(text.as_bytes());
        into.push(b'"');
    } else {
        serde_json::to_writer(into, text).expect("a vector takes all bytes, and a text is JSON");
    }
}

/// Whether JSON writes a text as it is.
fn is_plain(text: &str) -> bool {
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    !text.bytes().fold(false, |found, byte| found | needs_escape(byte))
}
