//! The settings of an S3 destination: `ExtendedS3DestinationConfiguration` of the Firehose API.

use std::time::Duration;

use demo_formats::prefix::{Prefix, PrefixError, Use};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Iam, S3, ServiceError, codec::Codec, conversion, extraction::Extraction, processing::Processing, recipe::Recipe,
    refuse,
};
use crate::services::glue::Glue;

const SERVICE: &str = "firehose.amazonaws.com";
const MIB: usize = 1 << 20;
/// For format conversion and dynamic partitioning (Firehose developer guide, "Configure buffering hints").
const LEAST_OF_LARGE_BUFFERS: i64 = 64;
/// Where failed records go without an `ErrorOutputPrefix`.
const DEFAULT_ERROR_PREFIX: &str = "!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/";
const MIB_OF_LARGE_BUFFERS: i64 = 128;

/// An S3 destination. What is neither given nor needed is not stored, so that an update overlays what it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct S3Settings {
    #[serde(rename = "RoleARN")]
    role_arn: String,
    #[serde(rename = "BucketARN")]
    bucket_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_output_prefix: Option<String>,
    #[serde(default)]
    buffering_hints: Hints,
    #[serde(default = "uncompressed")]
    compression_format: String,
    #[serde(default = "unencrypted")]
    encryption_configuration: Value,
    #[serde(default = "switched_off")]
    cloud_watch_logging_options: Value,
    #[serde(default)]
    processing_configuration: Processing,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_extension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_time_zone: Option<String>,
    #[serde(rename = "DataFormatConversionConfiguration", skip_serializing_if = "Option::is_none")]
    conversion: Option<conversion::ConversionSettings>,
    #[serde(rename = "DynamicPartitioningConfiguration", skip_serializing_if = "Option::is_none")]
    partitioning: Option<Partitioning>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hints {
    #[serde(rename = "SizeInMBs")]
    mib: Option<i64>,
    #[serde(rename = "IntervalInSeconds")]
    seconds: Option<i64>,
}

impl Default for Hints {
    fn default() -> Self {
        Self { mib: Some(5), seconds: Some(300) }
    }
}

/// `DynamicPartitioningConfiguration`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Partitioning {
    #[serde(default)]
    enabled: bool,
    #[serde(default = "retry")]
    retry_options: Value,
}

fn retry() -> Value {
    json!({"DurationInSeconds": 300})
}

fn uncompressed() -> String {
    "UNCOMPRESSED".to_owned()
}

fn unencrypted() -> Value {
    json!({"NoEncryptionConfig": "NoEncryption"})
}

fn switched_off() -> Value {
    json!({"Enabled": false})
}

impl S3Settings {
    /// Reads and checks a configuration; the table that it may name is looked for by [`S3Settings::recipe`].
    pub(super) fn new(configuration: Value, s3: &S3, iam: &Iam) -> Result<Self, ServiceError> {
        let hinted = !configuration["BufferingHints"].is_null();
        let settings = serde_json::from_value(configuration);
        let mut settings: Self = settings.map_err(|e| refuse::unreadable(&e))?;
        if !hinted && (settings.converts().is_some() || settings.is_partitioned()) {
            settings.buffering_hints.mib = Some(MIB_OF_LARGE_BUFFERS);
        }
        settings.check(iam)?;
        if !iam.may_assume(&settings.role_arn, SERVICE) {
            return Err(refuse::role(&settings.role_arn));
        }
        if !s3.exists(settings.bucket()) {
            return Err(refuse::argument(format!("The bucket {} does not exist.", settings.bucket_arn)));
        }
        Ok(settings)
    }

    /// These settings with what an `ExtendedS3DestinationUpdate` names put over them.
    pub(super) fn updated(&self, update: Map<String, Value>, s3: &S3, iam: &Iam) -> Result<Self, ServiceError> {
        let mut whole = self.describe();
        whole.as_object_mut().into_iter().for_each(|settings| settings.extend(update.clone()));
        let updated = Self::new(whole, s3, iam)?;
        if updated.is_partitioned() != self.is_partitioned() {
            let change = if self.is_partitioned() { "disabled" } else { "enabled" };
            return Err(refuse::argument(format!("Dynamic partitioning cannot be {change} for an existing Firehose.")));
        }
        Ok(updated)
    }

