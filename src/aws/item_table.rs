//! The DynamoDB table that the function writes: paid by the request, so it needs no capacity of its own.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    Tag,
};
use aws_smithy_types::error::operation::BuildError;
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{self, Ownership, Tags},
    pace::Pace,
    permission::{On, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

const READY_BUDGET: Duration = Duration::from_secs(10 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(30 * 60);
const CREATE: &str = "dynamodb CreateTable";
const DESCRIBE: &str = "dynamodb DescribeTable";
const DELETE: &str = "dynamodb DeleteTable";

/// A table as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// The hash key and, where there are two, the range key.
    pub key: Vec<KeyAttribute>,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// An attribute that is part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: KeyKind,
}

/// What a key attribute holds; never a float, which is only nearly equal to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// A number.
    #[serde(rename = "N")]
    Number,
    /// A text.
    #[serde(rename = "S")]
    Text,
}

/// Knows DynamoDB tables.
pub struct ItemTables(pub Clients);

#[async_trait]
impl Kind for ItemTables {
    type Desired = Desired;

    const KIND: &'static str = "items";
    const LAYER: Layer = Layer::Container;
    const NAMED_BY_USER: bool = true;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 8] = [
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:ListTagsOfResource",
            "dynamodb:Scan",
            "dynamodb:TagResource",
            "dynamodb:UpdateTable",
        ];
        vec![Statement::new(&ACTIONS, [On::Items(wanted.name.clone())])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.describe(&wanted.name).await? else { return Ok(Observed::Absent) };
        let identity = found.table_arn().unwrap_or_default().to_owned();
        let tags = self.tags(&wanted.name, &identity).await?;
        if let Err(why) = wanted.ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let ready = found.table_status() == Some(&TableStatus::Active);
        let differs = [differences(wanted, &found), tags::differences(&wanted.ownership, pairs(&tags))].concat();
        Ok(Observed::Ours { identity, ready, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let parts = parts(wanted).map_err(|error| invalid(&wanted.name, &error))?;
        let call = self.0.dynamodb.create_table().table_name(&wanted.name).billing_mode(BillingMode::PayPerRequest);
        let call = call.set_attribute_definitions(Some(parts.definitions)).set_key_schema(Some(parts.schema));
        let answer = call.set_tags(Some(parts.tags)).send().await;
        let answer = answer.map_err(|error| failure(CREATE, &wanted.name, &error))?;
        match answer.table_description().and_then(|table| table.table_arn()) {
            Some(arn) => Ok(arn.to_owned()),
            None => self.0.arn("dynamodb", &format!("table/{}", wanted.name)).await,
        }
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let status = match self.describe(name).await? {
                Some(found) => match found.table_status() {
                    Some(TableStatus::Active) => return Ok(()),
                    Some(TableStatus::Deleting) => {
                        let message = "another caller is deleting it".to_owned();
                        return Err(broken(
                            Cause::Other,
                            DESCRIBE,
                            name,
                            message,
                            "wait until it is gone, then run the command again",
                        ));
                    }
                    status => status.map_or("without a status", TableStatus::as_str).to_owned(),
                },
                // A table that was just made may not be seen everywhere yet.
                None => "not visible yet".to_owned(),
            };
            pace.wait(progress, DESCRIBE, name, &status).await?;
        }
    }

    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let name = &wanted.name;
        if tags::among(differs) {
            let arn = self.0.arn("dynamodb", &format!("table/{name}")).await?;
            let tags = to_tags(tags::changing(&wanted.ownership)).map_err(|error| invalid(name, &error))?;
            let answer = self.0.dynamodb.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
            answer.map_err(|error| failure("dynamodb TagResource", name, &error))?;
        }
        if !tags::beside(differs) {
            return Ok(());
        }
        self.make_ready(wanted, progress).await?;
        let answer = self.0.dynamodb.update_table().table_name(name).billing_mode(BillingMode::PayPerRequest).send();
        answer.await.map_err(|error| failure("dynamodb UpdateTable", name, &error)).map(drop)
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.describe(name).await? {
            let status = found.table_status().map_or("there", TableStatus::as_str);
            if found.table_status() != Some(&TableStatus::Deleting) {
                match self.0.dynamodb.delete_table().table_name(name).send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) => return Err(failure(DELETE, name, &error)),
                }
            }
            pace.wait(progress, DELETE, name, status).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut listed = Vec::new();
        let mut names = self.0.dynamodb.list_tables().into_paginator().items().send();
        while let Some(name) = names.next().await {
            let name = name.map_err(|error| failure("dynamodb ListTables", "the account", &error))?;
            listed.extend(Some(name).filter(|name| scope.may_be(name)));
        }
        let tags = |name: String| async move {
            let arn = self.0.arn("dynamodb", &format!("table/{name}")).await?;
            Ok(ownership::collected(pairs(&self.tags(&name, &arn).await?)))
        };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = self.0.cli(&format!("dynamodb delete-table --table-name {name}"));
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, command)
        };
        Ok(ownership::ours(scope, listed, tags).await?.into_iter().map(owned).collect())
    }
}

