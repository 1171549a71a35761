//! Registered consumers of enhanced fan-out: registered, described and deregistered; SubscribeToShard is not covered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Kinesis, Nothing, refuse,
    stream::{ConsumerMeta, Sort, StreamMeta},
    tags, timestamp,
    token::{self, NamePage},
};
use crate::{ACCOUNT, service_error::ServiceError};

/// Registered consumers of one stream (Kinesis API reference, RegisterStreamConsumer); a queue counts as one (CreateQueue).
const MOST_CONSUMERS: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RegisterConsumer {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    consumer_name: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OneConsumer {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    consumer_name: Option<String>,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListConsumers {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Registered {
    consumer: Consumer,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    consumer_description: Description,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(flatten)]
    consumer: Consumer,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Consumers {
    consumers: Vec<Consumer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Consumer {
    consumer_name: String,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: String,
    consumer_status: &'static str,
    consumer_creation_timestamp: f64,
}

impl Consumer {
    fn of(stream: &StreamMeta, name: &str, consumer: &ConsumerMeta, now: u64) -> Self {
        Self {
            consumer_name: name.to_owned(),
            consumer_arn: format!("{}/consumer/{}", stream.arn(), consumer.arn_part(name)),
            consumer_status: if now < consumer.ready { "CREATING" } else { "ACTIVE" },
            consumer_creation_timestamp: timestamp(consumer.created),
        }
    }
}

impl Kinesis {
    pub(super) fn register_consumer(&self, request: RegisterConsumer) -> Result<Registered, ServiceError> {
        let stream = super::name_in_arn(&refuse::required("streamARN", request.stream_arn)?)?;
        let name = refuse::required("consumerName", request.consumer_name)?;
        refuse::name("consumerName", &name)?;
        let tags = request.tags.unwrap_or_default();
        tags::check(&stream, &tags)?;
        let transition = self.transition_ms();
        self.change(&stream, |meta, now| {
            if !meta.is_open(now) {
                meta.must_be_active(now)?;
            }
            if meta.consumers.contains_key(&name) {
                return Err(refuse::in_use(format!(
                    "Consumer {name} of stream {stream} under account {ACCOUNT} already exists."
                )));
            }
            within_limit(meta, now)?;
            let consumer = ConsumerMeta { created: now, ready: now + transition, tags };
            let registered = Registered { consumer: Consumer::of(meta, &name, &consumer, now) };
            meta.consumers.insert(name, consumer);
            Ok(registered)
        })
    }

    pub(super) fn describe_consumer(&self, request: OneConsumer) -> Result<Described, ServiceError> {
        let (stream, which) = request.resolve()?;
        let live = self.find_stream(&stream)?;
        let name = which.name(&live.meta)?;
        let consumer = live.meta.consumers.get(&name).ok_or_else(|| refuse::no_consumer(&name, &stream))?;
        let consumer = Consumer::of(&live.meta, &name, consumer, self.now());
        Ok(Described { consumer_description: Description { consumer, stream_arn: live.meta.arn() } })
    }

    pub(super) fn deregister_consumer(&self, request: OneConsumer) -> Result<Nothing, ServiceError> {
        let (stream, which) = request.resolve()?;
        self.change(&stream, |meta, _| {
            let name = which.name(meta)?;
            meta.consumers.remove(&name).map(|_| Nothing {}).ok_or_else(|| refuse::no_consumer(&name, &stream))
        })
    }

    pub(super) fn list_consumers(&self, request: ListConsumers) -> Result<Consumers, ServiceError> {
        let limit = refuse::within("maxResults", request.max_results.unwrap_or(100), 1, 10_000)?.min(100) as usize;
        let stream = super::name_in_arn(&refuse::required("streamARN", request.stream_arn)?)?;
        let after = request.next_token.map(|text| self.name_page(&text)).transpose()?.map(|page| page.after);
        let (live, now) = (self.find_stream(&stream)?, self.now());
        live.meta.must_be_of(request.stream_creation_timestamp)?;
        let rest = live.meta.consumers.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        let mut consumers: Vec<Consumer> =
            rest.take(limit + 1).map(|(name, consumer)| Consumer::of(&live.meta, name, consumer, now)).collect();
        let has_more = consumers.len() > limit;
        consumers.truncate(limit);
        let last = consumers.last().filter(|_| has_more).map(|consumer| consumer.consumer_name.clone());
        Ok(Consumers { consumers, next_token: last.map(|after| token::seal(&NamePage { after, issued: now })) })
    }
}

/// Refuses one more consumer, or queue, than a stream may have.
pub(super) fn within_limit(stream: &StreamMeta, now: u64) -> Result<(), ServiceError> {
    if stream.consumers.len() + stream.count(Sort::Queue, now) < MOST_CONSUMERS {
        return Ok(());
    }
    Err(refuse::limit(format!(
        "Stream {} under account {ACCOUNT} has {MOST_CONSUMERS} registered consumers, the most it may have.",
        stream.name
    )))
}

/// Which consumer of a stream: by name, or by its part of the ARN.
enum Which {
    Name(String),
    Part(String),
}

impl Which {
    fn name(&self, stream: &StreamMeta) -> Result<String, ServiceError> {
        match self {
            Self::Name(name) => Ok(name.clone()),
            Self::Part(part) => stream.consumer_name(part),
        }
    }
}

impl OneConsumer {
    fn resolve(self) -> Result<(String, Which), ServiceError> {
        if let Some(arn) = self.consumer_arn {
            let Some((stream, part)) = arn.split_once("/consumer/") else {
                return Err(refuse::argument(format!("ConsumerARN {arn} is not the ARN of a consumer.")));
            };
            return Ok((super::name_in_arn(stream)?, Which::Part(part.to_owned())));
        }
        let (Some(arn), Some(name)) = (self.stream_arn, self.consumer_name) else {
            return Err(refuse::argument("Either ConsumerARN, or StreamARN and ConsumerName, must be provided."));
        };
        Ok((super::name_in_arn(&arn)?, Which::Name(name)))
    }
}
