//! What Kinesis accepts, as the API reference of PutRecords says (2025–2026).

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