impl ItemTables {
    async fn describe(&self, name: &str) -> Result<Option<TableDescription>, ProviderError> {
        match self.0.dynamodb.describe_table().table_name(name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(DESCRIBE, name, &error)),
        }
    }

    async fn tags(&self, name: &str, arn: &str) -> Result<Vec<Tag>, ProviderError> {
        let mut tags = Vec::new();
        let mut token = None;
        loop {
            let call = self.0.dynamodb.list_tags_of_resource().resource_arn(arn).set_next_token(token);
            let page = call.send().await.map_err(|error| failure("dynamodb ListTagsOfResource", name, &error))?;
            tags.extend(page.tags.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(tags);
            }
        }
    }
}

struct Parts {
    definitions: Vec<AttributeDefinition>,
    schema: Vec<KeySchemaElement>,
    tags: Vec<Tag>,
}

fn parts(wanted: &Desired) -> Result<Parts, BuildError> {
    let definition = |part: &KeyAttribute| {
        AttributeDefinition::builder().attribute_name(&part.name).attribute_type(part.kind.scalar()).build()
    };
    let element = |(part, role): (&KeyAttribute, KeyType)| {
        KeySchemaElement::builder().attribute_name(&part.name).key_type(role).build()
    };
    Ok(Parts {
        definitions: wanted.key.iter().map(definition).collect::<Result<_, _>>()?,
        schema: wanted.key.iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect::<Result<_, _>>()?,
        tags: to_tags(wanted.ownership.all())?,
    })
}

fn to_tags(tags: Tags) -> Result<Vec<Tag>, BuildError> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn invalid(name: &str, error: &BuildError) -> ProviderError {
    broken(Cause::Other, CREATE, name, error.to_string(), "change the table's key, or the stack's tags")
}

impl KeyKind {
    fn scalar(self) -> ScalarAttributeType {
        match self {
            Self::Number => ScalarAttributeType::N,
            Self::Text => ScalarAttributeType::S,
        }
    }
}

fn differences(wanted: &Desired, found: &TableDescription) -> Vec<Difference> {
    let kind = |name: &str| {
        let definition = found.attribute_definitions().iter().find(|definition| definition.attribute_name() == name);
        definition.map_or("?", |definition| definition.attribute_type().as_str())
    };
    let name = |part: &KeySchemaElement| format!("{} {}", part.attribute_name(), kind(part.attribute_name()));
    let is: Vec<String> = found.key_schema().iter().map(name).collect();
    let want: Vec<String> =
        wanted.key.iter().map(|part| format!("{} {}", part.name, part.kind.scalar().as_str())).collect();
    let mut differences = Vec::new();
    if is != want {
        differences.push(Difference::replace("key", is.join(", "), want.join(", ")));
    }
    let billing = found.billing_mode_summary().and_then(|billing| billing.billing_mode());
    if billing == Some(&BillingMode::Provisioned) {
        differences.push(Difference::in_place("billing", "by capacity", "by the request"));
    }
    differences
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_is_a_difference() {
        let key = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
        let id: crate::engine::StackId = "a-00000001".parse().expect("an id");
        let mut wanted = Desired {
            name: "t".to_owned(),
            key: vec![key("ticket", KeyKind::Number), key("item", KeyKind::Text)],
            ownership: Ownership::new(&id, &Default::default()),
        };
        let parts = parts(&wanted).expect("parts");
        let found = TableDescription::builder()
            .set_attribute_definitions(Some(parts.definitions))
            .set_key_schema(Some(parts.schema))
            .build();
        assert_eq!(differences(&wanted, &found), []);
        wanted.key.pop();
        assert_eq!(differences(&wanted, &found), [Difference::replace("key", "ticket N, item S", "ticket N")]);
    }
}
