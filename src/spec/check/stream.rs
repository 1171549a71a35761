//! The checks of `stream`.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    super::{
        capacity, file, mean, names,
        quantity::Refusal,
        stack::{Stream, StreamMode},
    },
    values::{Check, MIB, Sent},
};

const HOUR: Duration = Duration::from_secs(3_600);
/// Kinesis API reference, IncreaseStreamRetentionPeriod.
const RETENTION_HOURS: RangeInclusive<u64> = 24..=8_760;
/// Kinesis API reference, UpdateMaxRecordSize.
const MAX_RECORD_KIB: RangeInclusive<u64> = 1_024..=10_240;

impl Check<'_> {
    pub(super) fn stream(&mut self, stream: file::StreamFile, stack: Option<&str>, sent: Sent<'_>) -> Option<Stream> {
        let name = self.name("stream.name", &names::STREAM, stream.name, stack);
        let mode = match stream.mode {
            Some(file::StreamModeFile::OnDemand) if self.written("stream.shards") => {
                let expected =
                    "no shards in mode `on-demand`, where AWS sets them (an overlay takes them away by `shards: null`)";
                self.refuse_key("stream.shards", Refusal::new("an on-demand stream has no shards to set", expected));
                None
            }
            Some(file::StreamModeFile::OnDemand) => Some(StreamMode::OnDemand),
            _ => self.shards(stream.shards, sent).map(|shards| StreamMode::Provisioned { shards }),
        };
        let retention = match stream.retention {
            Some(text) => self.retention(&text),
            None => Some(24 * HOUR),
        };
        let max_record_kib = match stream.max_record {
            Some(text) => self.max_record(&text),
            None => Some(1_024),
        };
        Some(Stream { name: name?, mode: mode?, retention: retention?, max_record_kib: max_record_kib? })
    }

    fn shards(&mut self, shards: Option<file::ShardsFile>, sent: Sent<'_>) -> Option<u32> {
        if let Some(file::ShardsFile::Number(shards)) = shards {
            return Some(shards);
        }
        let (problem, expected) = match (sent.schedule?.peak(), mean::mean_bytes(sent.workload?)) {
            (Some(peak), Some(bytes)) => return Some(capacity::shards_for(peak, bytes)),
            (None, _) => (
                "at rate `max` shards cannot be sized by themselves",
                "a number of shards, or a rate such as `2000/s` to size them by",
            ),
            (_, None) => (
                "shards cannot be sized by themselves, as none of the documents can be read",
                "a number of shards, for 1 MB/s or 1,000 records/s each",
            ),
        };
        self.refuse("stream.shards", Refusal::new(problem, expected));
        None
    }

    fn retention(&mut self, text: &file::Time) -> Option<Duration> {
        let retention = self.time("stream.retention", text, "h")?;
        let whole = retention.as_millis() % HOUR.as_millis() == 0;
        if whole && RETENTION_HOURS.contains(&(retention.as_secs() / 3_600)) {
            return Some(retention);
        }
        let problem = format!("Kinesis does not keep records for {}", text.0);
        self.refuse("stream.retention", Refusal::new(problem, "whole hours from 24h to 8760h"));
        None
    }

    fn max_record(&mut self, text: &file::Size) -> Option<u32> {
        let bytes = self.size("stream.max_record", text)?;
        let kib = u32::try_from(bytes / 1_024).ok().filter(|kib| MAX_RECORD_KIB.contains(&u64::from(*kib)));
        if kib.is_none() {
            let problem = format!("a record of {} is over the limit of Kinesis", text.0);
            let problem = if bytes < MIB { format!("{} is less than every stream takes", text.0) } else { problem };
            self.refuse("stream.max_record", Refusal::new(problem, "1MiB to 10MiB"));
        }
        kib
    }
}
