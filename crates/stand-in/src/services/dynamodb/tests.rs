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

/// Items of all sizes: a page ends by its bytes now and then.
async fn filled(service: &Arc<DynamoDb>, table: &str) {
    for numbers in (0..400).collect::<Vec<_>>().chunks(25) {
        let put = |n: &i32| {
            let nested =
                json!({"M": {"deep \"quoted\"": {"L": [{"BOOL": true}, {"NULL": true}, {"N": format!("{n}.5")}]}}});
            let item = json!({
                "ticket": {"N": format!("{}", n % 7)}, "item": {"N": n.to_string()}, "dotted.name": nested,
                "text": {"S": "x".repeat((n * n) as usize % 20_000)},
            });
            json!({"PutRequest": {"Item": item}})
        };
        let puts: Vec<_> = numbers.iter().map(put).collect();
        call(service, "BatchWriteItem", json!({"RequestItems": {table: puts}})).await.expect("put");
    }
}

/// Every page of a scan, as the way in answers, or as the library does.
async fn pages(service: &Arc<DynamoDb>, scan: &Value, by_library: bool) -> Vec<Value> {
    let (mut pages, mut scan) = (Vec::new(), scan.clone());
    loop {
        let page = if by_library {
            let request = serde_json::from_value(scan.clone()).expect("a scan");
            serde_json::to_value(service.database.scan(request).expect("scanned")).expect("JSON")
        } else {
            assert!(service.scans.page(scan.to_string().as_bytes(), &service.database).expect("read").is_some());
            call(service, "Scan", scan.clone()).await.expect("scanned")
        };
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        let is_last = scan["ExclusiveStartKey"].is_null();
        pages.push(page);
        if is_last {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_plain_scan_is_answered_as_the_library_answers_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = DynamoDb::open(folder.path()).expect("opened");
    call(&service, "CreateTable", sales()).await.expect("created");
    filled(&service, "sales").await;
    let by_name = json!({
        "TableName": "sales", "ConsistentRead": true, "ProjectionExpression": "#0, #b",
        "ExpressionAttributeNames": {"#0": "dotted.name", "#b": "item"},
    });
    let limited = json!({"TableName": "sales", "Limit": 100});
    for scan in [json!({"TableName": "sales"}), by_name, limited] {
        let (ours, theirs) = (pages(&service, &scan, false).await, pages(&service, &scan, true).await);
        assert!(ours.len() >= 4, "{} pages", ours.len());
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            for member in ["Items", "Count", "LastEvaluatedKey"] {
                assert_eq!(ours.get(member), theirs.get(member), "{member}");
            }
        }
    }
}

#[tokio::test]
async fn any_other_scan_is_left_to_the_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = DynamoDb::open(folder.path()).expect("opened");
    call(&service, "CreateTable", sales()).await.expect("created");
    let key = json!({"ticket": {"N": "1"}, "item": {"N": "2"}});
    let with = |members: Value| {
        let mut scan = json!({"TableName": "sales"});
        scan.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        scan
    };
    let is_left =
        |scan: &Value| service.scans.page(scan.to_string().as_bytes(), &service.database).expect("read").is_none();
    assert!(!is_left(&with(json!({"ExclusiveStartKey": key}))));
    for members in [
        json!({"Select": "COUNT"}),
        json!({"Segment": 0, "TotalSegments": 2}),
        json!({"Limit": 0}),
        json!({"ProjectionExpression": "item"}),
        json!({"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#b": "item"}}),
        json!({"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "item", "#b": "text"}}),
        json!({"ProjectionExpression": "#a, #a", "ExpressionAttributeNames": {"#a": "item"}}),
        json!({"ProjectionExpression": "#a.#b", "ExpressionAttributeNames": {"#a.#b": "item"}}),
        json!({"ExpressionAttributeNames": {"#a": "item"}}),
        json!({"ExclusiveStartKey": {"ticket": {"N": "1"}}}),
        json!({"ExclusiveStartKey": {"ticket": {"N": "1"}, "item": {"S": "2"}}}),
        json!({"ExclusiveStartKey": {"ticket": {"N": "1"}, "item": {"N": "2"}, "more": {"N": "3"}}}),
        json!({"TableName": "absent"}),
        json!({"FilterExpression": "attribute_exists(item)"}),
    ] {
        assert!(is_left(&with(members.clone())), "{members}");
    }
    let mut set = key.clone();
    set["numbers"] = json!({"NS": ["10", "9"]});
    call(&service, "PutItem", json!({"TableName": "sales", "Item": set})).await.expect("put");
    assert!(is_left(&with(json!({}))), "the order of its members in an answer is the library's affair");
    let only = json!({"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "item"}});
    assert!(!is_left(&with(only)));
}
