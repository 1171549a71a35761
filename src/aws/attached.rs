//! What is attached to a stream: channels and queues. AWS deletes no stream that has any (Kinesis API reference,
//! DeleteChannel, DeleteQueue).
//!
//! The SDK has no operation of queues yet, so they are counted, and deleted by hand.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kinesis::types::{ChannelStatus, ChannelSummary, StreamFilter};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    ownership::{Ownership, Tags, pairs, unless_gone},
    pace::Pace,
    rates::Api,
};
use crate::engine::{Cause, Foreign, Progress, ProviderError};

const LIST: &str = "kinesis ListChannels";
const DELETE: &str = "kinesis DeleteChannel";
const GONE_BUDGET: Duration = Duration::from_secs(30 * 60);

/// What is attached to the stream of this name.
pub(super) struct Attached<'a> {
    pub(super) clients: &'a Clients,
    pub(super) stream: &'a str,
}

/// How many channels and queues a stream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    channels: u64,
    queues: u64,
}

impl Attached<'_> {
    /// Channels without the stack's tags, and queues.
    pub(super) async fn foreign(&self, ownership: &Ownership) -> Result<Vec<Foreign>, ProviderError> {
        let Counts { channels, queues } = self.counts().await?;
        let mut found = Vec::new();
        if channels > 0 {
            for channel in self.channels().await? {
                if *channel.channel_status() != ChannelStatus::Deleting && !self.is_ours(&channel, ownership).await? {
                    found.push(self.foreign_channel(&channel));
                }
            }
        }
        if queues > 0 {
            found.push(self.foreign_queues(queues).await?);
        }
        Ok(found)
    }

    /// For people: `1 channel and 2 queues`; none where nothing is attached.
    pub(super) async fn counted(&self) -> Result<Option<String>, ProviderError> {
        let Counts { channels, queues } = self.counts().await?;
        let counted = [(channels, "channel"), (queues, "queue")];
        let counted: Vec<String> =
            counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| number(n, what)).collect();
        Ok(Some(counted.join(" and ")).filter(|text| !text.is_empty()))
    }

    /// Deletes the channels that are the stack's, or those that are not, and waits until they are gone.
    pub(super) async fn delete_channels(
        &self,
        ownership: &Ownership,
        ours: bool,
        progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let mut pace = Pace::within(GONE_BUDGET);
        loop {
            let mut left = 0;
            for channel in self.channels().await? {
                if self.is_ours(&channel, ownership).await? != ours {
                    continue;
                }
                left += 1;
                if *channel.channel_status() != ChannelStatus::Deleting {
                    self.delete(&channel).await?;
                }
            }
            if left == 0 {
                return Ok(());
            }
            pace.wait(progress, DELETE, self.stream, "deleting its channels").await?;
        }
    }

    async fn delete(&self, channel: &ChannelSummary) -> Result<(), ProviderError> {
        self.clients.turn(Api::DELETE_CHANNEL).await;
        match self.clients.kinesis.delete_channel().channel_arn(channel.channel_arn()).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(()),
            Err(error) => Err(failure(DELETE, channel.channel_name(), &error)),
        }
    }

    async fn counts(&self) -> Result<Counts, ProviderError> {
        const CALL: &str = "kinesis DescribeStreamSummary";
        let answer = Answer::default();
        self.clients.turn(Api::DESCRIBE_STREAM_SUMMARY).await;
        let call = self.clients.kinesis.describe_stream_summary().stream_name(self.stream);
        match call.customize().interceptor(answer.clone()).send().await {
            Ok(_) => counts(&answer.text()).map_err(|why| broken(Cause::Other, CALL, self.stream, why, "")),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(Counts::default()),
            Err(error) => Err(failure(CALL, self.stream, &error)),
        }
    }

    async fn channels(&self) -> Result<Vec<ChannelSummary>, ProviderError> {
        let filter = StreamFilter::builder().stream_arn(self.arn().await?).build();
        let filter = filter.map_err(|error| broken(Cause::Other, LIST, self.stream, error.to_string(), ""))?;
        let mut channels = Vec::new();
        let mut next = None;
        loop {
            self.clients.turn(Api::LIST_CHANNELS).await;
            let call = self.clients.kinesis.list_channels().stream_filter(filter.clone()).set_next_token(next);
            let page = call.send().await.map_err(|error| failure(LIST, self.stream, &error))?;
            channels.extend(page.channel_summaries);
            next = page.next_token;
            if next.is_none() {
                return Ok(channels);
            }
        }
    }

    async fn is_ours(&self, channel: &ChannelSummary, ownership: &Ownership) -> Result<bool, ProviderError> {
        let call = self.clients.kinesis.list_tags_for_resource().resource_arn(channel.channel_arn());
        let answer = call.send().await;
        let answer = unless_gone(
            answer.map_err(|error| failure("kinesis ListTagsForResource", channel.channel_name(), &error)),
        )?;
        let tags = answer.map(|answer| answer.tags.unwrap_or_default()).unwrap_or_default();
        let tags: Tags = tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect();
        Ok(ownership.is_on(pairs(&tags)).is_ok())
    }

    fn foreign_channel(&self, channel: &ChannelSummary) -> Foreign {
        let command = format!("kinesis delete-channel --channel-arn {}", channel.channel_arn());
        Foreign {
            what: format!("channel {}", channel.channel_name()),
            command: self.clients.cli(&command),
            only_by_hand: false,
        }
    }

    async fn foreign_queues(&self, count: u64) -> Result<Foreign, ProviderError> {
        let list = format!("kinesis list-queues --stream-filter StreamARN={}", self.arn().await?);
        let list = self.clients.cli(&format!("{list} --query 'QueueSummaries[].QueueARN' --output text"));
        let delete = self.clients.cli("kinesis delete-queue --queue-arn $queue");
        Ok(Foreign {
            what: number(count, "queue"),
            command: format!("for queue in $({list}); do {delete}; done"),
            only_by_hand: true,
        })
    }

    async fn arn(&self) -> Result<String, ProviderError> {
        self.clients.arn("kinesis", &format!("stream/{}", self.stream)).await
    }
}

fn number(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// From the text of an answer, since the SDK leaves out what it does not know. An implementation that has neither counts
/// neither.
fn counts(text: &[u8]) -> Result<Counts, String> {
    let answer: Value = serde_json::from_slice(text).map_err(|error| format!("its answer is not JSON: {error}"))?;
    let count = |field: &str| answer["StreamDescriptionSummary"][field].as_u64().unwrap_or_default();
    Ok(Counts { channels: count("ChannelCount"), queues: count("QueueCount") })
}

/// The text of the last answer of a call.
#[derive(Clone, Debug, Default)]
struct Answer(Arc<Mutex<Vec<u8>>>);

impl Answer {
    fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let text = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.to_vec();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_does_not_count_is_not_there() {
        let counted = br#"{"StreamDescriptionSummary": {"ChannelCount": 2, "QueueCount": 1}}"#;
        assert_eq!(counts(counted), Ok(Counts { channels: 2, queues: 1 }));
        let older = br#"{"StreamDescriptionSummary": {"StreamName": "s", "ConsumerCount": 3}}"#;
        assert_eq!(counts(older), Ok(Counts::default()));
        assert!(counts(b"<html>").is_err_and(|why| why.contains("not JSON")));
    }
}
