//! The answer of GetRecords: the data of its records goes from where it was read straight into the answer.

use std::convert::Infallible;

use base64_simd::STANDARD;
use bytes::Bytes;
use minicbor::{Encoder, data::IanaTag, encode};
use serde_json::Value;

use super::{StoredRecord, sequence::Numbering, stream::StreamMeta, timestamp};
use crate::{buffers::Buffer, protocol::Encoding, service_error::ServiceError};

/// What an answer says of a record besides key and data, at most, in bytes.
const SAID: usize = 260;

/// Says the records of a shard, and the fields of `tail`, an object in JSON.
pub(super) fn answer(
    stream: &StreamMeta,
    shard: u32,
    records: &[StoredRecord],
    tail: Bytes,
    encoding: Encoding,
) -> Result<Bytes, ServiceError> {
    let (numbering, is_encrypted) = (stream.numbering(shard), stream.kms_key.is_some());
    let data: usize = records.iter().map(|record| record.data.len() + record.partition_key.len()).sum();
    let said = SAID * records.len() + tail.len() + 64;
    let mut answer;
    match encoding {
        Encoding::Json => {
            answer = Buffer::with_capacity(data / 3 * 4 + said);
            write_json(records, numbering, is_encrypted, &mut answer);
            answer.extend_from_slice(&tail[1..]);
        }
        Encoding::Cbor => {
            answer = Buffer::with_capacity(data + said);
            let tail = encoding.encode(tail)?;
            // The head of a map of up to 23 fields is one byte, which counts them.
            answer.push(tail[0] + 1);
            write_cbor(records, numbering, is_encrypted, &mut answer).expect("a vector takes all bytes");
            answer.extend_from_slice(&tail[1..]);
        }
    }
    Ok(answer.into())
}

fn write_json(records: &[StoredRecord], numbering: Numbering, is_encrypted: bool, into: &mut Vec<u8>) {
    let encryption = if is_encrypted { r#","EncryptionType":"KMS""# } else { "" };
    into.extend_from_slice(br#"{"Records":["#);
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            into.push(b',');
        }
        let head = format!(
            r#"{{"SequenceNumber":"{}","ApproximateArrivalTimestamp":{:?},"PartitionKey":{},"Data":""#,
            numbering.record(record.position),
            timestamp(record.arrived_ms()),
            Value::from(record.partition_key.as_str()),
        );
        into.extend_from_slice(head.as_bytes());
        STANDARD.encode_append(&record.data, into);
        into.push(b'"');
        into.extend_from_slice(encryption.as_bytes());
        into.push(b'}');
    }
    into.extend_from_slice(b"],");
}

fn write_cbor(
    records: &[StoredRecord],
    numbering: Numbering,
    is_encrypted: bool,
    into: &mut Vec<u8>,
) -> Result<(), encode::Error<Infallible>> {
    let mut cbor = Encoder::new(into);
    cbor.str("Records")?.array(records.len() as u64)?;
    for record in records {
        cbor.map(if is_encrypted { 5 } else { 4 })?;
        cbor.str("SequenceNumber")?.str(&numbering.record(record.position).to_string())?;
        cbor.str("ApproximateArrivalTimestamp")?.tag(IanaTag::Timestamp)?.u64(record.arrived_ms())?;
        cbor.str("PartitionKey")?.str(&record.partition_key)?;
        cbor.str("Data")?.bytes(&record.data)?;
        if is_encrypted {
            cbor.str("EncryptionType")?.str("KMS")?;
        }
    }
    Ok(())
}
