//! What a flush makes of its records: one object, or one for each partition, and one for each way to fail.
//!
//! The same records by the same recipe make the same groups and objects, whenever it is done.

use std::collections::BTreeMap;

use bytes::Bytes;
use demo_formats::prefix::{Prefix, Use};
use serde::{Deserialize, Serialize};

use super::{
    ServiceError, codec::Codec, conversion::Conversion, extraction::Extraction, failure, parquet, records::Records,
};

/// Firehose developer guide, "Quota": partitions that a delivery stream writes at a time.
const MOST_PARTITIONS: usize = 500;
/// Firehose developer guide, "Custom prefixes for Amazon S3 objects", "Semantic rules": characters of an evaluated prefix.
const LONGEST_PREFIX: usize = 512;
/// Records of a partition are gathered in chunks of about this size, each freed by itself.
const CHUNK: usize = 1 << 20;

/// How records become objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recipe {
    pub(super) bucket: String,
    /// What is appended to each record.
    pub(super) delimiter: String,
    pub(super) codec: Codec,
    /// Of dynamic partitioning: what tells a record's partition.
    pub(super) query: Option<String>,
    /// Of the objects.
    #[serde(default)]
    pub(super) prefix: String,
    /// To Parquet.
    pub(super) conversion: Option<Conversion>,
}

/// Records that lie in one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Group {
    /// Of one partition, with the value of each key; of none without dynamic partitioning.
    Partition(BTreeMap<String, String>),
    /// What could not be delivered.
    Failed(failure::Kind),
}

/// The records of each object.
pub(super) type Sorted = BTreeMap<Group, Vec<Records>>;

/// An object, if there is anything in it, and the records that did not become part of it, as lines of JSON.
#[derive(Debug)]
pub(super) struct RenderedObject {
    pub(super) object: Option<Bytes>,
    pub(super) unconverted: Vec<u8>,
}

impl Recipe {
    /// Puts each record with those of its object.
    pub(super) fn sort(&self, records: Vec<Records>) -> Result<Sorted, ServiceError> {
        let Some(query) = &self.query else {
            return Ok([(Group::Partition(BTreeMap::new()), records)].into());
        };
        let extraction = Extraction::parse(query)?;
        let prefix = Prefix::parse(&self.prefix, Use::Data).map_err(ServiceError::internal)?;
        let (mut sorted, mut partitions) = (Sorted::new(), 0);
        for chunk in records {
            for record in chunk.iter() {
                let (group, failed) = match extraction.values(record) {
                    Err(why) => {
                        failed(failure::Kind::MetadataExtraction, "MetadataExtractionFailed", &why, record, &chunk)
                    }
                    Ok(values) => within_limits(&sorted, &mut partitions, &prefix, values, record, &chunk),
                };
                push(sorted.entry(group).or_default(), failed.as_deref().map_or(record, str::as_bytes), &chunk);
            }
        }
        Ok(sorted)
    }

    /// Makes the object of a group.
    pub(super) fn pack(
        &self,
        group: &Group,
        records: Vec<Records>,
        entry: &str,
    ) -> Result<RenderedObject, ServiceError> {
        match (group, &self.conversion) {
            (Group::Partition(_), Some(conversion)) => {
                let converted = parquet::convert(records, conversion)?;
                Ok(RenderedObject { object: converted.object, unconverted: converted.failed })
            }
            (Group::Partition(_), None) => {
                Ok(RenderedObject { object: Some(self.codec.object(records, entry)?), unconverted: Vec::new() })
            }
            (Group::Failed(_), _) => Ok(RenderedObject {
                object: Some(Codec::Uncompressed.object(records, entry)?),
                unconverted: Vec::new(),
            }),
        }
    }

    /// The groups of a flush that get a key: those that have records, and that of what conversion may leave.
    pub(super) fn groups(&self, sorted: &Sorted) -> Vec<Group> {
        let unconverted = self.conversion.as_ref().map(|_| Group::Failed(failure::Kind::FormatConversion));
        sorted.keys().cloned().chain(unconverted).collect()
    }
}

