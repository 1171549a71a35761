//! What is known of a delivery stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{redshift_settings::RedshiftSettings, settings::S3Settings};
use crate::{ACCOUNT, REGION};

/// Every delivery stream by its name.
pub(super) type Ledger = BTreeMap<String, DeliveryStream>;

/// The one destination that a delivery stream has.
pub(super) const DESTINATION: &str = "destinationId-000000000001";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Creating,
    Active,
    Deleting,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    #[default]
    DirectPut,
    KinesisStreamAsSource,
}

/// A stream that is delivered from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamSource {
    #[serde(rename = "KinesisStreamARN")]
    pub(super) stream_arn: String,
    #[serde(rename = "RoleARN")]
    pub(super) role_arn: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DeliveryStream {
    /// Tells it from an earlier one of the same name.
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) status: Status,
    /// From 1, one more with each change of the destination.
    pub(super) version: u32,
    /// Milliseconds since the epoch.
    pub(super) created: i64,
    pub(super) updated: Option<i64>,
    pub(super) source: Option<StreamSource>,
    /// Of the objects: the destination's own, or those on the way to Redshift.
    pub(super) settings: S3Settings,
    #[serde(default)]
    pub(super) redshift: Option<RedshiftSettings>,
    pub(super) tags: BTreeMap<String, String>,
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}")
}

impl DeliveryStream {
    /// As DescribeDeliveryStream shows it.
    pub(super) fn describe(&self, name: &str) -> Value {
        let mut description = json!({
            "DeliveryStreamName": name,
            "DeliveryStreamARN": arn(name),
            "DeliveryStreamStatus": self.status,
            "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
            "DeliveryStreamType": self.kind,
            "VersionId": self.version.to_string(),
            "CreateTimestamp": seconds(self.created),
            "Destinations": [self.describe_destination()],
            "HasMoreDestinations": false,
        });
        if let Some(updated) = self.updated {
            description["LastUpdateTimestamp"] = json!(seconds(updated));
        }
        if let Some(source) = &self.source {
            description["Source"] = json!({"KinesisStreamSourceDescription": {
                "KinesisStreamARN": source.stream_arn,
                "RoleARN": source.role_arn,
                "DeliveryStartTimestamp": seconds(self.created),
            }});
        }
        description
    }

    fn describe_destination(&self) -> Value {
        match &self.redshift {
            Some(redshift) => json!({
                "DestinationId": DESTINATION,
                "RedshiftDestinationDescription": redshift.describe(&self.settings),
            }),
            None => json!({
                "DestinationId": DESTINATION,
                "S3DestinationDescription": self.settings.describe_basics(),
                "ExtendedS3DestinationDescription": self.settings.describe(),
            }),
        }
    }
}

/// A timestamp of the protocol.
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
