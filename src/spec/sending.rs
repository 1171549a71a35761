//! How documents travel into the stream: encoded, aggregated, ordered.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// The largest aggregated record where nothing is said: two PUT payload units of 25 KB, as Kinesis bills them.
pub(super) const AGGREGATED_BYTES: u32 = 50 * 1024;

/// How documents travel into the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// How requests are written.
    pub transport: Transport,
    /// Whether documents share Kinesis records.
    pub aggregation: Aggregation,
    /// Whether documents of one partition key keep their order, at the price of one request a shard at a time.
    pub ordered: bool,
}

/// How requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// JSON over HTTP.
    #[default]
    Json,
    /// CBOR over HTTP, a quarter smaller; goes back to JSON where it is not taken.
    Cbor,
    /// The AWS SDK's own client.
    Sdk,
}

/// Whether documents share Kinesis records, in the format of the Kinesis Producer Library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// A document is a record.
    #[default]
    Off,
    /// Documents for the same shard are put together.
    On {
        /// Of an aggregated record, 1 KiB to 1 MiB.
        max_bytes: u32,
    },
}

impl Aggregation {
    /// How many documents of a mean length one record has.
    pub fn documents_per_record(self, mean_bytes: f64) -> f64 {
        match self {
            Self::Off => 1.0,
            Self::On { max_bytes } => (f64::from(max_bytes) / mean_bytes.max(1.0)).floor().max(1.0),
        }
    }
}

impl fmt::Display for Sending {
    /// Such as `CBOR, aggregated to 50 KiB, in order`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.transport {
            Transport::Json => "JSON",
            Transport::Cbor => "CBOR",
            Transport::Sdk => "JSON by the SDK",
        })?;
        if let Aggregation::On { max_bytes } = self.aggregation {
            write!(f, ", aggregated to {} KiB", max_bytes.div_ceil(1024))?;
        }
        f.write_str(if self.ordered { ", in order" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_as_many_documents_as_fit_and_never_none() {
        assert_eq!(Aggregation::Off.documents_per_record(10.0), 1.0);
        let on = Aggregation::On { max_bytes: AGGREGATED_BYTES };
        assert_eq!([8_170.0, 200.0, 100_000.0].map(|mean| on.documents_per_record(mean)), [6.0, 256.0, 1.0]);
    }

    #[test]
    fn it_is_said_in_a_few_words() {
        assert_eq!(Sending::default().to_string(), "JSON");
        let all =
            Sending { transport: Transport::Cbor, aggregation: Aggregation::On { max_bytes: 1 << 15 }, ordered: true };
        assert_eq!(all.to_string(), "CBOR, aggregated to 32 KiB, in order");
    }
}