fn push(into: &mut Vec<Records>, record: &[u8], from: &Records) {
    if into.last().is_none_or(|last| last.bytes() >= CHUNK) {
        into.push(Records::new(from.oldest(), 0));
    }
    into.last_mut().expect("there is a chunk").push(record, b"");
}

/// A record's partition, unless it would be one too many, or its prefix too long.
fn within_limits(
    sorted: &Sorted,
    partitions: &mut usize,
    prefix: &Prefix,
    values: BTreeMap<String, String>,
    record: &[u8],
    chunk: &Records,
) -> (Group, Option<String>) {
    let length = |values| prefix.render_partition(chunk.oldest().into(), values).chars().count();
    let group = Group::Partition(values);
    if sorted.contains_key(&group) {
        return (group, None);
    }
    if let Group::Partition(values) = &group
        && let evaluated = length(values)
        && evaluated > LONGEST_PREFIX
    {
        let why = format!("The evaluated prefix has {evaluated} characters, more than {LONGEST_PREFIX}.");
        return failed(failure::Kind::MetadataExtraction, "MetadataExtractionFailed", &why, record, chunk);
    }
    if *partitions == MOST_PARTITIONS {
        let why = format!("More than {MOST_PARTITIONS} partitions are active.");
        return failed(failure::Kind::ActivePartitionExceeded, "ActivePartitionExceeded", &why, record, chunk);
    }
    *partitions += 1;
    (group, None)
}

fn failed(kind: failure::Kind, code: &str, why: &str, record: &[u8], chunk: &Records) -> (Group, Option<String>) {
    (Group::Failed(kind), Some(failure::without_partition(record, chunk.oldest_ms(), code, why)))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn by(query: &str) -> Recipe {
        let (bucket, delimiter, prefix) = ("b".to_owned(), String::new(), "n=!{partitionKeyFromQuery:n}/".to_owned());
        Recipe {
            bucket,
            delimiter,
            codec: Codec::Uncompressed,
            query: Some(query.to_owned()),
            prefix,
            conversion: None,
        }
    }

    fn records(numbers: std::ops::Range<usize>) -> Records {
        let mut records = Records::new(SystemTime::now(), 0);
        numbers.for_each(|n| records.push(format!("{{\"n\":{n}}}").as_bytes(), b"\n"));
        records
    }

    fn count(records: &[Records]) -> usize {
        records.iter().map(|chunk| chunk.iter().count()).sum()
    }

    #[test]
    fn what_would_open_a_partition_too_many_fails_and_the_open_ones_go_on() {
        let sorted = by("{n:.n}").sort(vec![records(0..600), records(0..10)]).expect("sorted");
        assert_eq!(sorted.len(), MOST_PARTITIONS + 1);
        assert_eq!(count(&sorted[&Group::Failed(failure::Kind::ActivePartitionExceeded)]), 100);
        let first = Group::Partition([("n".to_owned(), "0".to_owned())].into());
        assert_eq!(count(&sorted[&first]), 2);
    }

    #[test]
    fn a_value_may_fill_its_prefix_and_no_more() {
        let mut records = Records::new(SystemTime::now(), 0);
        let longest = LONGEST_PREFIX - "n=/".len();
        for length in [longest, longest + 1] {
            records.push(format!("{{\"n\":\"{}\"}}", "ä".repeat(length)).as_bytes(), b"\n");
        }
        let sorted = by("{n:.n}").sort(vec![records]).expect("sorted");
        assert_eq!(count(&sorted[&Group::Partition([("n".to_owned(), "ä".repeat(longest))].into())]), 1);
        let failed = &sorted[&Group::Failed(failure::Kind::MetadataExtraction)];
        let failed = failed[0].iter().next().expect("a record");
        assert!(String::from_utf8_lossy(failed).contains("has 513 characters"), "{failed:?}");
    }

    #[test]
    fn records_stay_whole_and_in_their_order() {
        let sorted = by("{all:\"one\"}").sort(vec![records(0..3), records(3..5)]).expect("sorted");
        let (group, records) = sorted.into_iter().next().expect("a group");
        let object = by("{all:\"one\"}").pack(&group, records, "").expect("packed").object.expect("an object");
        assert_eq!(object, "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    }
}
