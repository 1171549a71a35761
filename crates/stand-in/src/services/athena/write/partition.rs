//! Rows by the partitions that they belong to.

use std::collections::BTreeMap;

use datafusion::{
    arrow::{array::UInt32Array, compute::take_record_batch, record_batch::RecordBatch},
    error::Result,
};

use super::super::{
    failure::{Failure, fail},
    value_text::text,
};
use crate::hive::HIVE_NULL;

/// The rows of a batch by the values of its last `keys` columns, which the parts do not have any more.
pub(super) fn split(batch: &RecordBatch, keys: usize) -> Result<BTreeMap<Vec<String>, RecordBatch>> {
    let width = batch.num_columns() - keys;
    let data = batch.project(&(0..width).collect::<Vec<_>>())?;
    if keys == 0 {
        return Ok(BTreeMap::from([(Vec::new(), data)]));
    }
    let mut rows: BTreeMap<Vec<String>, Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let values = batch.columns()[width..].iter().map(|column| value(text(column, row)?));
        rows.entry(values.collect::<Result<_>>()?).or_default().push(row as u32);
    }
    let part =
        |(values, rows)| Ok((values, take_record_batch(&data, &UInt32Array::from_iter_values::<Vec<u32>>(rows))?));
    rows.into_iter().map(part).collect()
}

/// Hive keeps rows with a null and rows with an empty text in one partition, and Trino has printable ASCII alone in a partition's name
/// (Trino, `HiveWriteUtils.createPartitionValues`).
fn value(text: Option<String>) -> Result<String> {
    let value = text.filter(|text| !text.is_empty()).unwrap_or_else(|| HIVE_NULL.to_owned());
    if value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Ok(value);
    }
    let bytes = value.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
    fail(Failure::user(format!(
        "HIVE_INVALID_PARTITION_VALUE: Hive partition keys can only contain printable ASCII characters (0x20 - 0x7E). Invalid value: {bytes}"
    )))
}
