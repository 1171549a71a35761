//! What every delivery by Firehose has: two prefixes and a buffer.

use std::{ops::RangeInclusive, time::Duration};

use demo_formats::prefix::{Prefix, Use};

use super::{
    super::{file::values::BufferFile, objects::Buffer, quantity::Refusal},
    values::Check,
};

/// Firehose API reference, BufferingHints.
const BUFFER_MIB: RangeInclusive<u64> = 1..=128;
/// Firehose API reference, BufferingHints.
const BUFFER_SECONDS: RangeInclusive<u64> = 0..=900;
pub(crate) const ERROR_TYPE: &str = "!{firehose:error-output-type}";
const QUERY: &str = "!{partitionKeyFromQuery:";

/// A prefix as Firehose reads it and as it was written.
pub(crate) type Written = (Prefix, String);

impl Check<'_> {
    pub(crate) fn prefix(&mut self, path: &str, text: String, purpose: Use) -> Option<Written> {
        match Prefix::parse(&text, purpose) {
            Ok(prefix) => Some((prefix, text)),
            Err(error) => {
                self.refuse_part(path, &text, error.offset, &error.text, error.problem);
                None
            }
        }
    }

    /// Firehose Developer Guide, "Custom prefixes": where `prefix` has expressions, the error prefix names its kind.
    pub(crate) fn errors_told_apart(&mut self, parent: &str, data: &Written, errors: &Written) -> Option<()> {
        if !data.1.contains("!{") || errors.1.contains(ERROR_TYPE) {
            return Some(());
        }
        let expected = format!("`{ERROR_TYPE}` in it, as `prefix` has expressions");
        let refusal = Refusal::new("Firehose needs to tell kinds of errors apart", expected);
        self.refuse(&format!("{parent}.error_prefix"), refusal.suggest(Some(format!("{}{ERROR_TYPE}/", errors.1))));
        None
    }

    pub(crate) fn buffer(&mut self, parent: &str, buffer: Option<BufferFile>) -> Option<Buffer> {
        let buffer = buffer.unwrap_or(BufferFile { size: None, interval: None });
        let size = buffer.size.map_or(Some(64), |text| {
            self.mib(&format!("{parent}.buffer.size"), &text, BUFFER_MIB, "Firehose does not buffer")
        });
        let interval = buffer.interval.map_or(Some(Duration::from_secs(60)), |text| {
            self.seconds(&format!("{parent}.buffer.interval"), &text, BUFFER_SECONDS, "Firehose does not buffer for")
        });
        Some(Buffer { mib: size?, interval: interval? })
    }
}

/// The names of a prefix's `!{partitionKeyFromQuery:…}` expressions, and each one's place, in order.
pub(crate) fn query_keys(prefix: &str) -> Vec<(usize, &str)> {
    let found = prefix.match_indices(QUERY).filter_map(|(open, _)| {
        let name = open + QUERY.len();
        prefix[name..].find('}').map(|length| (open, &prefix[name..name + length]))
    });
    found.collect()
}
