//! Groups, streams and events, in what the protocol carries.

use serde_json::{Value, json};

use super::*;
use crate::service::ask;

const GROUP: &str = "/aws/lambda/f";

async fn call(logs: &Arc<Logs>, operation: &str, body: Value) -> Result<Value, ServiceError> {
    let answer = ask(logs, operation, body.to_string()).await?;
    Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).expect("JSON") })
}

async fn with_group(folder: &Path) -> Arc<Logs> {
    let logs = Logs::open(folder).expect("opened");
    call(&logs, "CreateLogGroup", json!({"logGroupName": GROUP, "tags": {"stack": "s"}})).await.expect("created");
    logs
}

fn event(timestamp: u64, message: &str) -> Event {
    Event { timestamp, message: message.to_owned() }
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().expect("events");
    events.iter().map(|event| event["message"].as_str().expect("a message")).collect()
}

#[tokio::test]
async fn a_group_keeps_its_tags_and_retention_over_a_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = with_group(folder.path()).await;
    let retention = json!({"logGroupName": GROUP, "retentionInDays": 7});
    call(&logs, "PutRetentionPolicy", retention).await.expect("put");
    drop(logs);
    let logs = Logs::open(folder.path()).expect("opened again");
    let groups = call(&logs, "DescribeLogGroups", json!({"logGroupNamePrefix": "/aws"})).await.expect("described");
    let group = &groups["logGroups"][0];
    assert_eq!((&group["logGroupName"], &group["retentionInDays"]), (&json!(GROUP), &json!(7)));
    let tags = call(&logs, "ListTagsForResource", json!({"resourceArn": group["logGroupArn"]})).await.expect("tags");
    assert_eq!(tags, json!({"tags": {"stack": "s"}}));
    let none = call(&logs, "DescribeLogGroups", json!({"logGroupNamePrefix": "/other"})).await.expect("described");
    assert_eq!(none, json!({"logGroups": []}));
}

#[tokio::test]
async fn what_is_appended_is_found_by_group_stream_time_and_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = with_group(folder.path()).await;
    assert!(logs.append(GROUP, "a", &[event(10, "START one"), event(20, "END one")]).expect("appended"));
    assert!(logs.append(GROUP, "b", &[event(30, "START two")]).expect("appended"));
    assert!(!logs.append("/absent", "a", &[event(10, "lost")]).expect("no group"));
    let filter = async |more: Value| {
        let mut body = json!({"logGroupName": GROUP});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        call(&logs, "FilterLogEvents", body).await.expect("filtered")
    };
    assert_eq!(messages(&filter(json!({})).await), ["START one", "END one", "START two"]);
    assert_eq!(messages(&filter(json!({"filterPattern": "START"})).await), ["START one", "START two"]);
    assert_eq!(messages(&filter(json!({"startTime": 20, "endTime": 30})).await), ["END one"]);
    assert_eq!(messages(&filter(json!({"logStreamNames": ["b"]})).await), ["START two"]);
    let first = filter(json!({"limit": 2})).await;
    let rest = filter(json!({"nextToken": first["nextToken"]})).await;
    assert_eq!((messages(&rest), &rest["nextToken"]), (vec!["START two"], &Value::Null));
    let streams = call(&logs, "DescribeLogStreams", json!({"logGroupName": GROUP})).await.expect("described");
    assert_eq!(streams["logStreams"][0]["lastEventTimestamp"], 20);
    let refused = call(&logs, "FilterLogEvents", json!({"logGroupName": GROUP, "filterPattern": "{$.a = 1}"})).await;
    assert_eq!(refused.expect_err("refused").code, "InvalidParameterException");
}

#[tokio::test]
async fn a_stream_is_read_from_either_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = with_group(folder.path()).await;
    let stream = json!({"logGroupName": GROUP, "logStreamName": "s"});
    call(&logs, "CreateLogStream", stream.clone()).await.expect("created");
    for n in 1..=5 {
        let mut put = stream.clone();
        put["logEvents"] = json!([{"timestamp": n, "message": n.to_string()}]);
        call(&logs, "PutLogEvents", put).await.expect("put");
    }
    let get = async |token: Value, head: bool| {
        let mut body = stream.clone();
        body["limit"] = json!(2);
        body["startFromHead"] = json!(head);
        body["nextToken"] = token;
        call(&logs, "GetLogEvents", body).await.expect("got")
    };
    let newest = get(Value::Null, false).await;
    assert_eq!(messages(&newest), ["4", "5"]);
    assert_eq!(messages(&get(newest["nextBackwardToken"].clone(), false).await), ["2", "3"]);
    let at_end = get(newest["nextForwardToken"].clone(), false).await;
    assert_eq!((messages(&at_end), &at_end["nextForwardToken"]), (vec![], &newest["nextForwardToken"]));
    assert_eq!(messages(&get(Value::Null, true).await), ["1", "2"]);
}

#[tokio::test]
async fn a_deleted_group_takes_its_events_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = with_group(folder.path()).await;
    assert!(logs.append(GROUP, "a", &[event(10, "old")]).expect("appended"));
    let named = json!({"logGroupName": GROUP});
    let taken = call(&logs, "CreateLogGroup", named.clone()).await.expect_err("taken");
    assert_eq!(taken.code, "ResourceAlreadyExistsException");
    call(&logs, "DeleteLogGroup", named.clone()).await.expect("deleted");
    let absent = call(&logs, "FilterLogEvents", named.clone()).await.expect_err("absent");
    assert_eq!(absent.code, "ResourceNotFoundException");
    call(&logs, "CreateLogGroup", named.clone()).await.expect("created");
    assert_eq!(messages(&call(&logs, "FilterLogEvents", named).await.expect("filtered")), [""; 0]);
}