    fn check(&self, iam: &Iam) -> Result<(), ServiceError> {
        if self.bucket_arn.strip_prefix("arn:aws:s3:::").is_none_or(str::is_empty) {
            return Err(refuse::constraint(
                "bucketARN",
                &self.bucket_arn,
                "Member must satisfy regular expression pattern: arn:.*",
            ));
        }
        self.check_hints()?;
        self.check_prefixes()?;
        self.check_format()?;
        self.check_conversion(iam)?;
        self.processing_configuration.check()?;
        self.check_partitioning()?;
        self.check_others()
    }

    fn check_hints(&self) -> Result<(), ServiceError> {
        let (Some(mib), Some(seconds)) = (self.buffering_hints.mib, self.buffering_hints.seconds) else {
            return Err(refuse::argument("BufferingHints must have both SizeInMBs and IntervalInSeconds or neither."));
        };
        in_range("bufferingHints.sizeInMBs", mib, 1, 128)?;
        in_range("bufferingHints.intervalInSeconds", seconds, 0, 900)?;
        if seconds == 0 && self.is_partitioned() {
            return Err(refuse::argument("Zero buffering is not available when dynamic partitioning is enabled."));
        }
        let large = match () {
            () if self.converts().is_some() => "data format conversion",
            () if self.is_partitioned() => "dynamic partitioning",
            () => return Ok(()),
        };
        match mib < LEAST_OF_LARGE_BUFFERS {
            true => Err(refuse::argument(format!(
                "BufferingHints.SizeInMBs must be at least {LEAST_OF_LARGE_BUFFERS} when {large} is enabled."
            ))),
            false => Ok(()),
        }
    }

    fn check_prefixes(&self) -> Result<(), ServiceError> {
        let error_prefix = self.error_output_prefix.as_deref().unwrap_or_default();
        if self.prefix().contains("!{") && error_prefix.is_empty() {
            return Err(refuse::argument(
                "ErrorOutputPrefix must be specified when Prefix contains expressions (!{namespace:value}).",
            ));
        }
        Prefix::parse(self.prefix(), Use::Data).map_err(|e| bad_prefix("Prefix", &e))?;
        Prefix::parse(error_prefix, Use::Error).map_err(|e| bad_prefix("ErrorOutputPrefix", &e))?;
        Ok(())
    }

