//! What an arm is to do, handed over in its environment, so that programs in other languages read it alike.

use std::{env, fmt, process::Command, str::FromStr};

/// The work of one run of one client.
#[derive(Clone, Debug)]
pub struct Work {
    /// User records that are counted.
    pub records: u64,
    /// User records sent before those.
    pub warmup: u64,
    /// Bytes of one, its number included; 0: full documents, made on the fly.
    pub size: usize,
    pub format: Format,
    /// User records in one Kinesis record; 1: none are aggregated, 0: as many as fit 50 KB.
    pub aggregate: u64,
    /// Without it, the records are made and dropped.
    pub send: bool,
}

/// Of bodies on the wire; clients that know only JSON take no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Cbor,
}

/// Bytes of one request where records are aggregated, as the Kinesis Producer Library has it. Source:
/// KinesisProducerConfiguration.
pub const REQUEST_BYTES: usize = 5 * 1024 * 1024;
/// Requests on their way at the same time.
pub const IN_FLIGHT: usize = 8;

impl Work {
    /// Adds it to a child's environment.
    pub fn hand_to(&self, command: &mut Command) {
        command
            .env("BENCH_RECORDS", self.records.to_string())
            .env("BENCH_WARMUP", self.warmup.to_string())
            .env("BENCH_SIZE", self.size.to_string())
            .env("BENCH_FORMAT", self.format.to_string())
            .env("BENCH_AGGREGATE", self.aggregate.to_string())
            .env("BENCH_SEND", u8::from(self.send).to_string());
    }

    /// The child's side of it.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            records: read("BENCH_RECORDS")?,
            warmup: read("BENCH_WARMUP")?,
            size: read("BENCH_SIZE")?,
            format: read("BENCH_FORMAT")?,
            aggregate: read("BENCH_AGGREGATE")?,
            send: read::<u8>("BENCH_SEND")? == 1,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Json { "json" } else { "cbor" })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "cbor" => Ok(Self::Cbor),
            other => Err(format!("a format is json or cbor, not `{other}`")),
        }
    }
}

fn read<T: FromStr<Err: fmt::Display>>(name: &str) -> Result<T, String> {
    let text = env::var(name).map_err(|_| format!("{name} is not set: the bench starts its arms, nobody else"))?;
    text.parse().map_err(|error| format!("{name}: {error}"))
}
