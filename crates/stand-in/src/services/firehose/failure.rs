//! Records that cannot be delivered as they should, as Firehose writes them under the error prefix.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conversion::Table;

/// Why a record is not with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Its partition cannot be derived.
    MetadataExtraction,
    /// It would open one partition too many.
    ActivePartitionExceeded,
    /// It does not fit the table.
    FormatConversion,
}

impl Kind {
    /// What `!{firehose:error-output-type}` says.
    pub(super) fn output_type(self) -> &'static str {
        match self {
            Self::MetadataExtraction => "metadata-extraction-failed",
            // Firehose developer guide, "Buffer data for dynamic partitioning".
            Self::ActivePartitionExceeded => "activePartitionExceeded",
            Self::FormatConversion => "format-conversion-failed",
        }
    }
}

/// A record whose partition is not known, as a line of JSON. No clock is read, so that the same object is made again.
pub(super) fn without_partition(record: &[u8], arrived: u64, code: &str, message: &str) -> String {
    line(&json!({
        "attemptsMade": 1,
        "arrivalTimestamp": arrived,
        "errorCode": format!("DynamicPartitioning.{code}"),
        "errorMessage": message,
        "attemptEndingTimestamp": arrived,
        "rawData": base64_simd::STANDARD.encode_to_string(record),
    }))
}

/// A record that does not fit the table (Firehose developer guide, "Handle errors for data format conversion").
pub(super) fn unconverted(record: &[u8], arrived: u64, code: &str, message: &str, table: &Table) -> String {
    line(&json!({
        "attemptsMade": 1,
        "arrivalTimestamp": arrived,
        "lastErrorCode": format!("DataFormatConversion.{code}"),
        "lastErrorMessage": message,
        "attemptEndingTimestamp": arrived,
        "rawData": base64_simd::STANDARD.encode_to_string(record),
        "dataCatalogTable": table,
    }))
}

fn line(document: &Value) -> String {
    format!("{document}\n")
}
