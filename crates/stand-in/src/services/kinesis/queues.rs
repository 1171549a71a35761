//! Queues: created, described, listed and deleted. None gives records.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Kinesis, Nothing,
    attachment::{Found, List, Wanted, one_stream},
    consumers, refuse,
    stream::{Sort, StreamMeta},
};
use crate::service_error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateQueue {
    queue_name: Option<String>,
    stream_configuration_list: Option<Vec<Value>>,
    queue_attributes: Option<QueueAttributes>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct QueueAttributes {
    visibility_timeout_seconds: Option<i64>,
    dead_letter_configuration: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneQueue {
    #[serde(rename = "QueueARN")]
    arn: Option<String>,
}

impl Kinesis {
    pub(super) fn create_queue(&self, request: CreateQueue) -> Result<Value, ServiceError> {
        let name = refuse::required("queueName", request.queue_name)?;
        refuse::name("queueName", &name)?;
        let (stream, configuration) = one_stream(request.stream_configuration_list)?;
        let attributes = request.queue_attributes.unwrap_or_default();
        let seconds = attributes.visibility_timeout_seconds.unwrap_or(30);
        refuse::within("queueAttributes.visibilityTimeoutSeconds", seconds, 0, 43_200)?;
        let built_in = json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 6});
        let dead_letters = attributes.dead_letter_configuration.map_or(built_in, Value::Object);
        let settings = Map::from_iter([
            (
                "StartingPosition".to_owned(),
                configuration.get("StartingPosition").cloned().unwrap_or(json!({"Type": "LATEST"})),
            ),
            (
                "QueueAttributes".to_owned(),
                json!({
                    "VisibilityTimeoutSeconds": seconds,
                    "DeadLetterConfiguration": dead_letters,
                }),
            ),
        ]);
        let wanted = Wanted { name, stream, tags: request.tags.unwrap_or_default() };
        let now = self.now();
        let settings = |meta: &StreamMeta, _: &str| {
            consumers::within_limit(meta, now)?;
            Ok(settings)
        };
        self.attach(Sort::Queue, wanted, settings, description)
    }

    pub(super) fn describe_queue(&self, request: OneQueue) -> Result<Value, ServiceError> {
        self.describe(Sort::Queue, request.arn, description)
    }

    pub(super) fn delete_queue(&self, request: OneQueue) -> Result<Nothing, ServiceError> {
        self.detach(Sort::Queue, request.arn)
    }

    pub(super) fn list_queues(&self, request: List) -> Result<Value, ServiceError> {
        let (queues, next) = self.list_attached(Sort::Queue, request, |found| {
            let mut summary = found.named(Sort::Queue);
            summary.insert("Streams".to_owned(), json!([found.stream()]));
            Value::Object(summary)
        })?;
        let mut answer = json!({"QueueSummaries": queues});
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }
}

fn description(found: Found<'_>) -> Value {
    let settings = &found.attachment.settings;
    let stream = json!({"StreamARN": found.stream.arn(), "StartingPosition": settings["StartingPosition"]});
    let mut description = found.named(Sort::Queue);
    description.insert("StreamConfigurationList".to_owned(), json!([stream]));
    description.insert("QueueAttributes".to_owned(), settings["QueueAttributes"].clone());
    json!({"QueueDescription": description})
}
