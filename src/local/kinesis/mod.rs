//! Kinesis Data Streams over append-only segment files.

use std::{io, path::Path, sync::Arc, time::SystemTime};

use bytes::Bytes;

use super::fault::Fault;

/// The service.
pub struct Kinesis {}

/// A shard, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardInfo {
    /// For example `shardId-000000000000`.
    pub id: String,
    /// The shards that it came from by a split or a merge.
    pub parents: Vec<String>,
    /// No more records will come.
    pub closed: bool,
}

/// A record as a consumer inside the stand-in reads it.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Its position in the shard, counted from 0.
    pub position: u64,
    /// When the stream took it.
    pub arrived: SystemTime,
    /// Its partition key.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
}

impl Kinesis {
    /// Opens the streams that lie in `folder`.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        let _ = folder;
        unimplemented!()
    }

    /// One call of the wire protocol: `operation` as in `X-Amz-Target` after the dot, a JSON body in and out.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, Fault> {
        let _ = (operation, body);
        unimplemented!()
    }

    /// Every shard of a stream, by the stream's ARN; `ResourceNotFoundException` when there is none.
    pub fn shards(&self, stream_arn: &str) -> Result<Vec<ShardInfo>, Fault> {
        let _ = stream_arn;
        unimplemented!()
    }

    /// The position after the newest record of a shard (where `LATEST` starts).
    pub fn end(&self, stream_arn: &str, shard: &str) -> Result<u64, Fault> {
        let _ = (stream_arn, shard);
        unimplemented!()
    }

    /// Records from `position` on, at most `max_bytes` of data (but at least one record), oldest first; trimmed ones are skipped.
    pub fn read(
        &self,
        stream_arn: &str,
        shard: &str,
        position: u64,
        max_bytes: usize,
    ) -> Result<Vec<StoredRecord>, Fault> {
        let _ = (stream_arn, shard, position, max_bytes);
        unimplemented!()
    }
}
