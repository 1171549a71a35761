//! What became of the records of a PutRecords request, and the answer that says it.

use std::{
    convert::Infallible,
    io::{self, Write},
};

use bytes::Bytes;
use minicbor::{Encoder, encode};

use super::{
    refuse,
    sequence::SequenceNumber,
    stream::{StreamMeta, shard_id},
};
use crate::{buffers::Buffer, protocol::Encoding};

/// About what an answer says of a record, in bytes.
const ANSWERED: usize = 128;
/// AWS's words for a record that could not be stored.
pub(super) const FAILED: &str = "Internal service failure.";

/// What became of a record.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Pending,
    Stored { shard: u32, number: SequenceNumber },
    Throttled { shard: u32 },
    Failed,
}

impl Outcome {
    /// The fields of its entry in an answer; none of the texts has to be escaped.
    fn fields(self, stream: &str) -> [(&'static str, String); 2] {
        match self {
            Self::Stored { shard, number } => [("SequenceNumber", number.to_string()), ("ShardId", shard_id(shard))],
            Self::Throttled { shard } => [
                ("ErrorCode", "ProvisionedThroughputExceededException".to_owned()),
                ("ErrorMessage", refuse::throttled_message(stream, &shard_id(shard))),
            ],
            Self::Pending | Self::Failed => {
                [("ErrorCode", "InternalFailure".to_owned()), ("ErrorMessage", FAILED.to_owned())]
            }
        }
    }
}

/// The answer of PutRecords.
pub(super) fn answer(outcomes: &[Outcome], stream: &StreamMeta, encoding: Encoding) -> Bytes {
    let mut answer = Buffer::with_capacity(ANSWERED * (outcomes.len() + 1));
    match encoding {
        Encoding::Json => write_json(outcomes, stream, &mut answer).expect("a vector takes all bytes"),
        Encoding::Cbor => write_cbor(outcomes, stream, &mut answer).expect("a vector takes all bytes"),
    }
    answer.into()
}

fn failed(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Stored { .. })).count()
}

fn write_json(outcomes: &[Outcome], stream: &StreamMeta, into: &mut Vec<u8>) -> io::Result<()> {
    write!(into, r#"{{"FailedRecordCount":{},"Records":["#, failed(outcomes))?;
    for (i, outcome) in outcomes.iter().enumerate() {
        let [(first, is), (second, and)] = outcome.fields(&stream.name);
        let comma = if i == 0 { "" } else { "," };
        write!(into, r#"{comma}{{"{first}":"{is}","{second}":"{and}"}}"#)?;
    }
    into.write_all(if stream.kms_key.is_some() { br#"],"EncryptionType":"KMS"}"# } else { b"]}" })
}

fn write_cbor(outcomes: &[Outcome], stream: &StreamMeta, into: &mut Vec<u8>) -> Result<(), encode::Error<Infallible>> {
    let mut cbor = Encoder::new(into);
    cbor.map(if stream.kms_key.is_some() { 3 } else { 2 })?;
    cbor.str("FailedRecordCount")?.u64(failed(outcomes) as u64)?;
    cbor.str("Records")?.array(outcomes.len() as u64)?;
    for outcome in outcomes {
        cbor.map(2)?;
        for (name, value) in outcome.fields(&stream.name) {
            cbor.str(name)?.str(&value)?;
        }
    }
    if stream.kms_key.is_some() {
        cbor.str("EncryptionType")?.str("KMS")?;
    }
    Ok(())
}
