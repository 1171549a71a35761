//! A delivery's destination in S3, as Firehose is told of it.

use std::collections::BTreeMap;

use aws_sdk_firehose::types::{
    CompressionFormat, DataFormatConversionConfiguration, Deserializer, DynamicPartitioningConfiguration,
    ExtendedS3DestinationConfiguration, ExtendedS3DestinationDescription, ExtendedS3DestinationUpdate,
    InputFormatConfiguration, OpenXJsonSerDe, OutputFormatConfiguration, ParquetCompression, ParquetSerDe,
    ProcessingConfiguration, Processor, ProcessorParameter, ProcessorParameterName, ProcessorType, RetryOptions,
    SchemaConfiguration, Serializer,
};
use aws_smithy_types::error::operation::BuildError;

use super::{
    Columns, Desired,
    route::{Found, changed},
};
use crate::{
    aws::clients::Clients,
    engine::Difference,
    spec::{Compression, FieldPath},
};

/// The only one that there is (Firehose developer guide, "Understand partitioning keys").
const JSON_ENGINE: &str = "JQ-1.6";
/// How long a write that fails is tried again (Firehose API reference, RetryOptions: up to 7,200 s).
const RETRY_SECONDS: i32 = 300;
/// The partition of documents that have no value: Firehose sends a record whose key is null or empty to the error prefix.
const NO_VALUE: &str = "none";

/// What CreateDeliveryStream is given; `role` is an ARN.
pub(super) fn configuration(
    wanted: &Desired,
    role: &str,
    clients: &Clients,
) -> Result<ExtendedS3DestinationConfiguration, BuildError> {
    let conversion = wanted.parquet.as_ref().map(|columns| conversion(columns, wanted.compression, role, clients));
    let processing = query(wanted).map(|query| extraction(&query)).transpose()?;
    let partitioning = processing.is_some().then(partitioning);
    ExtendedS3DestinationConfiguration::builder()
        .role_arn(role)
        .bucket_arn(clients.bucket_arn(&wanted.route.bucket))
        .prefix(&wanted.route.prefix)
        .error_output_prefix(&wanted.route.error_prefix)
        .buffering_hints(wanted.route.hints())
        .compression_format(compression(wanted))
        .set_data_format_conversion_configuration(conversion)
        .set_dynamic_partitioning_configuration(partitioning)
        .set_processing_configuration(processing)
        .build()
}

/// What UpdateDestination is given: the same, over what is there. It keeps what it is not told, so a conversion that is not
/// wanted any more is switched off; and the role stays.
pub(super) fn update(
    to: ExtendedS3DestinationConfiguration,
    found: Option<&ExtendedS3DestinationDescription>,
) -> ExtendedS3DestinationUpdate {
    let converts = found.and_then(|found| found.data_format_conversion_configuration());
    let off = converts.map(|_| DataFormatConversionConfiguration::builder().enabled(false).build());
    ExtendedS3DestinationUpdate::builder()
        .bucket_arn(to.bucket_arn)
        .set_prefix(to.prefix)
        .set_error_output_prefix(to.error_output_prefix)
        .set_buffering_hints(to.buffering_hints)
        .set_compression_format(to.compression_format)
        .set_data_format_conversion_configuration(to.data_format_conversion_configuration.or(off))
        .set_dynamic_partitioning_configuration(to.dynamic_partitioning_configuration)
        .set_processing_configuration(to.processing_configuration)
        .build()
}

/// What is otherwise than wanted. Dynamic partitioning is there from the beginning or never (Firehose developer guide,
/// "Enable dynamic partitioning").
pub(super) fn differences(
    wanted: &Desired,
    found: &ExtendedS3DestinationDescription,
    clients: &Clients,
) -> Vec<Difference> {
    let landing = Found {
        bucket_arn: found.bucket_arn(),
        prefix: found.prefix(),
        error_prefix: found.error_output_prefix(),
        hints: found.buffering_hints(),
    };
    let mut differences = wanted.route.differences(&landing, &clients.bucket_arn(&wanted.route.bucket));
    differences.extend(changed([
        ("compression", found.compression_format().as_str().to_owned(), compression(wanted).as_str().to_owned()),
        ("format", found_format(found), wanted_format(wanted)),
    ]));
    differences.extend(match (found_query(found), query(wanted)) {
        (Some(is), Some(wanted)) => changed([("partition query", is, wanted)]),
        (Some(_), None) => vec![Difference::replace("dynamic partitioning", "on", "off")],
        (None, Some(_)) => vec![Difference::replace("dynamic partitioning", "off", "on")],
        (None, None) => Vec::new(),
    });
    differences
}

/// Parquet is compressed inside, so the objects are not (Firehose developer guide, "Enable record format conversion").
fn compression(wanted: &Desired) -> CompressionFormat {
    match wanted.compression {
        _ if wanted.parquet.is_some() => CompressionFormat::Uncompressed,
        Compression::None => CompressionFormat::Uncompressed,
        Compression::Gzip => CompressionFormat::Gzip,
        Compression::Zip => CompressionFormat::Zip,
        Compression::Snappy => CompressionFormat::Snappy,
        Compression::HadoopSnappy => CompressionFormat::HadoopSnappy,
    }
}

/// Parquet knows no ZIP and one Snappy; a spec that asks for another is refused before.
fn parquet_compression(compression: Compression) -> ParquetCompression {
    match compression {
        Compression::None => ParquetCompression::Uncompressed,
        Compression::Gzip | Compression::Zip => ParquetCompression::Gzip,
        Compression::Snappy | Compression::HadoopSnappy => ParquetCompression::Snappy,
    }
}

