//! Tags of streams, and of their consumers, channels and queues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Kinesis, Nothing, refuse,
    stream::{Sort, StreamMeta},
};
use crate::{ACCOUNT, service_error::ServiceError, tags::reserved};

/// Tags of one resource (Kinesis API reference, AddTagsToStream).
const MOST_TAGS: usize = 50;

type Tags = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AddTags {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RemoveTags {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListTags {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListResourceTags {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagPage {
    tags: Vec<Tag>,
    has_more_tags: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagList {
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

impl Kinesis {
    pub(super) fn add_tags_to_stream(&self, request: AddTags) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let tags = refuse::required("tags", request.tags)?;
        self.change(&name, |stream, _| add(&name, &mut stream.tags, tags))
    }

    pub(super) fn remove_tags_from_stream(&self, request: RemoveTags) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let keys = refuse::required("tagKeys", request.tag_keys)?;
        self.change(&name, |stream, _| remove(&mut stream.tags, &keys))
    }

    pub(super) fn list_tags_for_stream(&self, request: ListTags) -> Result<TagPage, ServiceError> {
        let limit = refuse::within("limit", request.limit.unwrap_or(MOST_TAGS as i64), 1, MOST_TAGS as i64)? as usize;
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let live = self.find_stream(&name)?;
        let after = request.exclusive_start_tag_key;
        let rest = live.meta.tags.iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        let mut tags: Vec<Tag> = rest.map(Tag::of).collect();
        let has_more_tags = tags.len() > limit;
        tags.truncate(limit);
        Ok(TagPage { tags, has_more_tags })
    }

    pub(super) fn tag_resource(&self, request: TagResource) -> Result<Nothing, ServiceError> {
        let tags = refuse::required("tags", request.tags)?;
        self.change_resource(request.resource_arn, |name, resource| add(name, resource, tags))
    }

    pub(super) fn untag_resource(&self, request: UntagResource) -> Result<Nothing, ServiceError> {
        let keys = refuse::required("tagKeys", request.tag_keys)?;
        self.change_resource(request.resource_arn, |_, resource| remove(resource, &keys))
    }

    pub(super) fn list_tags_for_resource(&self, request: ListResourceTags) -> Result<TagList, ServiceError> {
        let arn = refuse::required("resourceARN", request.resource_arn)?;
        let (stream, bearer) = self.bearer(&arn)?;
        let mut meta = self.find_stream(&stream)?.meta.clone();
        let tags = tags_of(&mut meta, &bearer)?.iter().map(Tag::of).collect();
        Ok(TagList { tags })
    }

    fn change_resource(
        &self,
        arn: Option<String>,
        change: impl FnOnce(&str, &mut Tags) -> Result<Nothing, ServiceError>,
    ) -> Result<Nothing, ServiceError> {
        let (stream, bearer) = self.bearer(&refuse::required("resourceARN", arn)?)?;
        self.change(&stream, |meta, _| change(&stream, tags_of(meta, &bearer)?))
    }
}

impl Tag {
    fn of((key, value): (&String, &String)) -> Self {
        Self { key: key.clone(), value: value.clone() }
    }
}

/// Refuses tags that AWS would not take.
pub(super) fn check(stream: &str, tags: &Tags) -> Result<(), ServiceError> {
    if let Some(problem) = reserved(tags.keys()) {
        return Err(refuse::argument(problem));
    }
    for (key, value) in tags {
        refuse::length("tags", None, key.chars().count(), 1, 128)?;
        refuse::length("tags", None, value.chars().count(), 0, 256)?;
        if !key
            .chars()
            .chain(value.chars())
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || "_./=+-@:%,".contains(c))
        {
            return Err(refuse::argument(
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, \
                 _ . / = + - % @ :.",
            ));
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(refuse::argument(format!(
            "Failed to add tags to stream {stream} under account {ACCOUNT} because a given stream cannot have more than \
             {MOST_TAGS} tags associated with it."
        )));
    }
    Ok(())
}

fn add(stream: &str, to: &mut Tags, tags: Tags) -> Result<Nothing, ServiceError> {
    refuse::length("tags", None, tags.len(), 1, usize::MAX)?;
    to.extend(tags);
    check(stream, to)?;
    Ok(Nothing {})
}

fn remove(from: &mut Tags, keys: &[String]) -> Result<Nothing, ServiceError> {
    refuse::length("tagKeys", None, keys.len(), 1, MOST_TAGS)?;
    from.retain(|key, _| !keys.contains(key));
    Ok(Nothing {})
}

/// What of a stream has the tags.
enum Bearer {
    Stream,
    /// The consumer's own part of its ARN.
    Consumer(String),
    /// By its name.
    Attachment(Sort, String),
}

impl Kinesis {
    /// The stream of an ARN, and what of it the ARN names.
    fn bearer(&self, arn: &str) -> Result<(String, Bearer), ServiceError> {
        if let Some(sort) = [Sort::Channel, Sort::Queue].into_iter().find(|sort| sort.id(arn).is_some()) {
            let (stream, name) = self.holder(sort, arn)?;
            return Ok((stream, Bearer::Attachment(sort, name)));
        }
        if let Some((stream, consumer)) = arn.split_once("/consumer/") {
            return Ok((super::name_in_arn(stream)?, Bearer::Consumer(consumer.to_owned())));
        }
        Ok((super::name_in_arn(arn)?, Bearer::Stream))
    }
}

fn tags_of<'a>(stream: &'a mut StreamMeta, bearer: &Bearer) -> Result<&'a mut Tags, ServiceError> {
    match bearer {
        Bearer::Stream => Ok(&mut stream.tags),
        Bearer::Consumer(part) => {
            let name = stream.consumer_name(part)?;
            let consumer = stream.consumers.get_mut(&name).ok_or_else(|| refuse::no_consumer(&name, &stream.name))?;
            Ok(&mut consumer.tags)
        }
        Bearer::Attachment(sort, name) => {
            let gone = refuse::not_found(format!("{name} of stream {} not found.", stream.name));
            Ok(&mut stream.attached_mut(*sort).get_mut(name).ok_or(gone)?.tags)
        }
    }
}
