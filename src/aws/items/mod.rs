//! Reading a DynamoDB table: one item by its key, or all of them.

mod json;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, KeySchemaElement, KeyType, ScalarAttributeType},
};

pub use json::Json;

use super::{
    item_table::{KeyAttribute, KeyKind},
    told::told,
};

/// Attributes by name.
pub type Item = HashMap<String, AttributeValue>;

/// Items of a page, about as many full documents as the megabyte that DynamoDB's pages hold (API reference, Scan). Without
/// it the library behind the stand-in reads all that is left of the table for every page.
const PAGE: i32 = 128;

/// A table whose key is known.
#[derive(Clone, Debug)]
pub struct Items {
    client: Client,
    table: String,
    key: Vec<KeyAttribute>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ItemsError {
    /// A call failed.
    #[error("DynamoDB {call} of table {table}: {why}")]
    Call {
        /// For example `GetItem`.
        call: &'static str,
        /// The table.
        table: String,
        /// The service's own words.
        why: String,
    },
    /// Its key is of a kind that is not known here.
    #[error("table {table} has a key of a type that demo does not create: {name} is {kind}")]
    Key {
        /// The table.
        table: String,
        /// The attribute.
        name: String,
        /// Its type by DynamoDB's letter.
        kind: String,
    },
    /// Values that are no key of the table.
    #[error("table {table} has the key {}: {problem}", names(.key))]
    Values {
        /// The table.
        table: String,
        /// Its key.
        key: Vec<KeyAttribute>,
        /// What is wrong with the values.
        problem: String,
    },
}

impl Items {
    /// Asks what the table's key is.
    pub async fn of(client: &Client, table: &str) -> Result<Self, ItemsError> {
        let answer = client.describe_table().table_name(table).send().await;
        let found = answer.map_err(|error| failed("DescribeTable", table, &error))?.table;
        let mut schema = found.as_ref().map(|found| found.key_schema().to_vec()).unwrap_or_default();
        schema.sort_by_key(|element| *element.key_type() != KeyType::Hash);
        let definitions = found.as_ref().map(|found| found.attribute_definitions()).unwrap_or_default();
        let attribute = |element: &KeySchemaElement| {
            let name = element.attribute_name();
            let kind = definitions.iter().find(|d| d.attribute_name() == name).map(|d| d.attribute_type());
            let kind = match kind {
                Some(ScalarAttributeType::N) => KeyKind::Number,
                Some(ScalarAttributeType::S) => KeyKind::Text,
                other => {
                    let kind = other.map_or("without a type", |kind| kind.as_str()).to_owned();
                    return Err(ItemsError::Key { table: table.to_owned(), name: name.to_owned(), kind });
                }
            };
            Ok(KeyAttribute { name: name.to_owned(), kind })
        };
        let key = schema.iter().map(attribute).collect::<Result<_, _>>()?;
        Ok(Self { client: client.clone(), table: table.to_owned(), key })
    }

    /// The names of the key's attributes, the hash key first.
    pub fn key(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|part| part.name.as_str())
    }

    /// A key from the text of its values, in order.
    ///
    /// # Errors
    /// When there are too many or too few, or one is no number where a number belongs.
    pub fn key_of(&self, values: &[String]) -> Result<Item, ItemsError> {
        let wrong = |problem| ItemsError::Values { table: self.table.clone(), key: self.key.clone(), problem };
        if values.len() != self.key.len() {
            return Err(wrong(match values.len() {
                1 => "1 value was given".to_owned(),
                count => format!("{count} values were given"),
            }));
        }
        let attribute = |(part, value): (&KeyAttribute, &String)| match part.kind {
            KeyKind::Number if is_whole(value) => Ok((part.name.clone(), AttributeValue::N(value.clone()))),
            KeyKind::Number => Err(wrong(format!("{} is a whole number, not '{value}'", part.name))),
            KeyKind::Text if value.is_empty() => Err(wrong(format!("{} is never empty", part.name))),
            KeyKind::Text => Ok((part.name.clone(), AttributeValue::S(value.clone()))),
        };
        self.key.iter().zip(values).map(attribute).collect()
    }

    /// The item of a key as it is now, none if there is none.
    pub async fn get(&self, key: &Item) -> Result<Option<Item>, ItemsError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key.clone())).consistent_read(true);
        Ok(call.send().await.map_err(|error| failed("GetItem", &self.table, &error))?.item)
    }

    /// Hands every item to `see`, a page at a time, with the named top-level attributes alone.
    ///
    /// One page after the other: the library behind the stand-in sorts the whole table for each page of a parallel scan.
    pub async fn scan(&self, attributes: &[&str], mut see: impl FnMut(&[Item])) -> Result<(), ItemsError> {
        // Placeholders, since a name may be one of DynamoDB's own words.
        let names = attributes.iter().enumerate().map(|(at, name)| (format!("#{at}"), (*name).to_owned()));
        let placeholders: Vec<String> = (0..attributes.len()).map(|at| format!("#{at}")).collect();
        let call = self.client.scan().table_name(&self.table).limit(PAGE).consistent_read(true);
        let call = call.set_expression_attribute_names(Some(names.collect()));
        let mut pages = call.projection_expression(placeholders.join(", ")).into_paginator().send();
        while let Some(page) = pages.next().await {
            see(page.map_err(|error| failed("Scan", &self.table, &error))?.items());
        }
        Ok(())
    }
}

fn is_whole(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn names(key: &[KeyAttribute]) -> String {
    key.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn failed<E>(call: &'static str, table: &str, error: &SdkError<E>) -> ItemsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    ItemsError::Call { call, table: table.to_owned(), why: told(error) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::BehaviorVersion;

    use super::*;

    #[test]
    fn values_become_a_key_in_the_order_of_the_key() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let attribute = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
        let items = Items {
            client: Client::from_conf(config),
            table: "sales".to_owned(),
            key: vec![attribute("ticket", KeyKind::Number), attribute("item", KeyKind::Text)],
        };
        let key = |values: &[&str]| items.key_of(&values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>());
        let expected = [
            ("ticket".to_owned(), AttributeValue::N("12".to_owned())),
            ("item".to_owned(), AttributeValue::S("a".to_owned())),
        ];
        assert_eq!(key(&["12", "a"]).expect("a key"), expected.into());
        let problem = |values| key(values).expect_err("no key").to_string();
        assert_eq!(problem(&["12"]), "table sales has the key ticket, item: 1 value was given");
        assert_eq!(problem(&["1.5", "a"]), "table sales has the key ticket, item: ticket is a whole number, not '1.5'");
        assert!(problem(&["1", ""]).ends_with("item is never empty"));
    }
}
