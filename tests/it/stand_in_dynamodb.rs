//! DynamoDB of the stand-in through the SDK.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
        TableStatus, Tag, WriteRequest,
    },
};

use crate::stand_in::Running;

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item(ticket: u32, line: u32) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("ticket".to_owned(), number(ticket)),
        ("line".to_owned(), number(line)),
        ("price".to_owned(), AttributeValue::N("19.95".to_owned())),
        ("nested".to_owned(), AttributeValue::M(HashMap::from([("none".to_owned(), AttributeValue::Null(true))]))),
    ])
}

async fn create(client: &Client, table: &str) {
    let attribute = |name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::N)
            .build()
            .expect("whole")
    };
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("whole");
    let made = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("ticket"))
        .attribute_definitions(attribute("line"))
        .key_schema(key("ticket", KeyType::Hash))
        .key_schema(key("line", KeyType::Range))
        .tags(Tag::builder().key("stack").value("s-1").build().expect("whole"))
        .send();
    made.await.expect("created");
}

#[tokio::test]
async fn a_table_lives_from_its_creation_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let client = Client::new(&running.config());
    create(&client, "sales").await;
    let table = client.describe_table().table_name("sales").send().await.expect("there").table.expect("described");
    assert_eq!(table.table_status, Some(TableStatus::Active));
    let arn = table.table_arn.expect("an ARN");
    assert_eq!(arn, "arn:aws:dynamodb:us-east-1:000000000000:table/sales");
    let tags = client.list_tags_of_resource().resource_arn(&arn).send().await.expect("tags").tags.expect("some");
    assert_eq!((tags[0].key(), tags[0].value()), ("stack", "s-1"));
    let protect = |protected| client.update_table().table_name("sales").deletion_protection_enabled(protected).send();
    let updated = protect(true).await.expect("updated").table_description.expect("described");
    assert_eq!((updated.table_arn, updated.deletion_protection_enabled), (Some(arn), Some(true)));
    let refused = client.delete_table().table_name("sales").send().await.expect_err("it is protected");
    assert_eq!(refused.into_service_error().code(), Some("ValidationException"));
    protect(false).await.expect("updated");
    let taken = client.delete_table().table_name("sales").send().await.expect("deleted");
    assert_eq!(taken.table_description.and_then(|table| table.table_status), Some(TableStatus::Deleting));
    let absent = client.describe_table().table_name("sales").send().await.expect_err("gone");
    assert!(absent.into_service_error().is_resource_not_found_exception());
    assert_eq!(client.list_tables().send().await.expect("listed").table_names(), [""; 0]);
    running.stop().await;
}

#[tokio::test]
async fn items_are_written_in_batches_and_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let client = Client::new(&running.config());
    create(&client, "sales").await;
    let put = |line| {
        let put = PutRequest::builder().set_item(Some(item(7, line))).build().expect("whole");
        WriteRequest::builder().put_request(put).build()
    };
    let written = client.batch_write_item().request_items("sales", (0..25).map(put).collect()).send();
    assert!(written.await.expect("written").unprocessed_items.is_none_or(|left| left.is_empty()));
    running.stop().await;
    let running = Running::over(folder.path()).await;
    let client = Client::new(&running.config());
    let got = client.get_item().table_name("sales").key("ticket", number(7)).key("line", number(24)).send();
    assert_eq!(got.await.expect("got").item, Some(item(7, 24)));
    let query = client
        .query()
        .table_name("sales")
        .key_condition_expression("ticket = :t AND line < :l")
        .expression_attribute_values(":t", number(7))
        .expression_attribute_values(":l", number(10))
        .send();
    assert_eq!(query.await.expect("answered").count, 10);
    let refused = client.put_item().table_name("sales").item("ticket", AttributeValue::S("seven".into())).send().await;
    assert_eq!(refused.expect_err("refused").into_service_error().code(), Some("ValidationException"));
    running.stop().await;
}
