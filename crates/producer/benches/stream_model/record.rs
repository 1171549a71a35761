//! A record as a consumer finds it.

use kinesis_aggregation::UserRecord;
use kinesis_producer::Record;
use md5::{Digest, Md5};

/// One user record as it lies in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    pub record: Record,
    pub sequence_number: u64,
    pub sub_sequence_number: Option<u32>,
}

impl Landed {
    /// Whether it came in an aggregated record.
    pub fn is_packed(&self) -> bool {
        self.sub_sequence_number.is_some()
    }
}

/// What is packed in a record, each with its position; or the record itself.
pub fn user_records(record: &Record) -> Vec<(Option<u32>, Record)> {
    let Some(packed) = kinesis_aggregation::decode(&record.data).expect("well packed") else {
        return vec![(None, record.clone())];
    };
    let user_record = |(sub, packed): (usize, UserRecord)| {
        let record = Record::new(packed.data, packed.partition_key.as_str());
        let record = match packed.explicit_hash_key {
            Some(key) => record.with_explicit_hash_key(key.parse().expect("a number")),
            None => record,
        };
        (Some(sub as u32), record)
    };
    packed.into_iter().enumerate().map(user_record).collect()
}

/// What decides a record's shard.
pub fn hash_key(record: &Record) -> u128 {
    let of_key = || u128::from_be_bytes(Md5::digest(record.partition_key.as_bytes()).into());
    record.explicit_hash_key.unwrap_or_else(of_key)
}

/// The first eight bytes of a record's data, by which tests know it.
pub fn name(record: &Record) -> String {
    String::from_utf8_lossy(&record.data[..8]).into_owned()
}
