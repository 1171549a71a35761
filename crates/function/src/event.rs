//! A Kinesis event as Lambda gives it to a function, as far as it is needed, and the answer.

use aws_lambda_events::encodings::Base64Data;
use serde::{Deserialize, Serialize};

/// Records of one shard, in the order of the shard.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    pub(super) records: Vec<Record>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Record {
    pub(super) kinesis: Kinesis,
}

/// Not the type of the same content in `aws_lambda_events` 1.2: that reads an arrival at .5 s as 5 ms past the second.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kinesis {
    pub(super) sequence_number: String,
    pub(super) data: Base64Data,
    #[serde(rename = "approximateArrivalTimestamp")]
    arrival_seconds: f64,
}

impl Kinesis {
    /// Milliseconds since 1970; the timestamp has no finer digits.
    pub(super) fn arrived(&self) -> i64 {
        (self.arrival_seconds * 1e3).round() as i64
    }
}

/// Which records failed (Lambda developer guide, "Reporting batch item failures").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// In the order of the shard.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A record that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_exact_to_the_millisecond() {
        for (seconds, arrived) in [("1764000000.5", 1764000000500), ("1764000000.987", 1764000000987), ("17", 17000)] {
            let text =
                format!(r#"{{"sequenceNumber": "1", "data": "e30=", "approximateArrivalTimestamp": {seconds}}}"#);
            let kinesis: Kinesis = serde_json::from_str(&text).expect("a record");
            assert_eq!((kinesis.arrived(), kinesis.data.0.as_slice()), (arrived, b"{}".as_slice()));
        }
    }
}
