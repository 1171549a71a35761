//! The checks of `deliver.s3`: prefixes, partitions by a field, format and catalog.

use std::collections::BTreeMap;

use demo_formats::{
    prefix::Use,
    schema::{FieldPath, Schema, Type},
};

use super::{
    Catalog, Partitions, S3Delivery,
    file::{CatalogFile, S3File},
};
use crate::spec::{
    check::{
        firehose::{Written, query_keys},
        values::{Check, Sent},
    },
    file::values::PathText,
    names,
    objects::{Buffer, Compression, Format},
    quantity::Refusal,
};

/// Firehose Developer Guide, "Dynamic partitioning" and "Convert input data format": the least buffer of both.
const LARGE_BUFFER_MIB: u32 = 64;

impl Check<'_> {
    pub(crate) fn s3(&mut self, s3: S3File, stack: Option<&str>, sent: Sent<'_>) -> Option<S3Delivery> {
        let schema = sent.schema();
        let bucket = self.name("deliver.s3.bucket", &names::BUCKET, s3.bucket, stack);
        let prefix = s3.prefix.and_then(|text| self.prefix("deliver.s3.prefix", text, Use::Data));
        let error_prefix = s3.error_prefix.and_then(|text| self.prefix("deliver.s3.error_prefix", text, Use::Error));
        let told_apart = match (&prefix, &error_prefix) {
            (Some(prefix), Some(errors)) => self.errors_told_apart("deliver.s3", prefix, errors),
            _ => None,
        };
        let partition_by = self.partition_by(s3.partition_by.unwrap_or_default(), prefix.as_ref(), schema);
        let buffer = self.buffer("deliver.s3", s3.buffer);
        let format = s3.format.unwrap_or_default();
        let buffered = buffer.and_then(|buffer| self.buffered_enough(buffer, format));
        let compression = self.compression(s3.compression, format);
        let catalog = match s3.catalog {
            Some(catalog) => self.catalog(catalog, prefix.as_ref(), error_prefix.as_ref(), schema).map(Some),
            None => self.columns_for(format).map(|()| None),
        };
        let ((prefix, prefix_text), (error_prefix, error_prefix_text)) = (prefix?, error_prefix?);
        Some(S3Delivery {
            bucket: bucket?,
            prefix,
            prefix_text,
            error_prefix,
            error_prefix_text,
            partition_by: partition_by?,
            buffer: told_apart.and(buffered).and(buffer)?,
            format,
            compression: compression?,
            catalog: catalog?,
        })
    }

    /// Both ways: every key of the prefix has a field, and every field stands in the prefix.
    fn partition_by(
        &mut self,
        fields: BTreeMap<String, PathText>,
        prefix: Option<&Written>,
        schema: Option<&Schema>,
    ) -> Option<BTreeMap<String, FieldPath>> {
        let before = self.complaints();
        let mut known = BTreeMap::new();
        for (key, text) in &fields {
            let path = format!("deliver.s3.partition_by.{key}");
            let unnamed = names::PARTITION.exact(key).map_err(|refusal| self.refuse_key(&path, refusal)).is_err();
            let field = self.field_path(&path, text).and_then(|field| self.partition_field(&path, field, schema));
            if let (Some((_, text)), false) = (prefix, unnamed)
                && !query_keys(text).iter().any(|(_, name)| name == key)
            {
                let problem = format!("the prefix has no partition key `{key}`");
                let expected = format!("`{key}=!{{partitionKeyFromQuery:{key}}}/` in `prefix`");
                self.refuse_key(&path, Refusal::new(problem, expected));
            }
            known.extend(field.map(|field| (key.clone(), field)));
        }
        for (offset, key) in prefix.map(|(_, text)| query_keys(text)).unwrap_or_default() {
            if !self.written(&format!("deliver.s3.partition_by.{key}")) {
                let part = format!("!{{partitionKeyFromQuery:{key}}}");
                let problem = format!(
                    "nothing says which field `{key}` is; expected `partition_by: {{{key}: …}}` with a field of the document"
                );
                let text = prefix.map_or("", |(_, text)| text);
                self.refuse_part("deliver.s3.prefix", text, offset, &part, problem);
            }
        }
        (self.complaints() == before).then_some(known)
    }

    fn partition_field(&mut self, path: &str, field: FieldPath, schema: Option<&Schema>) -> Option<FieldPath> {
        let problem = match schema.map(|schema| schema.at(&field).map(|field| &field.kind)) {
            Some(None) => format!("a store_sales document has no field `{field}`"),
            Some(Some(Type::Struct(_))) => format!("`{field}` is not one value but a struct"),
            _ => return Some(field),
        };
        self.refuse(path, Refusal::new(problem, "the path of a value, such as `ss_item.i_category`"));
        None
    }

    fn buffered_enough(&mut self, buffer: Buffer, format: Format) -> Option<()> {
        let before = self.complaints();
        let by_field = self.written("deliver.s3.partition_by");
        if buffer.mib < LARGE_BUFFER_MIB && (by_field || format == Format::Parquet) {
            let what = if by_field { "partitions by a field" } else { "makes Parquet" };
            let problem = format!("Firehose {what} from buffers of at least 64MiB");
            self.refuse("deliver.s3.buffer.size", Refusal::new(problem, "whole MiB from 64MiB to 128MiB"));
        }
        // Firehose Developer Guide, "Buffer data for dynamic partitioning": no zero buffering.
        if buffer.interval.is_zero() && by_field {
            let problem = "Firehose cannot partition by a field without gathering";
            self.refuse("deliver.s3.buffer.interval", Refusal::new(problem, "whole seconds from 1s to 900s"));
        }
        (self.complaints() == before).then_some(())
    }

    /// Parquet is compressed inside (Firehose API reference, ParquetSerDe); of JSON lines, Athena reads not every kind
    /// (Athena User Guide, "Use compression").
    fn compression(&mut self, compression: Option<Compression>, format: Format) -> Option<Compression> {
        let compression = match compression {
            Some(compression) => compression,
            None if format == Format::Parquet => Compression::Snappy,
            None => Compression::Gzip,
        };
        let (problem, expected) = match (format, compression) {
            (Format::Parquet, Compression::Zip | Compression::HadoopSnappy) => {
                ("Parquet is not compressed this way", "`snappy`, `gzip` or `none`, inside the Parquet")
            }
            (Format::Json, Compression::Zip | Compression::Snappy) if self.written("deliver.s3.catalog") => (
                "Athena does not read JSON lines that are compressed this way",
                "`gzip`, `hadoop-snappy` or `none`; or no `catalog`",
            ),
            _ => return Some(compression),
        };
        self.refuse("deliver.s3.compression", Refusal::new(problem, expected));
        None
    }

    /// Firehose API reference, SchemaConfiguration: Parquet's columns are those of a Glue table.
    fn columns_for(&mut self, format: Format) -> Option<()> {
        if format == Format::Json || self.written("deliver.s3.catalog") {
            return Some(());
        }
        let expected = "`catalog:` with a `database` and a `table` beside it";
        let problem = "Firehose takes Parquet's columns from a Glue table";
        self.refuse("deliver.s3.format", Refusal::new(problem, expected));
        None
    }

    fn catalog(
        &mut self,
        catalog: CatalogFile,
        prefix: Option<&Written>,
        error_prefix: Option<&Written>,
        schema: Option<&Schema>,
    ) -> Option<Catalog> {
        let path = "deliver.s3.catalog";
        let database = match catalog.database {
            Some(name) => self.name(&format!("{path}.database"), &names::DATABASE, Some(name), None),
            None => None,
        };
        let table = catalog.table.and_then(|table| self.keep(&format!("{path}.table"), names::TABLE.exact(&table)));
        let partitions = catalog.partitions.unwrap_or_default();
        let located = prefix.map_or(Some(()), |prefix| self.location(prefix));
        let partitioned = match prefix {
            Some(prefix) if partitions != Partitions::None => self.partitioned(prefix, partitions, schema),
            _ => Some(()),
        };
        let apart = match (prefix, error_prefix) {
            (Some(prefix), Some(errors)) => self.errors_outside_the_table(prefix, errors),
            _ => Some(()),
        };
        located.and(partitioned).and(apart)?;
        Some(Catalog { database: database?, table: table?, partitions })
    }

    fn errors_outside_the_table(&mut self, data: &Written, errors: &Written) -> Option<()> {
        let table = data.0.fixed();
        if !errors.0.fixed().starts_with(table) {
            return Some(());
        }
        let problem = format!("failed records would lie inside the table, under `{table}`");
        self.refuse("deliver.s3.error_prefix", Refusal::new(problem, "a prefix that does not begin as `prefix` does"));
        None
    }
}
