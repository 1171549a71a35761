//! The objects that Firehose writes: how large, of what.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much Firehose gathers before it writes an object; whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// 1–128 MiB.
    pub mib: u32,
    /// 0–900 s.
    pub interval: Duration,
}

/// What delivered objects hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines, as they were sent.
    #[default]
    Json,
    /// Parquet, made by Firehose after the columns of the catalog's table.
    Parquet,
}

/// Compression of delivered objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all(serialize = "snake_case", deserialize = "kebab-case"))]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// GZIP, which Athena reads.
    Gzip,
    /// ZIP archives, which Athena does not read.
    Zip,
    /// Snappy; of JSON lines in a framing that Athena does not read.
    Snappy,
    /// Snappy in Hadoop's framing, of JSON lines, which Athena reads.
    // The other word is the journals'.
    #[serde(alias = "hadoop_snappy")]
    HadoopSnappy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_again_and_a_stack_file_has_its_own_word() {
        let read = |text: &str| serde_json::from_str::<Compression>(text).ok();
        let journaled = serde_json::to_string(&Compression::HadoopSnappy).expect("JSON");
        assert_eq!(journaled, "\"hadoop_snappy\"");
        assert_eq!([&journaled, "\"hadoop-snappy\""].map(read), [Some(Compression::HadoopSnappy); 2]);
    }
}
