//! Tags of delivery streams.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Firehose, ServiceError, refuse};
use crate::{
    service::{Answer, Reply},
    tags::reserved,
};

/// Tags that a delivery stream may have (Firehose API reference, TagDeliveryStream).
const MOST: usize = 50;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AddTags {
    delivery_stream_name: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RemoveTags {
    delivery_stream_name: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListTags {
    delivery_stream_name: String,
    exclusive_start_tag_key: Option<String>,
    limit: Option<usize>,
}

/// Adds tags to those that are there, or none of them.
pub(super) fn add(to: &mut BTreeMap<String, String>, tags: Vec<Tag>) -> Result<(), ServiceError> {
    if let Some(problem) = reserved(tags.iter().map(|tag| &tag.key)) {
        return Err(refuse::argument(problem));
    }
    if let Some(tag) = tags.iter().find(|tag| tag.key.is_empty() || tag.key.len() > 128 || tag.value.len() > 256) {
        let rule = "Member must have a key of 1 to 128 and a value of at most 256 characters";
        return Err(refuse::constraint("tags", &tag.key, rule));
    }
    to.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
    if to.len() > MOST {
        return Err(refuse::limit(format!("A Firehose may have at most {MOST} tags.")));
    }
    Ok(())
}

impl Firehose {
    pub(super) fn tag(&self, request: AddTags) -> Answer {
        self.change_tags(&request.delivery_stream_name, |tags| add(tags, request.tags))
    }

    pub(super) fn untag(&self, request: RemoveTags) -> Answer {
        self.change_tags(&request.delivery_stream_name, |tags| {
            tags.retain(|key, _| !request.tag_keys.contains(key));
            Ok(())
        })
    }

    pub(super) fn list_tags(&self, request: ListTags) -> Answer {
        let tags = self.find(&request.delivery_stream_name)?.tags;
        let after = request.exclusive_start_tag_key.unwrap_or_default();
        let mut rest = tags.into_iter().filter(|(key, _)| *key > after).map(|(key, value)| Tag { key, value });
        let page: Vec<Tag> = rest.by_ref().take(request.limit.unwrap_or(MOST).clamp(1, MOST)).collect();
        Reply::json(200, &json!({"Tags": page, "HasMoreTags": rest.next().is_some()}))
    }

    fn change_tags(
        &self,
        name: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), ServiceError>,
    ) -> Answer {
        self.ledger.change(|ledger| {
            let stream = ledger.get_mut(name).ok_or_else(|| refuse::not_found(name))?;
            change(&mut stream.tags)
        })?;
        Reply::json(200, &json!({}))
    }
}
