//! The settings of an S3 destination: `ExtendedS3DestinationConfiguration` of the Firehose API.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Fault, Iam, S3, refuse};
use crate::prefix::{Prefix, PrefixError, Use};

const SERVICE: &str = "firehose.amazonaws.com";
const MIB: usize = 1 << 20;

/// An S3 destination. What is neither given nor needed is not stored, so that an update overlays what it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settings {
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
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Processing {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    processors: Vec<Processor>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Processor {
    r#type: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    parameter_name: String,
    parameter_value: String,
}

const DELIMITER_PROCESSOR: &str = "AppendDelimiterToRecord";

fn uncompressed() -> String {
    "UNCOMPRESSED".to_owned()
}

fn unencrypted() -> Value {
    json!({"NoEncryptionConfig": "NoEncryption"})
}

fn switched_off() -> Value {
    json!({"Enabled": false})
}

impl Settings {
    /// Reads and checks a configuration.
    pub(super) fn new(configuration: Value, s3: &S3, iam: &Iam) -> Result<Self, Fault> {
        let settings: Self = serde_json::from_value(configuration).map_err(|e| refuse::serialization(e.to_string()))?;
        settings.check()?;
        if !iam.may_assume(&settings.role_arn, SERVICE) {
            return Err(refuse::role(&settings.role_arn));
        }
        if !s3.exists(settings.bucket()) {
            return Err(refuse::argument(format!("The bucket {} does not exist.", settings.bucket_arn)));
        }
        Ok(settings)
    }

    /// These settings with what an `ExtendedS3DestinationUpdate` names put over them.
    pub(super) fn updated(&self, update: Map<String, Value>, s3: &S3, iam: &Iam) -> Result<Self, Fault> {
        let mut whole = self.describe();
        whole.as_object_mut().into_iter().for_each(|settings| settings.extend(update.clone()));
        Self::new(whole, s3, iam)
    }

    fn check(&self) -> Result<(), Fault> {
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
        self.check_processing()?;
        self.check_others()
    }

    fn check_hints(&self) -> Result<(), Fault> {
        let (Some(mib), Some(seconds)) = (self.buffering_hints.mib, self.buffering_hints.seconds) else {
            return Err(refuse::argument("BufferingHints must have both SizeInMBs and IntervalInSeconds or neither."));
        };
        in_range("bufferingHints.sizeInMBs", mib, 1, 128)?;
        in_range("bufferingHints.intervalInSeconds", seconds, 0, 900)
    }

    fn check_prefixes(&self) -> Result<(), Fault> {
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

    fn check_format(&self) -> Result<(), Fault> {
        match self.compression_format.as_str() {
            "UNCOMPRESSED" | "GZIP" => {}
            known @ ("ZIP" | "Snappy" | "HADOOP_SNAPPY") => {
                return Err(refuse::not_covered(&format!("CompressionFormat {known}")));
            }
            other => {
                let set = "Member must satisfy enum value set: [UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY]";
                return Err(refuse::constraint("compressionFormat", other, set));
            }
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

    fn check_processing(&self) -> Result<(), Fault> {
        if !self.processing_configuration.enabled {
            return Ok(());
        }
        match self.processing_configuration.processors.iter().find(|p| p.r#type != DELIMITER_PROCESSOR) {
            Some(processor) => Err(refuse::not_covered(&format!("the processor {}", processor.r#type))),
            None => Ok(()),
        }
    }

    /// Anything else may only be switched off.
    fn check_others(&self) -> Result<(), Fault> {
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

    pub(super) fn buffer_bytes(&self) -> usize {
        self.buffering_hints.mib.and_then(|mib| usize::try_from(mib).ok()).unwrap_or(5) * MIB
    }

    pub(super) fn buffer_interval(&self) -> Duration {
        Duration::from_secs(self.buffering_hints.seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(300))
    }

    pub(super) fn is_gzip(&self) -> bool {
        self.compression_format == "GZIP"
    }

    /// Of the objects' names.
    pub(super) fn extension(&self) -> &str {
        match self.file_extension.as_deref() {
            Some(extension) if !extension.is_empty() => extension,
            _ if self.is_gzip() => ".gz",
            _ => "",
        }
    }

    /// What is appended to each record; usually nothing.
    pub(super) fn delimiter(&self) -> String {
        let processing = &self.processing_configuration;
        let appends = processing.enabled.then(|| processing.processors.first()).flatten();
        let Some(processor) = appends else { return String::new() };
        let given = processor.parameters.iter().find(|parameter| parameter.parameter_name == "Delimiter");
        // The API takes the newline as a backslash and an n.
        given.map_or("\n".to_owned(), |parameter| parameter.parameter_value.replace("\\n", "\n"))
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
        let extended = ["ProcessingConfiguration", "FileExtension", "CustomTimeZone"];
        let mut basics = json!(Self { other: Map::new(), ..self.clone() });
        basics
            .as_object_mut()
            .into_iter()
            .for_each(|settings| settings.retain(|name, _| !extended.contains(&name.as_str())));
        basics
    }
}

fn in_range(field: &str, value: i64, least: i64, most: i64) -> Result<(), Fault> {
    let relation = if value < least {
        format!("greater than or equal to {least}")
    } else if value > most {
        format!("less than or equal to {most}")
    } else {
        return Ok(());
    };
    Err(refuse::constraint(field, value, &format!("Member must have value {relation}")))
}

fn bad_prefix(field: &str, error: &PrefixError) -> Fault {
    refuse::argument(format!("{field} is not valid at position {} ({}): {error}", error.offset, error.text))
}
