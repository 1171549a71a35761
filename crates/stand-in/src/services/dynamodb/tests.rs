//! Tables and items, in what the protocol carries.

use serde_json::{Value, json};

use super::*;
use crate::service::ask;

async fn call(service: &Arc<DynamoDb>, operation: &str, body: Value) -> Result<Value, ServiceError> {
    let answer = ask(service, operation, body.to_string()).await?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

fn sales() -> Value {
    json!({
        "TableName": "sales", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "ticket", "AttributeType": "N"}, {"AttributeName": "item", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "ticket", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        "Tags": [{"Key": "stack", "Value": "s-1"}],
    })
}

#[tokio::test]
async fn items_survive_a_reopening_with_every_digit() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = DynamoDb::open(folder.path()).expect("opened");
    let made = call(&service, "CreateTable", sales()).await.expect("created");
    let arn = made["TableDescription"]["TableArn"].as_str().expect("an ARN").to_owned();
    assert_eq!(arn, "arn:aws:dynamodb:us-east-1:000000000000:table/sales");
    let item = json!({"ticket": {"N": "1"}, "item": {"N": "2"}, "price": {"N": "12345678901234567890.12"}});
    call(&service, "PutItem", json!({"TableName": "sales", "Item": item})).await.expect("put");
    drop(service);
    let service = DynamoDb::open(folder.path()).expect("opened again");
    let key = json!({"ticket": {"N": "1"}, "item": {"N": "2"}});
    let got = call(&service, "GetItem", json!({"TableName": "sales", "Key": key})).await.expect("got");
    assert_eq!(got["Item"], item);
    let tags = call(&service, "ListTagsOfResource", json!({"ResourceArn": arn})).await.expect("tags");
    assert_eq!(tags["Tags"], json!([{"Key": "stack", "Value": "s-1"}]));
}

#[tokio::test]
async fn errors_have_the_codes_of_the_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = DynamoDb::open(folder.path()).expect("opened");
    let code = async |operation: &str, body: Value| call(&service, operation, body).await.expect_err("refused").code;
    let key = json!({"ticket": {"N": "1"}, "item": {"N": "2"}});
    assert_eq!(code("GetItem", json!({"TableName": "absent", "Key": key})).await, "ResourceNotFoundException");
    call(&service, "CreateTable", sales()).await.expect("created");
    assert_eq!(code("CreateTable", sales()).await, "ResourceInUseException");
    assert_eq!(code("PutItem", json!({"TableName": "sales", "Item": {}})).await, "ValidationException");
    assert_eq!(code("PutItem", json!({"TableName": 7, "Item": {}})).await, "SerializationException");
    let exists = json!({"TableName": "sales", "Item": key, "ConditionExpression": "attribute_exists(ticket)"});
    assert_eq!(code("PutItem", exists).await, "ConditionalCheckFailedException");
    assert_eq!(code("ExecuteStatement", json!({})).await, "UnknownOperationException");
}
