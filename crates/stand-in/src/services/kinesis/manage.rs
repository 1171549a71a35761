//! Streams made, deleted and set up: everything but shards, tags and consumers.

use std::{collections::BTreeMap, fs, io};

use serde::{Deserialize, Serialize};

use super::{
    Kinesis, Nothing, refuse, reshard,
    stream::{Phase, Sort, StreamMeta},
    tags,
};
use crate::{ACCOUNT, service_error::ServiceError};

/// Streams in state CREATING at once (Kinesis API reference, CreateStream).
const MOST_CREATING: usize = 5;
/// On-demand streams of an account (Kinesis developer guide, quotas and limits).
const MOST_ON_DEMAND: usize = 50;
/// Shards that an on-demand stream begins with: 4 MB/s (Kinesis developer guide, capacity modes).
const ON_DEMAND_SHARDS: usize = 4;
/// Changes of a stream's mode in 24 hours (Kinesis API reference, UpdateStreamMode).
const MOST_MODE_CHANGES: usize = 2;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// How records find their shards, unless told otherwise (Kinesis API reference, CreateStream).
pub(super) const BY_KEY: &str = "USER_PARTITION_KEY";
/// Hours that a stream may keep records (Kinesis API reference, IncreaseStreamRetentionPeriod).
const RETENTION_HOURS: std::ops::RangeInclusive<i64> = 24..=8760;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateStream {
    stream_name: Option<String>,
    shard_count: Option<i64>,
    stream_mode_details: Option<ModeDetails>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
    #[serde(rename = "WarmThroughputMiBps")]
    warm_throughput: Option<i64>,
    record_distribution_strategy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ModeDetails {
    stream_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    enforce_consumer_deletion: Option<bool>,
}

/// A request that says no more than which stream.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OneStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retention {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    retention_period_hours: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateStreamMode {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_mode_details: Option<ModeDetails>,
    #[serde(rename = "WarmThroughputMiBps")]
    warm_throughput: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateMaxRecordSize {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Encryption {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    encryption_type: Option<String>,
    key_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountLimits {
    shard_limit: usize,
    open_shard_count: usize,
    on_demand_stream_count: usize,
    on_demand_stream_count_limit: usize,
}

impl OneStream {
    pub(super) fn name(self) -> Result<String, ServiceError> {
        super::stream_name(self.stream_name, self.stream_arn)
    }
}

impl Kinesis {
    /// Makes a stream: CREATING for a moment, then ACTIVE.
    pub(super) fn create_stream(&self, request: CreateStream) -> Result<Nothing, ServiceError> {
        let name = refuse::required("streamName", request.stream_name)?;
        refuse::name("streamName", &name)?;
        let on_demand = request.stream_mode_details.is_some() && is_on_demand(request.stream_mode_details)?;
        check_distribution(request.record_distribution_strategy.as_deref(), on_demand)?;
        no_warm_throughput(request.warm_throughput)?;
        let shards = match request.shard_count {
            _ if on_demand => ON_DEMAND_SHARDS,
            Some(count) => refuse::within("shardCount", count, 1, i64::from(i32::MAX))? as usize,
            None => return Err(refuse::argument("ShardCount must be provided for a stream of mode PROVISIONED.")),
        };
        let max_record_kib = record_size(request.max_record_size_in_kib.unwrap_or(1024))?;
        let tags = request.tags.unwrap_or_default();
        tags::check(&name, &tags)?;
        let now = self.now();
        let until = now + self.transition_ms();
        self.change_ledger(&name, |ledger| {
            if ledger.streams.contains_key(&name) {
                let taken = format!("Stream {name} under account {ACCOUNT} already exists.");
                return Err(refuse::in_use(taken));
            }
            let streams = || ledger.streams.values();
            let creating = streams().filter(|stream| stream.status(now) == "CREATING").count();
            if creating >= MOST_CREATING {
                let text = format!("{creating} streams are in state CREATING, no more than {MOST_CREATING} may be.");
                return Err(refuse::limit(text));
            }
            if on_demand && streams().filter(|stream| stream.on_demand).count() >= MOST_ON_DEMAND {
                return Err(refuse::limit(format!("An account may have {MOST_ON_DEMAND} on-demand streams.")));
            }
            if !on_demand {
                reshard::within_account(streams(), shards, self.shard_quota())?;
            }
            ledger.made += 1;
            let mut stream = StreamMeta::new(ledger.made, &name, shards, now, until);
            (stream.on_demand, stream.max_record_kib, stream.tags) = (on_demand, max_record_kib, tags);
            ledger.streams.insert(name.clone(), stream);
            Ok(Nothing {})
        })
    }

    /// Deletes a stream: DELETING for a moment, its records removed at once, then gone.
    pub(super) async fn delete_stream(&self, request: DeleteStream) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let enforce = request.enforce_consumer_deletion.unwrap_or(false);
        let until = self.now() + self.transition_ms();
        let folder = self.change(&name, |stream, now| {
            if stream.status(now) == "DELETING" {
                return Err(refuse::in_use(format!("Stream {name} under account {ACCOUNT} is already DELETING.")));
            }
            if !enforce && !stream.consumers.is_empty() {
                return Err(refuse::in_use(format!(
                    "Stream {name} under account {ACCOUNT} has {} registered consumers. Deregister them, or set \
                     EnforceConsumerDeletion.",
                    stream.consumers.len()
                )));
            }
            stream.must_have_no(Sort::Channel, now)?;
            stream.must_have_no(Sort::Queue, now)?;
            (stream.phase, stream.until) = (Phase::Deleting, until);
            Ok(self.stream_folder(stream))
        })?;
        let removal = tokio::task::spawn_blocking(move || fs::remove_dir_all(folder)).await;
        removal.map_err(io::Error::other).flatten()?;
        Ok(Nothing {})
    }

    pub(super) fn increase_retention(&self, request: Retention) -> Result<Nothing, ServiceError> {
        self.change_retention(request, |stream, hours| {
            (hours < stream.retention_hours).then_some(("shorter", "DecreaseRetentionPeriod"))
        })
    }

    pub(super) fn decrease_retention(&self, request: Retention) -> Result<Nothing, ServiceError> {
        self.change_retention(request, |stream, hours| {
            (hours > stream.retention_hours).then_some(("longer", "IncreaseRetentionPeriod"))
        })
    }

    /// Between on-demand and provisioned, at most twice in 24 hours.
    pub(super) fn update_stream_mode(&self, request: UpdateStreamMode) -> Result<Nothing, ServiceError> {
        let name = super::name_in_arn(&refuse::required("streamARN", request.stream_arn)?)?;
        let on_demand = is_on_demand(request.stream_mode_details)?;
        no_warm_throughput(request.warm_throughput)?;
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            stream.must_be_active(now)?;
            if !on_demand {
                stream.must_have_no(Sort::Queue, now)?;
            }
            stream.mode_changed.retain(|&then| now.saturating_sub(then) < DAY_MS);
            if stream.mode_changed.len() >= MOST_MODE_CHANGES {
                let text = format!("Stream {name} has changed its mode {MOST_MODE_CHANGES} times in 24 hours.");
                return Err(refuse::limit(text));
            }
            stream.mode_changed.push(now);
            (stream.phase, stream.until, stream.on_demand) = (Phase::Updating, until, on_demand);
            Ok(Nothing {})
        })
    }

    /// The largest record that the stream takes.
    pub(super) fn update_max_record_size(&self, request: UpdateMaxRecordSize) -> Result<Nothing, ServiceError> {
        let name = super::name_in_arn(&refuse::required("streamARN", request.stream_arn)?)?;
        let kib = record_size(refuse::required("maxRecordSizeInKiB", request.max_record_size_in_kib)?)?;
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            stream.must_be_active(now)?;
            (stream.phase, stream.until, stream.max_record_kib) = (Phase::Updating, until, kib);
            Ok(Nothing {})
        })
    }

    /// Inventory and shown; records lie as they came.
    pub(super) fn start_encryption(&self, request: Encryption) -> Result<Nothing, ServiceError> {
        let key = refuse::required("keyId", request.key_id.clone())?;
        refuse::length("keyId", Some(&key), key.chars().count(), 1, 2048)?;
        self.change_encryption(request, Some(key))
    }

    pub(super) fn stop_encryption(&self, request: Encryption) -> Result<Nothing, ServiceError> {
        refuse::required("keyId", request.key_id.as_ref())?;
        self.change_encryption(request, None)
    }

    /// What the account may have and has.
    pub(super) fn describe_limits(&self, _: Nothing) -> Result<AccountLimits, ServiceError> {
        let (ledger, now) = (self.ledger.read(), self.now());
        let streams = || ledger.streams.values().filter(|stream| !stream.is_gone(now));
        Ok(AccountLimits {
            shard_limit: self.shard_quota(),
            open_shard_count: streams().map(|stream| stream.open_shards().len()).sum(),
            on_demand_stream_count: streams().filter(|stream| stream.on_demand).count(),
            on_demand_stream_count_limit: MOST_ON_DEMAND,
        })
    }

    fn change_retention(
        &self,
        request: Retention,
        wrong_way: impl Fn(&StreamMeta, u32) -> Option<(&'static str, &'static str)>,
    ) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let hours = refuse::required("retentionPeriodHours", request.retention_period_hours)?;
        let bound = |which: &str, bound: i64, how: &str| {
            refuse::argument(format!(
                "{which} allowed retention period is {bound} hours. Requested retention period ({hours} hours) is too {how}."
            ))
        };
        if hours < *RETENTION_HOURS.start() {
            return Err(bound("Minimum", *RETENTION_HOURS.start(), "short"));
        }
        if hours > *RETENTION_HOURS.end() {
            return Err(bound("Maximum", *RETENTION_HOURS.end(), "long"));
        }
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            stream.must_be_active(now)?;
            if let Some((how, instead)) = wrong_way(stream, hours as u32) {
                return Err(refuse::argument(format!(
                    "Requested retention period ({hours} hours) for stream {name} can not be {how} than existing \
                     retention period ({} hours). Use {instead} API.",
                    stream.retention_hours
                )));
            }
            (stream.phase, stream.until, stream.retention_hours) = (Phase::Updating, until, hours as u32);
            Ok(Nothing {})
        })
    }

    fn change_encryption(&self, request: Encryption, key: Option<String>) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let kind = refuse::required("encryptionType", request.encryption_type)?;
        if kind != "KMS" {
            let set = "Member must satisfy enum value set: [KMS]";
            return Err(refuse::constraint("encryptionType", Some(&kind), set));
        }
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            stream.must_be_active(now)?;
            (stream.phase, stream.until, stream.kms_key) = (Phase::Updating, until, key);
            Ok(Nothing {})
        })
    }
}

