//! Creating, showing, changing and deleting delivery streams.

use std::{collections::BTreeMap, fs};

use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Durable, Firehose, ServiceError,
    loads::Loads,
    progress::Progress,
    redshift_settings::RedshiftSettings,
    refuse,
    settings::S3Settings,
    source::RecordSource,
    stream::{self, DESTINATION, DeliveryStream, Kind, Ledger, Status, StreamSource},
    tags::{self, Tag},
};
use crate::service::{Answer, Reply};

const SERVICE: &str = "firehose.amazonaws.com";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    delivery_stream_name: String,
    #[serde(default)]
    delivery_stream_type: Kind,
    kinesis_stream_source_configuration: Option<StreamSource>,
    #[serde(rename = "ExtendedS3DestinationConfiguration")]
    extended_s3: Option<Value>,
    #[serde(rename = "S3DestinationConfiguration")]
    s3: Option<Value>,
    #[serde(rename = "RedshiftDestinationConfiguration")]
    redshift: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    delivery_stream_name: String,
    /// Destinations to show: there is one.
    #[serde(rename = "Limit")]
    _limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Delete {
    delivery_stream_name: String,
    /// Either way: no grant is ever in the way here.
    #[serde(rename = "AllowForceDelete")]
    _allow_force_delete: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    limit: Option<usize>,
    delivery_stream_type: Option<Kind>,
    exclusive_start_delivery_stream_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    delivery_stream_name: String,
    current_delivery_stream_version_id: String,
    destination_id: String,
    #[serde(rename = "ExtendedS3DestinationUpdate")]
    extended_s3: Option<Map<String, Value>>,
    #[serde(rename = "S3DestinationUpdate")]
    s3: Option<Map<String, Value>>,
    #[serde(rename = "RedshiftDestinationUpdate")]
    redshift: Option<Map<String, Value>>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// What an update names of a destination.
enum Change {
    S3(Map<String, Value>),
    Redshift(Map<String, Value>),
}

impl Firehose {
    pub(super) fn create(&self, request: Create) -> Answer {
        let name = request.delivery_stream_name.clone();
        check_name(&name)?;
        self.refuse_taken(&name)?;
        let stream = self.new_stream(request)?;
        let add = |ledger: &mut Ledger| {
            if ledger.contains_key(&name) {
                return Err(taken(&name));
            }
            if ledger.len() >= self.stream_quota() {
                let message =
                    format!("You have already consumed your firehose quota of {} hoses.", self.stream_quota());
                return Err(refuse::limit(message));
            }
            ledger.insert(name.clone(), stream.clone());
            Ok(())
        };
        if let Err(error) = self.mark_start(&stream).and_then(|()| self.ledger.change(add)) {
            // A folder that stays is cleared away when the service is opened again.
            if let Err(error) = fs::remove_dir_all(self.delivery_folder(&stream.id)) {
                tracing::warn!(delivery = name, %error, "what was begun of a refused delivery stream is not removed");
            }
            return Err(error);
        }
        self.start(&name, &stream)?;
        Reply::json(200, &json!({"DeliveryStreamARN": stream::arn(&name)}))
    }

    fn new_stream(&self, request: Create) -> Result<DeliveryStream, ServiceError> {
        if let Some(name) = request.other.keys().next() {
            return Err(refuse::not_covered(name));
        }
        let mut with_tags = BTreeMap::new();
        tags::add(&mut with_tags, request.tags)?;
        let source = self.check_source(request.delivery_stream_type, request.kinesis_stream_source_configuration)?;
        let (settings, redshift) = match (request.extended_s3, request.s3, request.redshift) {
            (Some(one), None, None) | (None, Some(one), None) => (S3Settings::new(one, &self.s3, &self.iam)?, None),
            (None, None, Some(one)) => {
                let (redshift, settings) = RedshiftSettings::new(one, &self.s3, &self.iam, &self.redshift)?;
                (settings, Some(redshift))
            }
            _ => return Err(refuse::argument("Exactly one destination configuration is supported for a Firehose.")),
        };
        settings.recipe(&self.glue)?;
        Ok(DeliveryStream {
            id: super::uuid(),
            kind: request.delivery_stream_type,
            status: Status::Creating,
            version: 1,
            created: Utc::now().timestamp_millis(),
            updated: None,
            source,
            settings,
            redshift,
            tags: with_tags,
        })
    }

    fn check_source(&self, kind: Kind, source: Option<StreamSource>) -> Result<Option<StreamSource>, ServiceError> {
        match (kind, source) {
            (Kind::DirectPut, None) => Ok(None),
            (Kind::DirectPut, Some(_)) => {
                Err(refuse::argument("KinesisStreamSourceConfiguration is not allowed with DirectPut."))
            }
            (Kind::KinesisStreamAsSource, None) => {
                Err(refuse::argument("KinesisStreamSourceConfiguration is needed with KinesisStreamAsSource."))
            }
            (Kind::KinesisStreamAsSource, Some(source)) => {
                if !self.iam.may_assume(&source.role_arn, SERVICE) {
                    return Err(refuse::role(&source.role_arn));
                }
                // An error of CreateDeliveryStream's own: its API reference has no ResourceNotFoundException.
                self.kinesis.shards(&source.stream_arn).map_err(|error| refuse::argument(error.message))?;
                Ok(Some(source))
            }
        }
    }

    /// Remembers where delivery begins: at what is newest now.
    fn mark_start(&self, stream: &DeliveryStream) -> Result<(), ServiceError> {
        let folder = self.delivery_folder(&stream.id);
        fs::create_dir_all(&folder)?;
        if stream.source.is_none() && stream.redshift.is_none() {
            return Ok(());
        }
        let progress = Durable::<Progress>::open(&folder.join("progress.json"))?;
        progress.change(|progress| {
            progress.loads = stream.redshift.as_ref().map(|_| Loads::default());
            if stream.source.is_none() {
                return Ok(());
            }
            let source: RecordSource = self.source(stream)?;
            for shard in source.shards()? {
                let end = source.end(&shard)?;
                progress.delivered.insert(shard, end);
            }
            Ok(())
        })
    }

    fn refuse_taken(&self, name: &str) -> Result<(), ServiceError> {
        if self.ledger.read().contains_key(name) { Err(taken(name)) } else { Ok(()) }
    }

    pub(super) fn delete(&self, request: Delete) -> Answer {
        let name = request.delivery_stream_name;
        let id = self.ledger.change(|ledger| {
            let stream = ledger.get_mut(&name).ok_or_else(|| refuse::not_found(&name))?;
            if stream.status == Status::Creating {
                return Err(refuse::in_use(format!("Firehose {name} is in CREATING state; it cannot be deleted yet.")));
            }
            stream.status = Status::Deleting;
            Ok(stream.id.clone())
        })?;
        if let Some(running) = self.running().get(&id) {
            running.deleted.send_replace(true);
        }
        Reply::json(200, &json!({}))
    }

    pub(super) fn describe(&self, request: Describe) -> Answer {
        let name = request.delivery_stream_name;
        Reply::json(200, &json!({"DeliveryStreamDescription": self.find(&name)?.describe(&name)}))
    }

    pub(super) fn list(&self, request: List) -> Answer {
        let limit = request.limit.unwrap_or(10).clamp(1, 10_000);
        let after = request.exclusive_start_delivery_stream_name.unwrap_or_default();
        let ledger = self.ledger.read();
        let mut names = ledger
            .iter()
            .filter(|(_, stream)| request.delivery_stream_type.is_none_or(|kind| kind == stream.kind))
            .map(|(name, _)| name)
            .filter(|name| **name > after);
        let page: Vec<&String> = names.by_ref().take(limit).collect();
        Reply::json(200, &json!({"DeliveryStreamNames": page, "HasMoreDeliveryStreams": names.next().is_some()}))
    }

    pub(super) fn update_destination(&self, request: Update) -> Answer {
        let name = request.delivery_stream_name;
        if let Some(unknown) = request.other.keys().next() {
            return Err(refuse::not_covered(unknown));
        }
        let change = match (request.extended_s3, request.s3, request.redshift) {
            (Some(one), None, None) | (None, Some(one), None) => Change::S3(one),
            (None, None, Some(one)) => Change::Redshift(one),
            _ => return Err(refuse::argument("Exactly one destination update is supported for a Firehose.")),
        };
        self.ledger.change(|ledger| {
            let stream = ledger.get_mut(&name).ok_or_else(|| refuse::not_found(&name))?;
            if stream.status != Status::Active {
                return Err(refuse::in_use(format!("Firehose {name} is not ACTIVE; its destination cannot be changed.")));
            }
            if request.destination_id != DESTINATION {
                return Err(refuse::argument(format!("Destination {} not found.", request.destination_id)));
            }
            if request.current_delivery_stream_version_id != stream.version.to_string() {
                let message = format!(
                    "Cannot update firehose: {name} since the current version id: {} and specified version id: {} do not match",
                    stream.version, request.current_delivery_stream_version_id
                );
                return Err(ServiceError::client("ConcurrentModificationException", message));
            }
            self.change_destination(&name, stream, change)?;
            stream.version += 1;
            stream.updated = Some(Utc::now().timestamp_millis());
            Ok(())
        })?;
        Reply::json(200, &json!({}))
    }

    fn change_destination(&self, name: &str, stream: &mut DeliveryStream, change: Change) -> Result<(), ServiceError> {
        match (change, &stream.redshift) {
            (Change::S3(update), None) => {
                let settings = stream.settings.updated(update, &self.s3, &self.iam)?;
                settings.recipe(&self.glue)?;
                stream.settings = settings;
            }
            (Change::Redshift(update), Some(redshift)) => {
                let (redshift, settings) =
                    redshift.updated(update, &stream.settings, &self.s3, &self.iam, &self.redshift)?;
                (stream.redshift, stream.settings) = (Some(redshift), settings);
            }
            (Change::S3(_), Some(_)) => return Err(another_kind(name, "Redshift", "S3")),
            (Change::Redshift(_), None) => return Err(another_kind(name, "S3", "Redshift")),
        }
        Ok(())
    }
}

fn another_kind(name: &str, is: &str, not: &str) -> ServiceError {
    refuse::argument(format!("The destination of {name} is {is}, not {not}."))
}

fn taken(name: &str) -> ServiceError {
    refuse::in_use(format!("Firehose {name} under accountId {} already exists", crate::ACCOUNT))
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length 1 to 64";
    Err(refuse::constraint("deliveryStreamName", name, rule))
}
