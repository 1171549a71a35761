//! Channels: created, described, listed and deleted. None delivers anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Kinesis, Nothing,
    attachment::{Found, List, Wanted, one_stream},
    refuse,
    stream::{Sort, StreamMeta},
};
use crate::service_error::ServiceError;

/// Seconds that a record may wait, and how many it does unless told otherwise (Kinesis developer guide, "Deliver data with
/// channels").
const FRESHNESS: std::ops::RangeInclusive<i64> = 300..=900;
/// The key of AWS's own, which a stream with a channel may not be encrypted with (the same guide, on security).
const AWS_KEY: &str = "alias/aws/kinesis";
const S3: &str = "S3DestinationConfiguration";
const S3_TABLES: &str = "S3TablesDestinationConfiguration";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateChannel {
    channel_name: Option<String>,
    #[serde(rename = "ServiceExecutionRoleARN")]
    role: Option<String>,
    stream_configuration_list: Option<Vec<Value>>,
    s3_destination_configuration: Option<Map<String, Value>>,
    s3_tables_destination_configuration: Option<Map<String, Value>>,
    encryption_configuration: Option<Map<String, Value>>,
    logging_configuration: Option<Map<String, Value>>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneChannel {
    #[serde(rename = "ChannelARN")]
    arn: Option<String>,
}

impl Kinesis {
    pub(super) fn create_channel(&self, request: CreateChannel) -> Result<Value, ServiceError> {
        let name = refuse::required("channelName", request.channel_name)?;
        refuse::name("channelName", &name)?;
        let role = refuse::required("serviceExecutionRoleARN", request.role)?;
        let (stream, configuration) = one_stream(request.stream_configuration_list)?;
        let format = configuration["RecordConfiguration"]["RecordFormatType"].as_str();
        refuse::required("streamConfigurationList.1.member.recordConfiguration.recordFormatType", format)?;
        let (kind, destination) =
            match (request.s3_destination_configuration, request.s3_tables_destination_configuration) {
                (Some(s3), None) => (S3, s3),
                (None, Some(tables)) => (S3_TABLES, tables),
                _ => {
                    return Err(refuse::argument(format!("Specify either {S3} or {S3_TABLES}, but not both.")));
                }
            };
        let mut settings = Map::from_iter([
            ("ServiceExecutionRoleARN".to_owned(), json!(role)),
            ("RecordConfiguration".to_owned(), configuration["RecordConfiguration"].clone()),
        ]);
        settings.extend(request.encryption_configuration.map(|it| ("EncryptionConfiguration".to_owned(), it.into())));
        let unlogged = json!({"CloudWatchLogs": {"Enabled": false}});
        let logging = request.logging_configuration.map_or(unlogged, Value::Object);
        settings.insert("LoggingConfiguration".to_owned(), logging);
        let wanted = Wanted { name: name.clone(), stream, tags: request.tags.unwrap_or_default() };
        let settings = |meta: &StreamMeta, id: &str| {
            if meta.attached(Sort::Channel).values().any(|other| other.settings.contains_key(kind)) {
                return Err(refuse::limit(format!("Stream {} has a channel with {kind} already.", meta.name)));
            }
            if meta.kms_key.as_deref() == Some(AWS_KEY) {
                return Err(refuse::argument(format!("Stream {} is encrypted with {AWS_KEY}.", meta.name)));
            }
            settings.insert(kind.to_owned(), described(kind, destination.into(), &name, id)?);
            Ok(settings)
        };
        self.attach(Sort::Channel, wanted, settings, description)
    }

    pub(super) fn describe_channel(&self, request: OneChannel) -> Result<Value, ServiceError> {
        self.describe(Sort::Channel, request.arn, description)
    }

    pub(super) fn delete_channel(&self, request: OneChannel) -> Result<Nothing, ServiceError> {
        self.detach(Sort::Channel, request.arn)
    }

    pub(super) fn list_channels(&self, request: List) -> Result<Value, ServiceError> {
        let (channels, next) = self.list_attached(Sort::Channel, request, |found| {
            let kind = if found.attachment.settings.contains_key(S3) { "S3" } else { "S3_TABLES" };
            let mut summary = named(&found);
            summary.insert("ChannelDestinationType".to_owned(), json!(kind));
            summary.insert("Streams".to_owned(), json!([found.stream()]));
            Value::Object(summary)
        })?;
        let mut answer = json!({"ChannelSummaries": channels});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }
}

/// A destination as a description shows it, with what was left out.
fn described(kind: &str, mut destination: Value, name: &str, id: &str) -> Result<Value, ServiceError> {
    let seconds = destination["DataFreshnessInSeconds"].as_i64().unwrap_or(*FRESHNESS.start());
    if !FRESHNESS.contains(&seconds) {
        let text = format!("DataFreshnessInSeconds must be from {} to {}.", FRESHNESS.start(), FRESHNESS.end());
        return Err(refuse::argument(text));
    }
    destination["DataFreshnessInSeconds"] = seconds.into();
    let asked: &[&str] = match kind {
        S3 => &["/StorageConfiguration/BucketARN", "/StorageConfiguration/CompressionType"],
        _ => &["/DeadLetterQueueS3Configuration/BucketARN", "/S3TablesConfigurationList/0/TableBucketARN"],
    };
    for field in asked {
        refuse::required(&format!("{kind}{}", field.replace('/', ".")), destination.pointer(field))?;
    }
    if destination["DeadLetterQueueS3Configuration"].is_null() {
        let storage = destination["StorageConfiguration"].clone();
        destination["DeadLetterQueueS3Configuration"] = json!({
            "BucketARN": storage["BucketARN"], "ExpectedBucketOwner": storage["ExpectedBucketOwner"],
            "ErrorOutputPrefix": format!("kinesis-channel/errors/{name}/{id}/"),
        });
    }
    Ok(destination)
}

fn named(found: &Found<'_>) -> Map<String, Value> {
    let mut fields = found.named(Sort::Channel);
    fields.insert("ChannelId".to_owned(), json!(found.attachment.id));
    fields
}

fn description(found: Found<'_>) -> Value {
    let mut settings = found.attachment.settings.clone();
    let mut stream = found.stream();
    stream["RecordConfiguration"] = settings.remove("RecordConfiguration").unwrap_or_default();
    let mut description = named(&found);
    description.extend(settings);
    description.insert("StreamConfigurationList".to_owned(), json!([stream]));
    json!({"ChannelDescription": description})
}
