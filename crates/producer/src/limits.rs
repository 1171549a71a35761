//! What Kinesis accepts, as its API reference says (2025–2026).

use std::ops::RangeInclusive;

/// Records in one request. Source: PutRecords, "each PutRecords request can support up to 500 records".
pub const RECORDS_PER_REQUEST: usize = 500;

/// Bytes of one request, partition keys included. Source: PutRecords, "up to a limit of 10 MiB for the entire request".
pub const BYTES_PER_REQUEST: usize = 10 * 1024 * 1024;

/// Bytes of one record, its partition key included, unless UpdateMaxRecordSize has raised it for the stream.
/// Source: UpdateMaxRecordSize, "default 1024 KiB".
pub const BYTES_PER_RECORD: usize = 1024 * 1024;

/// The most that UpdateMaxRecordSize can allow for one record. Source: UpdateMaxRecordSize, "maximum 10240 KiB".
pub const BYTES_PER_RECORD_AT_MOST: usize = 10 * 1024 * 1024;

/// Unicode characters of a partition key. Source: PutRecordsRequestEntry, "minimum length of 1, maximum of 256".
pub const PARTITION_KEY_CHARS: RangeInclusive<usize> = 1..=256;

/// Records a second that a shard takes. Source: CreateStream, "writes up to 1,000 records per second".
pub const SHARD_RECORDS_PER_SECOND: u32 = 1_000;

/// Bytes a second that a shard takes, partition keys included. Source: CreateStream, "up to a maximum data write total of 1 MiB
/// per second", as GetRecords and AWS's own producer have it; the developer guide says "1 MB/s".
pub const SHARD_BYTES_PER_SECOND: u32 = 1 << 20;
