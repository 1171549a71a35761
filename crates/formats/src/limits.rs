//! What a shard of Kinesis Data Streams takes.
//!
//! The developer guide says "1 MB/s"; the API reference says "1 MiB per second" (CreateStream, GetRecords), as AWS's own
//! producer does (amazon-kinesis-producer, limiter). 95 % of a mebibyte is less than a megabyte, so a plan with 5 % to spare
//! holds either way.

/// Bytes a second that a shard takes, partition keys included. Source: Kinesis API reference, CreateStream, "up to a
/// maximum data write total of 1 MiB per second".
pub const SHARD_BYTES_PER_SECOND: u32 = 1 << 20;

/// Records a second that a shard takes. Source: Kinesis API reference, CreateStream, "writes up to 1,000 records per
/// second".
pub const SHARD_RECORDS_PER_SECOND: u32 = 1_000;
