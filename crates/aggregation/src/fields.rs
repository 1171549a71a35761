//! The fields of the message, how long they are, and how they are written and read.

use prost::encoding::{decode_varint, encode_varint, encoded_len_varint};

/// Fields of the message, each of a length that it tells (aggregation-format.md of the Kinesis Producer Library).
pub(super) const PARTITION_KEY: u8 = 1 << 3 | 2;
pub(super) const EXPLICIT_HASH_KEY: u8 = 2 << 3 | 2;
pub(super) const RECORD: u8 = 3 << 3 | 2;
/// Fields of a record in it: positions in the two tables, and the data.
pub(super) const PARTITION_KEY_INDEX: u8 = 1 << 3;
pub(super) const EXPLICIT_HASH_KEY_INDEX: u8 = 2 << 3;
pub(super) const DATA: u8 = 3 << 3 | 2;

/// Of a field with so long a content, tag and length included.
pub(super) fn len(content: usize) -> usize {
    1 + encoded_len_varint(content as u64) + content
}

/// Of a field with a position, tag included.
pub(super) fn index_len(index: usize) -> usize {
    1 + encoded_len_varint(index as u64)
}

/// Writes a field and its length.
pub(super) fn put(data: &mut Vec<u8>, tag: u8, content: &[u8]) {
    data.push(tag);
    encode_varint(content.len() as u64, data);
    data.extend_from_slice(content);
}

/// Reads the tag of the next field.
pub(super) fn take_tag(rest: &mut &[u8]) -> u8 {
    *rest.split_off_first().expect("a field begins with its tag")
}

/// Reads a position or a length.
pub(super) fn take_number(rest: &mut &[u8]) -> usize {
    decode_varint(rest).expect("numbers are whole") as usize
}

/// Reads a length, and as many bytes.
pub(super) fn take_content<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let len = take_number(rest);
    rest.split_off(..len).expect("a field is as long as it says")
}
