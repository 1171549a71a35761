//! What is known of an event source mapping.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{S3, ServiceError, batch::Rules, function, refuse};
use crate::{ACCOUNT, REGION};

/// Every mapping by its id.
pub(super) type Ledger = BTreeMap<String, Mapping>;

const REPORTS: &str = "ReportBatchItemFailures";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum MappingState {
    Creating,
    Enabling,
    Enabled,
    Disabling,
    Disabled,
    Updating,
    Deleting,
}

impl MappingState {
    /// On its way to another one.
    pub(super) fn is_between(self) -> bool {
        !matches!(self, Self::Enabled | Self::Disabled)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum StartingPosition {
    TrimHorizon,
    Latest,
    AtTimestamp,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Mapping {
    pub(super) stream_arn: String,
    pub(super) function: String,
    pub(super) starting_position: StartingPosition,
    /// Seconds since the epoch.
    pub(super) starting_timestamp: Option<f64>,
    pub(super) state: MappingState,
    pub(super) enabled: bool,
    pub(super) settings: MappingSettings,
    /// Milliseconds since the epoch.
    pub(super) modified: i64,
    pub(super) tags: BTreeMap<String, String>,
}

/// What CreateEventSourceMapping and UpdateEventSourceMapping set; what is absent has Lambda's default.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MappingSettings {
    batch_size: Option<i64>,
    maximum_batching_window_in_seconds: Option<i64>,
    parallelization_factor: Option<i64>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    bisect_batch_on_function_error: Option<bool>,
    function_response_types: Option<Vec<String>>,
    destination_config: Option<Destinations>,
    /// What the stand-in does not know.
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Destinations {
    on_failure: Option<Destination>,
    on_success: Option<Destination>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Destination {
    destination: Option<String>,
}

impl MappingSettings {
    /// Refuses what Lambda would not take (Lambda API reference, CreateEventSourceMapping), and what the stand-in does not
    /// know.
    pub(super) fn check(&self, s3: &S3) -> Result<(), ServiceError> {
        if let Some(name) = self.other.iter().find(|(_, value)| !value.is_null()).map(|(name, _)| name) {
            return Err(refuse::not_covered(name));
        }
        refuse::within("batchSize", self.batch_size(), 1, 10_000)?;
        refuse::within("maximumBatchingWindowInSeconds", self.window_seconds(), 0, 300)?;
        refuse::within("parallelizationFactor", self.parallelization_factor(), 1, 10)?;
        refuse::within("maximumRetryAttempts", self.retries(), -1, 10_000)?;
        refuse::within("maximumRecordAgeInSeconds", self.age_seconds(), -1, 604_800)?;
        if (0..60).contains(&self.age_seconds()) {
            return Err(refuse::parameter(
                "MaximumRecordAgeInSeconds must be -1 (unlimited) or between 60 and 604800.",
            ));
        }
        if let Some(odd) = self.response_types().iter().find(|kind| *kind != REPORTS) {
            let rule = "Member must satisfy enum value set: [ReportBatchItemFailures]";
            return Err(refuse::constraint("functionResponseTypes", odd, rule));
        }
        self.check_destination(s3)
    }

    fn check_destination(&self, s3: &S3) -> Result<(), ServiceError> {
        let Some(destinations) = &self.destination_config else { return Ok(()) };
        if destinations.on_success.as_ref().is_some_and(|success| success.destination.is_some()) {
            return Err(refuse::not_covered("DestinationConfig.OnSuccess"));
        }
        match (self.destination(), self.bucket()) {
            (None, _) => Ok(()),
            (Some(_), Some(bucket)) if s3.exists(bucket) => Ok(()),
            (Some(_), Some(bucket)) => {
                Err(refuse::parameter(format!("The destination bucket {bucket} does not exist.")))
            }
            (Some(arn), None) => {
                Err(refuse::not_covered(&format!("The failure destination {arn} (other than a bucket)")))
            }
        }
    }

    /// Takes over what `update` sets.
    pub(super) fn update(&mut self, update: Self) {
        let Self {
            batch_size,
            maximum_batching_window_in_seconds,
            parallelization_factor,
            maximum_retry_attempts,
            maximum_record_age_in_seconds,
            bisect_batch_on_function_error,
            function_response_types,
            destination_config,
            other,
        } = update;
        self.batch_size = batch_size.or(self.batch_size);
        self.maximum_batching_window_in_seconds =
            maximum_batching_window_in_seconds.or(self.maximum_batching_window_in_seconds);
        self.parallelization_factor = parallelization_factor.or(self.parallelization_factor);
        self.maximum_retry_attempts = maximum_retry_attempts.or(self.maximum_retry_attempts);
        self.maximum_record_age_in_seconds = maximum_record_age_in_seconds.or(self.maximum_record_age_in_seconds);
        self.bisect_batch_on_function_error = bisect_batch_on_function_error.or(self.bisect_batch_on_function_error);
        self.function_response_types = function_response_types.or(self.function_response_types.take());
        self.destination_config = destination_config.or(self.destination_config.take());
        self.other = other;
    }

    fn batch_size(&self) -> i64 {
        self.batch_size.unwrap_or(100)
    }

    fn window_seconds(&self) -> i64 {
        self.maximum_batching_window_in_seconds.unwrap_or(0)
    }

    fn parallelization_factor(&self) -> i64 {
        self.parallelization_factor.unwrap_or(1)
    }

    fn retries(&self) -> i64 {
        self.maximum_retry_attempts.unwrap_or(-1)
    }

    fn age_seconds(&self) -> i64 {
        self.maximum_record_age_in_seconds.unwrap_or(-1)
    }

    fn response_types(&self) -> &[String] {
        self.function_response_types.as_deref().unwrap_or_default()
    }

    fn destination(&self) -> Option<&str> {
        self.destination_config.as_ref()?.on_failure.as_ref()?.destination.as_deref().filter(|arn| !arn.is_empty())
    }

    /// Records of one invocation at most.
    pub(super) fn records(&self) -> usize {
        usize::try_from(self.batch_size()).unwrap_or(1)
    }

    /// How long a batch may wait to be full.
    pub(super) fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds().unsigned_abs())
    }

    /// Batches of one shard at once.
    pub(super) fn pollers(&self) -> usize {
        usize::try_from(self.parallelization_factor()).unwrap_or(1)
    }

    pub(super) fn rules(&self) -> Rules {
        let bisect = self.bisect_batch_on_function_error.unwrap_or(false);
        Rules { retries: u32::try_from(self.retries()).ok(), bisect }
    }

    /// In milliseconds; `None` for any age.
    pub(super) fn age_ms(&self) -> Option<i64> {
        Some(self.age_seconds()).filter(|seconds| *seconds >= 0).map(|seconds| seconds * 1000)
    }

    pub(super) fn reports(&self) -> bool {
        !self.response_types().is_empty()
    }

    /// The bucket of the failure destination.
    pub(super) fn bucket(&self) -> Option<&str> {
        self.destination()?.strip_prefix("arn:aws:s3:::")
    }
}

impl Mapping {
    /// As `EventSourceMappingConfiguration` shows it.
    pub(super) fn describe(&self, id: &str, last_result: &str) -> Value {
        let settings = &self.settings;
        let on_failure = settings.destination().map_or(json!({}), |arn| json!({"Destination": arn}));
        let mut description = json!({
            "UUID": id,
            "EventSourceMappingArn": arn(id),
            "EventSourceArn": self.stream_arn,
            "FunctionArn": function::arn(&self.function),
            "StartingPosition": self.starting_position,
            "BatchSize": settings.batch_size(),
            "MaximumBatchingWindowInSeconds": settings.window_seconds(),
            "ParallelizationFactor": settings.parallelization_factor(),
            "MaximumRetryAttempts": settings.retries(),
            "MaximumRecordAgeInSeconds": settings.age_seconds(),
            "BisectBatchOnFunctionError": settings.rules().bisect,
            "TumblingWindowInSeconds": 0,
            "FunctionResponseTypes": settings.response_types(),
            "DestinationConfig": {"OnFailure": on_failure},
            "LastModified": self.modified as f64 / 1000.0,
            "LastProcessingResult": last_result,
            "State": self.state,
            "StateTransitionReason": "User action",
        });
        if let Some(timestamp) = self.starting_timestamp {
            description["StartingPositionTimestamp"] = json!(timestamp);
        }
        description
    }
}

pub(super) fn arn(id: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{id}")
}

/// The id in a mapping's ARN; `None` for another ARN.
pub(super) fn id_in(arn: &str) -> Option<&str> {
    arn.split_once(":event-source-mapping:").map(|(_, id)| id)
}