fn is_on_demand(details: Option<ModeDetails>) -> Result<bool, ServiceError> {
    let details = refuse::required("streamModeDetails", details)?;
    match refuse::required("streamModeDetails.streamMode", details.stream_mode)?.as_str() {
        "ON_DEMAND" => Ok(true),
        "PROVISIONED" => Ok(false),
        other => {
            let set = "Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]";
            Err(refuse::constraint("streamModeDetails.streamMode", Some(other), set))
        }
    }
}

/// The stand-in's account has no `MinimumThroughputBillingCommitment`, which warm throughput needs (Kinesis API reference,
/// CreateStream).
fn no_warm_throughput(asked: Option<i64>) -> Result<(), ServiceError> {
    if asked.is_none() {
        return Ok(());
    }
    Err(refuse::argument(format!(
        "WarmThroughputMiBps needs MinimumThroughputBillingCommitment, which account {ACCOUNT} does not have enabled."
    )))
}

/// Records go by their keys here; `AUTO`, which on-demand streams may have, is not covered.
fn check_distribution(strategy: Option<&str>, on_demand: bool) -> Result<(), ServiceError> {
    match strategy {
        None | Some(BY_KEY) => Ok(()),
        Some("AUTO") if on_demand => {
            Err(refuse::argument("RecordDistributionStrategy AUTO is not supported by the stand-in."))
        }
        Some("AUTO") => {
            Err(refuse::argument("RecordDistributionStrategy AUTO is not supported for a stream of mode PROVISIONED."))
        }
        Some(other) => {
            let set = format!("Member must satisfy enum value set: [AUTO, {BY_KEY}]");
            Err(refuse::constraint("recordDistributionStrategy", Some(other), set))
        }
    }
}

fn record_size(kib: i64) -> Result<u32, ServiceError> {
    refuse::within("maxRecordSizeInKiB", kib, 1024, 10_240).map(|kib| kib as u32)
}
