//! The checks of a table's partitions: the `key=…` folders of the prefix, which Glue, Athena and the query must see.

use std::collections::BTreeSet;

use chrono::{Datelike, Utc};
use demo_formats::{
    prefix::{Folder, Part},
    schema::Schema,
};

use super::{Partitions, projection};
use crate::spec::{
    check::{firehose::Written, values::Check},
    names,
    quantity::Refusal,
};

const PREFIX: &str = "deliver.s3.prefix";
const PARTITIONS: &str = "deliver.s3.catalog.partitions";
const DATED: &str = "segments such as `year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/`";
/// Athena user guide, "Partition your data": "Athena cannot read more than 1 million partitions in a single scan."
const MOST_PARTITIONS: u64 = 1_000_000;

impl Check<'_> {
    /// Athena user guide, "Specify a table location in Amazon S3": of `folder//folder`, Athena removes the extra `/`.
    pub(super) fn location(&mut self, prefix: &Written) -> Option<()> {
        let (fixed, text) = (prefix.0.fixed(), &prefix.1);
        let (offset, part) = match fixed.find("//") {
            Some(offset) => (offset, "//"),
            None if fixed.starts_with('/') => (0, "/"),
            None => return Some(()),
        };
        let problem = "Athena leaves an empty folder out of a table's location, and would find no object";
        let expected = "no `//`, and no `/` at the beginning; or no `catalog`";
        self.expect_part(PREFIX, text, offset, part, Refusal::new(problem, expected));
        None
    }

    /// A table's partitions are the prefix's `key=` folders; their values are times, or fields of the document.
    pub(super) fn partitioned(
        &mut self,
        prefix: &Written,
        partitions: Partitions,
        schema: Option<&Schema>,
    ) -> Option<()> {
        let ((prefix, text), before) = (prefix, self.complaints());
        if partitions == Partitions::Projected && !prefix.query_keys().is_empty() {
            let problem = "Athena cannot compute partitions whose values come from the documents";
            self.refuse(PARTITIONS, Refusal::new(problem, "`registered` or `none`"));
            return None;
        }
        let (folders, mut keys) = (prefix.partition_folders(), BTreeSet::new());
        for folder in prefix.folders().iter().filter(|folder| folder.has_field() && folder.key.is_none()) {
            let expected = "`key=` before each `!{partitionKeyFromQuery:key}`";
            let refusal = Refusal::new("a catalog needs the name of every partition", expected);
            self.expect_part(PREFIX, text, folder.offset, &folder.written, refusal);
        }
        if folders.is_empty() && self.complaints() == before {
            let problem = "a catalog has no partition keys to take from this prefix";
            self.refuse(PREFIX, Refusal::new(problem, DATED));
        }
        for folder in folders.iter().filter(|folder| folder.is_partition() || !folder.has_field()) {
            let refusal = match &folder.key {
                Some(key) if folder.is_partition() => {
                    let taken = schema.is_some_and(|schema| schema.column(key).is_some());
                    partition(folder, key, partitions, taken, !keys.insert(key.clone()))
                }
                _ => between(folder, partitions),
            };
            if let Some(refusal) = refusal {
                self.expect_part(PREFIX, text, folder.offset, &folder.written, refusal);
            }
        }
        if self.complaints() == before && partitions == Partitions::Projected {
            self.counted(&folders);
        }
        (self.complaints() == before).then_some(())
    }

    fn counted(&mut self, folders: &[Folder]) {
        let keys = folders.iter().filter(|folder| folder.is_partition());
        let values = keys.filter_map(|folder| projection::values(folder, Utc::now().year()).ok());
        let partitions = values.fold(1, u64::saturating_mul);
        if partitions > MOST_PARTITIONS {
            let problem = format!("Athena would compute {partitions} partitions, and reads at most {MOST_PARTITIONS}");
            self.refuse(PARTITIONS, Refusal::new(problem, "`registered`, or keys with fewer values in `prefix`"));
        }
    }
}

/// What is wrong with a partition's folder.
fn partition(folder: &Folder, key: &str, partitions: Partitions, taken: bool, again: bool) -> Option<Refusal> {
    let goes_on = |part: &Part| matches!(part, Part::Time(pattern) if pattern.to_string().contains('/'));
    if let Err(refusal) = names::PARTITION.exact(key) {
        let mended = refusal.suggestion.map(|mended| folder.written.replacen(key, &mended, 1));
        return Some(Refusal::new(refusal.problem, refusal.expected).suggest(mended));
    }
    if again {
        return Some(Refusal::new(format!("`{key}` is a partition key already"), "each key once"));
    }
    if taken {
        let problem = format!("the table has a column `{key}` already");
        return Some(Refusal::new(problem, format!("another name before `=`, or {DATED}")));
    }
    if folder.value.contains(&Part::RandomString) {
        let problem = format!("a catalog cannot be partitioned by `{key}`, which is no timestamp");
        return Some(Refusal::new(problem, DATED));
    }
    if !folder.is_closed {
        let problem = format!("Firehose would write the object's name into the value of `{key}`");
        return Some(Refusal::new(problem, "`/` at the end of the prefix"));
    }
    if partitions == Partitions::Registered && folder.value.iter().any(goes_on) {
        let problem = format!("the value of `{key}` reaches over several folders, and a partition's is in one");
        return Some(Refusal::new(problem, format!("no `/` in the pattern, or `{PARTITIONS}: projected`")));
    }
    match projection::values(folder, Utc::now().year()) {
        Err(why) if partitions == Partitions::Projected => {
            let expected = "one field such as `month=!{timestamp:MM}`, a date such as `dt=!{timestamp:yyyy-MM-dd}`, or \
                            `partitions: registered`";
            Some(Refusal::new(why.to_string(), expected))
        }
        _ => None,
    }
}

/// What is wrong with a folder that a partition lies below.
fn between(folder: &Folder, partitions: Partitions) -> Option<Refusal> {
    if !folder.is_literal() {
        let problem = "partitions lie below this folder, which has no key";
        return Some(Refusal::new(problem, format!("`key=` before it, or {DATED}")));
    }
    let problem = match partitions {
        _ if folder.written.is_empty() => "Athena leaves an empty folder out of a location, and would find no object",
        Partitions::Registered => "partitions lie below this folder, and a catalog's follow one upon the other",
        Partitions::Projected | Partitions::None => return None,
    };
    Some(Refusal::new(problem, "this folder before or after those of the keys"))
}