fn conversion(
    columns: &Columns,
    compression: Compression,
    role: &str,
    clients: &Clients,
) -> DataFormatConversionConfiguration {
    let schema = SchemaConfiguration::builder()
        .role_arn(role)
        .database_name(&columns.database)
        .table_name(&columns.table)
        .region(clients.region())
        .version_id("LATEST")
        .build();
    let mapped = (!columns.key_mappings.is_empty()).then(|| columns.key_mappings.clone().into_iter().collect());
    let serde = OpenXJsonSerDe::builder().set_column_to_json_key_mappings(mapped).build();
    let deserializer = Deserializer::builder().open_x_json_ser_de(serde).build();
    let parquet = ParquetSerDe::builder().compression(parquet_compression(compression)).build();
    let serializer = Serializer::builder().parquet_ser_de(parquet).build();
    DataFormatConversionConfiguration::builder()
        .enabled(true)
        .schema_configuration(schema)
        .input_format_configuration(InputFormatConfiguration::builder().deserializer(deserializer).build())
        .output_format_configuration(OutputFormatConfiguration::builder().serializer(serializer).build())
        .build()
}

fn partitioning() -> DynamicPartitioningConfiguration {
    let retry = RetryOptions::builder().duration_in_seconds(RETRY_SECONDS).build();
    DynamicPartitioningConfiguration::builder().enabled(true).retry_options(retry).build()
}

fn extraction(query: &str) -> Result<ProcessingConfiguration, BuildError> {
    let parameter =
        |name, value: &str| ProcessorParameter::builder().parameter_name(name).parameter_value(value).build();
    let processor = Processor::builder()
        .r#type(ProcessorType::MetadataExtraction)
        .parameters(parameter(ProcessorParameterName::MetadataExtractionQuery, query)?)
        .parameters(parameter(ProcessorParameterName::JsonParsingEngine, JSON_ENGINE)?)
        .build()?;
    Ok(ProcessingConfiguration::builder().enabled(true).processors(processor).build())
}

/// The jq query for the partition keys: an object with the value of each.
fn query(wanted: &Desired) -> Option<String> {
    let keys: Vec<_> = wanted.partition_by.iter().map(|(key, path)| format!("{key}:{}", value(path))).collect();
    (!keys.is_empty()).then(|| format!("{{{}}}", keys.join(",")))
}

/// The text of a value, percent-encoded so that it is one folder whatever it holds, and never empty.
fn value(path: &FieldPath) -> String {
    let path: String = path.0.iter().map(|key| step(key)).collect();
    format!(r#"({path} | if . == null or . == "" then "{NO_VALUE}" else tostring | @uri end)"#)
}

/// `.key`, quoted unless it is an identifier of jq's.
fn step(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.chars().all(plain) && !key.starts_with(|c: char| c.is_ascii_digit()) {
        return format!(".{key}");
    }
    format!(".{}", serde_json::Value::from(key))
}

fn wanted_format(wanted: &Desired) -> String {
    match &wanted.parquet {
        Some(Columns { database, table, key_mappings }) => {
            let compression = parquet_compression(wanted.compression);
            let mapped = mapped(key_mappings.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect());
            format!("Parquet ({}) as {database}.{table}{mapped}", compression.as_str())
        }
        None => "JSON".to_owned(),
    }
}

fn found_format(found: &ExtendedS3DestinationDescription) -> String {
    let conversion = found.data_format_conversion_configuration().filter(|to| to.enabled().unwrap_or(true));
    let Some(conversion) = conversion else { return "JSON".to_owned() };
    let schema = conversion.schema_configuration();
    let database = schema.and_then(SchemaConfiguration::database_name).unwrap_or_default();
    let table = schema.and_then(SchemaConfiguration::table_name).unwrap_or_default();
    let serializer = conversion.output_format_configuration().and_then(|output| output.serializer());
    match serializer.and_then(|serializer| serializer.parquet_ser_de()) {
        Some(parquet) => {
            let compression = parquet.compression().map_or("SNAPPY", ParquetCompression::as_str);
            format!("Parquet ({compression}) as {database}.{table}{}", found_mapped(conversion))
        }
        None => format!("another than Parquet as {database}.{table}"),
    }
}

fn found_mapped(conversion: &DataFormatConversionConfiguration) -> String {
    let deserializer = conversion.input_format_configuration().and_then(|input| input.deserializer());
    let open_x = deserializer.and_then(|deserializer| deserializer.open_x_json_ser_de());
    let found = open_x.and_then(|open_x| open_x.column_to_json_key_mappings());
    mapped(found.into_iter().flatten().map(|(name, key)| (name.as_str(), key.as_str())).collect())
}

/// Names that are not their keys, in words.
fn mapped(names: BTreeMap<&str, &str>) -> String {
    names.iter().map(|(name, key)| format!(", {name} from {key}")).collect()
}

fn found_query(found: &ExtendedS3DestinationDescription) -> Option<String> {
    let processing = found.processing_configuration().filter(|processing| processing.enabled() == Some(true));
    let processors = processing.map(ProcessingConfiguration::processors).unwrap_or_default();
    let mut parameters = processors.iter().flat_map(Processor::parameters);
    let query =
        parameters.find(|parameter| *parameter.parameter_name() == ProcessorParameterName::MetadataExtractionQuery);
    query.map(|query| query.parameter_value().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_partition_is_never_empty_and_always_one_folder() {
        let path = FieldPath(vec!["ss_item".into(), "i category".into()]);
        let expected = r#"(.ss_item."i category" | if . == null or . == "" then "none" else tostring | @uri end)"#;
        assert_eq!(value(&path), expected);
        assert_eq!((step("1st").as_str(), step("a\"b").as_str()), (r#"."1st""#, r#"."a\"b""#));
    }
}
