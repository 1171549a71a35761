//! What a consumer inside the stand-in asks of a shard besides its records: where to begin, and what a record is called.

use super::{Kinesis, name_in_arn};
use crate::service_error::ServiceError;

impl Kinesis {
    /// What tells a stream from others that bear or bore its name.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream, or it is not yet or no longer open.
    pub(crate) fn stream_id(&self, stream_arn: &str) -> Result<u64, ServiceError> {
        Ok(self.open_stream(&name_in_arn(stream_arn)?)?.meta.id)
    }

    /// The position of the oldest record that a shard keeps (where `TRIM_HORIZON` starts).
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard.
    pub(crate) fn start(&self, stream_arn: &str, shard: &str) -> Result<u64, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        let log = live.log(live.meta.shard(shard)?);
        log.trim(self.now(), live.meta.retention())?;
        Ok(log.start())
    }

    /// The position of the first record that arrived at `time` (milliseconds since the epoch) or later.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard; `InternalFailure` when a file cannot be read.
    pub(crate) fn position_at(&self, stream_arn: &str, shard: &str, time: u64) -> Result<u64, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        Ok(live.log(live.meta.shard(shard)?).position_at(time)?)
    }

    /// The sequence number of the record at `position`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such stream or shard.
    pub(crate) fn sequence_number(&self, stream_arn: &str, shard: &str, position: u64) -> Result<String, ServiceError> {
        let live = self.open_stream(&name_in_arn(stream_arn)?)?;
        Ok(live.meta.numbering(live.meta.shard(shard)?).record(position).to_string())
    }
}
