//! Tags of security groups.

use std::collections::BTreeMap;

use super::{Ec2, XmlAnswer, refuse};
use crate::{
    query::{Fields, Xml},
    service_error::ServiceError,
    tags::reserved,
};

/// Tags of one resource, and characters of a key and of a value (Amazon EC2 user guide, "Tag restrictions").
const TAGS: usize = 50;
const KEY_CHARACTERS: usize = 127;
const VALUE_CHARACTERS: usize = 256;

pub(super) type Tags = BTreeMap<String, String>;

impl Ec2 {
    pub(super) fn create_tags(&self, fields: Fields<'_>) -> XmlAnswer {
        let tags = read(fields, "Tag")?;
        if tags.is_empty() {
            return Err(refuse::missing("Tag"));
        }
        self.change_tags(fields, |present| {
            present.extend(tags.clone());
            check(present)
        })
    }

    pub(super) fn delete_tags(&self, fields: Fields<'_>) -> XmlAnswer {
        let keys = fields.items("Tag", ".Key");
        let value = |at: usize| fields.get(&format!("Tag.{}.Value", at + 1));
        self.change_tags(fields, |present| {
            match keys.is_empty() {
                true => present.clear(),
                // A tag that is given with its value is deleted if it has that value (DeleteTags).
                false => keys.iter().enumerate().for_each(|(at, key)| {
                    if value(at).is_none_or(|value| present.get(*key).is_some_and(|has| has == value)) {
                        present.remove(*key);
                    }
                }),
            }
            Ok(())
        })
    }

    fn change_tags(&self, fields: Fields<'_>, change: impl Fn(&mut Tags) -> Result<(), ServiceError>) -> XmlAnswer {
        let ids = fields.items("ResourceId", "");
        if ids.is_empty() {
            return Err(refuse::missing("ResourceId"));
        }
        self.groups.change(|groups| {
            for id in ids {
                let group = groups.get_mut(id).ok_or_else(|| no_resource(id))?;
                change(&mut group.tags)?;
            }
            Ok::<_, ServiceError>(())
        })?;
        Ok(Xml::default().text("return", "true").finish())
    }
}

/// Reads `NAME.1.Key`, `NAME.1.Value` and so on.
pub(super) fn read(fields: Fields<'_>, name: &str) -> Result<Tags, ServiceError> {
    let keys = fields.items(name, ".Key");
    let value = |at: usize| fields.get(&format!("{name}.{}.Value", at + 1)).unwrap_or_default();
    let tags = keys.into_iter().enumerate().map(|(at, key)| (key.to_owned(), value(at).to_owned())).collect();
    check(&tags)?;
    Ok(tags)
}

pub(super) fn describe(tags: &Tags) -> impl Iterator<Item = Xml> {
    tags.iter().map(|(key, value)| Xml::default().text("key", key).text("value", value))
}

fn check(tags: &Tags) -> Result<(), ServiceError> {
    if let Some(problem) = reserved(tags.keys()) {
        return Err(refuse::value(problem));
    }
    let is_too_long =
        |key: &str, value: &str| key.chars().count() > KEY_CHARACTERS || value.chars().count() > VALUE_CHARACTERS;
    if let Some((key, _)) = tags.iter().find(|(key, value)| key.is_empty() || is_too_long(key, value)) {
        return Err(refuse::value(format!(
            "Tag key '{key}': keys have 1 to {KEY_CHARACTERS} characters, values up to {VALUE_CHARACTERS}."
        )));
    }
    match tags.len() > TAGS {
        true => Err(ServiceError::client("TagLimitExceeded", format!("More than {TAGS} tags specified"))),
        false => Ok(()),
    }
}

fn no_resource(id: &str) -> ServiceError {
    match id.starts_with("sg-") {
        true => refuse::no_group(id),
        false => {
            refuse::value(format!("Tags on '{id}' are not supported by the stand-in, but on security groups only"))
        }
    }
}
