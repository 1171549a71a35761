//! The project's own function between a stream and a table, all of it on the stand-in.

use std::path::Path;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, Select,
};
use aws_sdk_lambda::types::{DestinationConfig, EventSourcePosition, FunctionResponseType, OnFailure};
use kinesis_aggregation::{self, UserRecord};
use kinesis_demo::aws::packaging::Package;

use super::{mappings::BUCKET, *};

const TABLE: &str = "sales";
const DOCUMENTS: i32 = 1_600;

impl Rig {
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config())
    }

    async fn make_table(&self) {
        let attribute = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::N);
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
        let table = self.dynamodb().create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        let table = table.attribute_definitions(attribute.build().expect("whole"));
        table.key_schema(key.build().expect("whole")).send().await.expect("created");
    }
}

/// Documents as user records of one record.
fn packed(documents: &[String]) -> Vec<u8> {
    let record =
        |document: &String| UserRecord::new("k", document.as_str()).with_explicit_hash_key(u128::MAX.to_string());
    kinesis_aggregation::encode(&documents.iter().map(record).collect::<Vec<_>>())
}

#[tokio::test]
async fn documents_become_items_packed_or_not_and_poison_goes_to_the_bucket() {
    let mut rig = Rig::new().await;
    rig.make_table().await;
    rig.make_stream(2).await;
    rig.s3().create_bucket().bucket(BUCKET).send().await.expect("created");
    let package = Package::find(Some(Path::new(env!("CARGO_BIN_EXE_demo-function")))).expect("a package");
    let zip = Package::zip(&package.binary, &package.digest).expect("the zip");
    rig.make_function_of(zip.to_vec(), 60, &[("DEMO_TABLE", TABLE), ("DEMO_KEY", "id")]).await;
    let documents: Vec<String> =
        (0..DOCUMENTS).map(|n| json!({"id": n, "price": 1.25, "in": {"a": null}}).to_string()).collect();
    let (left, right) = documents.split_at(documents.len() / 2);
    rig.put("k", 0, left).await;
    rig.put("k", 0, &["poison".to_owned()]).await;
    rig.put("k", u128::MAX, &right.chunks(100).map(packed).collect::<Vec<_>>()).await;
    let on_failure = OnFailure::builder().destination(format!("arn:aws:s3:::{BUCKET}")).build();
    let mapping = rig
        .new_mapping(EventSourcePosition::TrimHorizon)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(1)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build());
    rig.map(mapping).await;
    let document = rig.kept_failure().await;
    assert_eq!(document["KinesisBatchInfo"]["batchSize"], 1, "the poison alone");
    until("every document is an item", async || {
        let mut scan = rig.dynamodb().scan().table_name(TABLE).select(Select::Count).into_paginator().send();
        let mut count = 0;
        while let Some(page) = scan.next().await {
            count += page.expect("scanned").count;
        }
        (count == DOCUMENTS).then_some(())
    })
    .await;
    let key = AttributeValue::N("1599".to_owned());
    let item =
        rig.dynamodb().get_item().table_name(TABLE).key("id", key).send().await.expect("got").item.expect("there");
    assert_eq!(item["price"], AttributeValue::N("1.25".to_owned()));
    assert!(item.contains_key("processed") && item.contains_key("arrived"), "{item:?}");
    rig.stop().await;
}
