//! Which documents become items.

use demo_formats::schema::FieldPath;
use demo_function::TableKey;

use super::DynamoDbDelivery;
use crate::deliveries::{documents::Documents, parts::Unfit};

const OR_NONE: &str = "or remove `deliver.dynamodb`";

/// What the function would not write is found beforehand, by the function's own rules.
pub(super) fn check_document(to: &DynamoDbDelivery, document: &[u8]) -> Result<(), Unfit> {
    demo_function::check(document, &to.key).map_err(|why| Unfit::new(why, format!("change the documents, {OR_NONE}")))
}

/// A key has one type (DynamoDB developer guide, "Naming rules and data types").
pub(super) fn check_documents(to: &DynamoDbDelivery, read: &Documents<'_>) -> Vec<Unfit> {
    let mixed = |name: &String| {
        let seen = read.seen(&FieldPath(vec![name.clone()]))?;
        let (number, text) = (read.at(seen.number?), read.at(seen.text?));
        let problem =
            format!("key `{name}` is a number in {number} and a text in {text}, but a table's key has one type");
        Some(Unfit::new(problem, format!("write all of them as texts or all as numbers, {OR_NONE}")))
    };
    match &to.key {
        TableKey::Fields(names) => names.iter().filter_map(mixed).collect(),
        // A kind's values become text.
        TableKey::Kinds(_) => Vec::new(),
    }
}