    fn check_format(&self) -> Result<(), ServiceError> {
        if Codec::named(&self.compression_format).is_none() {
            let set = "Member must satisfy enum value set: [UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY]";
            return Err(refuse::constraint("compressionFormat", &self.compression_format, set));
        }
        if self.custom_time_zone.as_deref().is_some_and(|zone| zone != "UTC") {
            return Err(refuse::not_covered("CustomTimeZone other than UTC"));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "!-_.*'()".contains(c);
        match self.file_extension.as_deref() {
            Some(extension)
                if !(extension.is_empty() || extension.starts_with('.') && extension.chars().all(allowed)) =>
            {
                let pattern = r"Member must satisfy regular expression pattern: ^$|\.[0-9a-z!\-_.*'()]+";
                Err(refuse::constraint("fileExtension", extension, pattern))
            }
            _ => Ok(()),
        }
    }

    fn check_conversion(&self, iam: &Iam) -> Result<(), ServiceError> {
        let Some(conversion) = self.converts() else { return Ok(()) };
        if self.codec() != Codec::Uncompressed {
            return Err(refuse::argument(
                "CompressionFormat must be UNCOMPRESSED when data format conversion is enabled; the serializer compresses.",
            ));
        }
        conversion.check(iam)
    }

    /// Each value that the prefix takes from a record is in the query, and only dynamic partitioning takes any.
    fn check_partitioning(&self) -> Result<(), ServiceError> {
        let prefix = Prefix::parse(self.prefix(), Use::Data).map_err(|e| bad_prefix("Prefix", &e))?;
        let used = prefix.query_keys();
        let query = self.query();
        let extraction = query.map(Extraction::parse).transpose()?;
        match (self.is_partitioned(), extraction) {
            (false, None) if used.is_empty() => Ok(()),
            (false, None) => Err(refuse::argument(
                "Prefix must not contain expressions of partitionKeyFromQuery unless dynamic partitioning is enabled.",
            )),
            (false, Some(_)) => Err(refuse::argument(
                "MetadataExtraction processor is present but dynamic partitioning is not enabled.",
            )),
            (true, _) if self.error_output_prefix.as_deref().unwrap_or_default().is_empty() => {
                Err(refuse::argument("ErrorOutputPrefix must be specified when dynamic partitioning is enabled."))
            }
            (true, _) if used.is_empty() => Err(refuse::argument(
                "Prefix must contain an expression of partitionKeyFromQuery when dynamic partitioning is enabled.",
            )),
            (true, None) => Err(refuse::argument(
                "A MetadataExtraction processor is needed when Prefix contains expressions of partitionKeyFromQuery.",
            )),
            (true, Some(extraction)) => match used.iter().find(|used| !extraction.keys().any(|key| key == **used)) {
                Some(unknown) => Err(refuse::argument(format!(
                    "Prefix contains partitionKeyFromQuery:{unknown}, which MetadataExtractionQuery does not define."
                ))),
                None => Ok(()),
            },
        }
    }

    /// Anything else may only be switched off.
    fn check_others(&self) -> Result<(), ServiceError> {
        let on = |(name, value): &(&String, &Value)| {
            value["Enabled"] != json!(false) && !(*name == "S3BackupMode" && *value == "Disabled")
        };
        match self.other.iter().find(on) {
            Some((name, _)) => Err(refuse::not_covered(name)),
            None if self.encryption_configuration != unencrypted() => {
                Err(refuse::not_covered("EncryptionConfiguration"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        self.bucket_arn.rsplit(':').next().unwrap_or_default()
    }

    pub(super) fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }

    pub(super) fn error_prefix(&self) -> &str {
        match self.error_output_prefix.as_deref() {
            Some(prefix) if !prefix.is_empty() => prefix,
            _ => DEFAULT_ERROR_PREFIX,
        }
    }

    pub(super) fn buffer_bytes(&self) -> usize {
        self.buffering_hints.mib.and_then(|mib| usize::try_from(mib).ok()).unwrap_or(5) * MIB
    }

    pub(super) fn buffer_interval(&self) -> Duration {
        Duration::from_secs(self.buffering_hints.seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(300))
    }

    pub(super) fn codec(&self) -> Codec {
        Codec::named(&self.compression_format).unwrap_or_default()
    }

    fn converts(&self) -> Option<&conversion::ConversionSettings> {
        self.conversion.as_ref().filter(|conversion| conversion.enabled)
    }

    fn is_partitioned(&self) -> bool {
        self.partitioning.as_ref().is_some_and(|partitioning| partitioning.enabled)
    }

    fn query(&self) -> Option<&str> {
        self.processing_configuration.query()
    }

    /// How records become objects from now on, by the columns that a table has now.
    pub(super) fn recipe(&self, glue: &Glue) -> Result<Recipe, ServiceError> {
        Ok(Recipe {
            bucket: self.bucket().to_owned(),
            delimiter: self.delimiter(),
            codec: self.codec(),
            query: self.query().map(str::to_owned),
            prefix: self.prefix().to_owned(),
            conversion: self.converts().map(|conversion| conversion.with_columns(glue)).transpose()?,
        })
    }

    /// Of the objects' names.
    pub(super) fn extension(&self) -> &str {
        match self.file_extension.as_deref() {
            Some(extension) if !extension.is_empty() => extension,
            _ if self.converts().is_some() => ".parquet",
            _ => self.codec().extension(),
        }
    }

    /// What is appended to each record; usually nothing.
    pub(super) fn delimiter(&self) -> String {
        self.processing_configuration.delimiter()
    }

    /// As `ExtendedS3DestinationDescription` shows them.
    pub(super) fn describe(&self) -> Value {
        let mut description = json!(self);
        if description["S3BackupMode"].is_null() {
            description["S3BackupMode"] = json!("Disabled");
        }
        description
    }

    /// As `S3DestinationDescription` shows them.
    pub(super) fn describe_basics(&self) -> Value {
        let extended = [
            "ProcessingConfiguration",
            "FileExtension",
            "CustomTimeZone",
            "DataFormatConversionConfiguration",
            "DynamicPartitioningConfiguration",
        ];
        let mut basics = json!(Self { other: Map::new(), ..self.clone() });
        basics
            .as_object_mut()
            .into_iter()
            .for_each(|settings| settings.retain(|name, _| !extended.contains(&name.as_str())));
        basics
    }
}

fn in_range(field: &str, value: i64, least: i64, most: i64) -> Result<(), ServiceError> {
    let relation = if value < least {
        format!("greater than or equal to {least}")
    } else if value > most {
        format!("less than or equal to {most}")
    } else {
        return Ok(());
    };
    Err(refuse::constraint(field, value, &format!("Member must have value {relation}")))
}

fn bad_prefix(field: &str, error: &PrefixError) -> ServiceError {
    refuse::argument(format!("{field} is not valid at position {} ({}): {error}", error.offset, error.text))
}
