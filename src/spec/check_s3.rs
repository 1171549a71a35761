//! The checks of `deliver.s3`: prefixes, buffer, catalog.

use std::{collections::BTreeMap, time::Duration};

use crate::prefix::{Prefix, Use};

use super::{
    check::Check,
    file::{BufferFile, CatalogFile, CompressionFile, PartitionsFile, S3File, Size, Time},
    names,
    quantity::Refusal,
    stack::{Buffer, Catalog, Compression, Format, Partitions, S3Delivery},
};

const MIB: u64 = 1 << 20;
/// Firehose API reference, BufferingHints.
const BUFFER_MIB: std::ops::RangeInclusive<u64> = 1..=128;
/// Firehose API reference, BufferingHints.
const BUFFER_SECONDS: std::ops::RangeInclusive<u64> = 0..=900;
const ERROR_TYPE: &str = "!{firehose:error-output-type}";
const DATED: &str = "`year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/`";

impl Check<'_> {
    pub(super) fn s3(&mut self, s3: S3File, stack: Option<&str>) -> Option<S3Delivery> {
        let bucket = self.name("deliver.s3.bucket", &names::BUCKET, s3.bucket, stack);
        let prefix = s3.prefix.and_then(|text| self.prefix("deliver.s3.prefix", text, Use::Data));
        let error_prefix = s3.error_prefix.and_then(|text| self.prefix("deliver.s3.error_prefix", text, Use::Error));
        let told_apart = match (&prefix, &error_prefix) {
            (Some(prefix), Some(errors)) => self.errors_told_apart(prefix, errors),
            _ => None,
        };
        let buffer = self.buffer(s3.buffer);
        let compression = match s3.compression {
            Some(CompressionFile::None) => Compression::None,
            Some(CompressionFile::Gzip) | None => Compression::Gzip,
        };
        let catalog = match s3.catalog {
            Some(catalog) => self.catalog(catalog, prefix.as_ref(), error_prefix.as_ref()).map(Some),
            None => Some(None),
        };
        let ((prefix, prefix_text), (error_prefix, error_prefix_text)) = (prefix?, error_prefix?);
        Some(S3Delivery {
            bucket: bucket?,
            prefix,
            prefix_text,
            error_prefix,
            error_prefix_text,
            partition_by: BTreeMap::new(),
            buffer: told_apart.and(buffer)?,
            format: Format::Json,
            compression,
            catalog: catalog?,
        })
    }

    fn prefix(&mut self, path: &str, text: String, purpose: Use) -> Option<(Prefix, String)> {
        match Prefix::parse(&text, purpose) {
            Ok(prefix) => Some((prefix, text)),
            Err(error) => {
                self.refuse_part(path, &text, error.offset, &error.text, error.problem);
                None
            }
        }
    }

    /// Firehose Developer Guide, "Custom prefixes": where `prefix` has expressions, the error prefix names its kind.
    fn errors_told_apart(&mut self, (_, data): &(Prefix, String), (_, errors): &(Prefix, String)) -> Option<()> {
        if !data.contains("!{") || errors.contains(ERROR_TYPE) {
            return Some(());
        }
        let expected = format!("`{ERROR_TYPE}` in it, as `prefix` has expressions");
        let refusal = Refusal::new("Firehose needs to tell kinds of errors apart", expected);
        self.refuse("deliver.s3.error_prefix", refusal.suggest(Some(format!("{errors}{ERROR_TYPE}/"))));
        None
    }

    fn buffer(&mut self, buffer: Option<BufferFile>) -> Option<Buffer> {
        let buffer = buffer.unwrap_or(BufferFile { size: None, interval: None });
        let size = buffer.size.map_or(Some(64), |text| self.buffer_size(&text));
        let interval = buffer.interval.map_or(Some(Duration::from_secs(60)), |text| self.buffer_interval(&text));
        Some(Buffer { mib: size?, interval: interval? })
    }

    fn buffer_size(&mut self, text: &Size) -> Option<u32> {
        let bytes = self.size("deliver.s3.buffer.size", text)?;
        if bytes.is_multiple_of(MIB) && BUFFER_MIB.contains(&(bytes / MIB)) {
            return u32::try_from(bytes / MIB).ok();
        }
        let problem = format!("Firehose does not buffer {}", text.0);
        self.refuse("deliver.s3.buffer.size", Refusal::new(problem, "whole MiB from 1MiB to 128MiB"));
        None
    }

    fn buffer_interval(&mut self, text: &Time) -> Option<Duration> {
        let interval = self.time("deliver.s3.buffer.interval", text, "s")?;
        if interval.subsec_millis() == 0 && BUFFER_SECONDS.contains(&interval.as_secs()) {
            return Some(interval);
        }
        let problem = format!("Firehose does not buffer for {}", text.0);
        self.refuse("deliver.s3.buffer.interval", Refusal::new(problem, "whole seconds from 0s to 900s"));
        None
    }

    fn catalog(
        &mut self,
        catalog: CatalogFile,
        prefix: Option<&(Prefix, String)>,
        error_prefix: Option<&(Prefix, String)>,
    ) -> Option<Catalog> {
        let path = "deliver.s3.catalog";
        let database = match catalog.database {
            Some(name) => self.name(&format!("{path}.database"), &names::DATABASE, Some(name), None),
            None => None,
        };
        let table = catalog.table.and_then(|table| self.keep(&format!("{path}.table"), names::TABLE.exact(&table)));
        let partitions = match catalog.partitions {
            Some(PartitionsFile::Projected) => Partitions::Projected,
            Some(PartitionsFile::Registered) | None => Partitions::Registered,
        };
        let partitioned = prefix.map_or(Some(()), |prefix| self.partitioned(prefix));
        let apart = match (prefix, error_prefix) {
            (Some(prefix), Some(errors)) => self.errors_outside_the_table(prefix, errors),
            _ => Some(()),
        };
        partitioned.and(apart)?;
        Some(Catalog { database: database?, table: table?, partitions })
    }

    /// A table's partitions are the prefix's `key=` segments, and their values are times.
    fn partitioned(&mut self, (prefix, text): &(Prefix, String)) -> Option<()> {
        let keyed = text.split('/').filter_map(|segment| segment.split_once("=!{"));
        let undated = keyed.filter(|(_, expression)| !expression.starts_with("timestamp:")).map(|(key, _)| key).next();
        let problem = match (undated, prefix.partition_keys().as_slice()) {
            (Some(key), _) => format!("a catalog cannot be partitioned by `{key}`, which is no timestamp"),
            (None, []) => "a catalog has no partition keys to take from this prefix".to_owned(),
            (None, _) => return Some(()),
        };
        self.refuse("deliver.s3.prefix", Refusal::new(problem, format!("segments such as {DATED}")));
        None
    }

    fn errors_outside_the_table(&mut self, data: &(Prefix, String), errors: &(Prefix, String)) -> Option<()> {
        let table = data.0.fixed();
        if !errors.0.fixed().starts_with(table) {
            return Some(());
        }
        let problem = format!("failed records would lie inside the table, under `{table}`");
        self.refuse("deliver.s3.error_prefix", Refusal::new(problem, "a prefix that does not begin as `prefix` does"));
        None
    }
}
