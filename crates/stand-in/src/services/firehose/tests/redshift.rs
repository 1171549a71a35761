//! Delivery into Redshift: refused as AWS would, never twice, and what is skipped is listed.

use super::*;
use crate::services::redshift::{DataApi, Redshift};

const URL: &str = "jdbc:redshift://demo.local.redshift.amazonaws.com:5439/dev";

fn to_redshift(seconds: u32) -> Value {
    json!({
        "RoleARN": role(), "ClusterJDBCURL": URL,
        "CopyCommand": {"DataTableName": "lines", "DataTableColumns": "id", "CopyOptions": "JSON 'auto'"},
        "RetryOptions": {"DurationInSeconds": 60},
        "SecretsManagerConfiguration": {"Enabled": true, "SecretARN": "demo/redshift"},
        "S3Configuration": {
            "RoleARN": role(), "BucketARN": format!("arn:aws:s3:::{BUCKET}"), "Prefix": "inter/",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": seconds},
        },
    })
}

fn created(destination: &Value) -> Value {
    json!({"DeliveryStreamName": "d", "RedshiftDestinationConfiguration": destination})
}

/// Runs a statement on the cluster; the first value of its answer.
async fn sql(redshift: &Arc<Redshift>, sql: &str) -> Value {
    let sent = json!({"ClusterIdentifier": "demo", "Database": "dev", "Sql": sql});
    let sent = call(redshift, "ExecuteStatement", sent).await;
    let id = json!({"Id": sent["Id"]});
    until("the statement ends", async || {
        let status = call(redshift, "DescribeStatement", id.clone()).await["Status"].clone();
        assert_ne!(status, "FAILED", "{sql}");
        status == "FINISHED"
    })
    .await;
    match ask(&Arc::new(DataApi(redshift.clone())), "GetStatementResult", id.to_string()).await {
        Ok(result) => serde_json::from_slice::<Value>(&result).expect("JSON")["Records"][0][0].clone(),
        Err(_) => Value::Null,
    }
}

async fn call(redshift: &Arc<Redshift>, operation: &str, body: Value) -> Value {
    let answer =
        ask(&Arc::new(DataApi(redshift.clone())), operation, body.to_string()).await.expect("Redshift does it");
    serde_json::from_slice(&answer).expect("JSON")
}

async fn put(rig: &Rig, ids: std::ops::Range<usize>) {
    let record = |id| json!({"Data": base64_simd::STANDARD.encode_to_string(format!("{{\"id\": {id}}}\n"))});
    let records: Vec<Value> = ids.map(record).collect();
    rig.call("PutRecordBatch", json!({"DeliveryStreamName": "d", "Records": records})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_was_committed_before_the_crash_is_not_made_again() {
    let mut rig = Rig::new().await;
    sql(&rig.redshift, "CREATE TABLE lines (id INT)").await;
    rig.create(created(&to_redshift(0))).await;
    put(&rig, 0..10).await;
    rig.caught_up("d").await;
    let counted = "SELECT count(*) FROM lines";
    assert_eq!(sql(&rig.redshift, counted).await, json!({"longValue": 10}));
    let manifests = rig.s3.list(BUCKET, "manifests/").await.expect("listed");
    let key = manifests.first().expect("a manifest").key.clone();
    let manifest = rig.s3.get(BUCKET, &key).await.expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let file = progress_file(&rig, "d");
    let mut progress: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    rig.crash();

    // As a process leaves it that was killed after the COPY and before it remembered that.
    let (_, id) = key.split_once("/d-").expect("the batch's id");
    let loaded = text(&manifest["entries"][0]["url"]).trim_start_matches("s3://landing/").to_owned();
    progress["loads"]["batch"] = json!({"id": id, "keys": [loaded], "begun": chrono::Utc::now()});
    fs::write(&file, progress.to_string()).expect("writes");
    rig.open();
    put(&rig, 10..15).await;
    rig.caught_up("d").await;
    assert_eq!(sql(&rig.redshift, counted).await, json!({"longValue": 15}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_neither_lose_nor_double() {
    let mut rig = Rig::new().await;
    sql(&rig.redshift, "CREATE TABLE lines (id INT)").await;
    rig.create(created(&to_redshift(0))).await;
    for round in 0..6 {
        put(&rig, round * 10..round * 10 + 10).await;
        // Each time another step of a delivery is cut short.
        sleep(Duration::from_millis(round as u64 * 29)).await;
        rig.crash();
        rig.open();
    }
    rig.caught_up("d").await;
    let different = "SELECT CASE WHEN count(*) = 60 AND count(DISTINCT id) = 60 THEN 1 ELSE 0 END FROM lines";
    assert_eq!(sql(&rig.redshift, different).await, json!({"longValue": 1}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_there_yet_is_waited_for() {
    let rig = Rig::new().await;
    rig.create(created(&to_redshift(0))).await;
    put(&rig, 0..3).await;
    until("it has landed", async || !rig.s3.list(BUCKET, "manifests/").await.expect("listed").is_empty()).await;
    sql(&rig.redshift, "CREATE TABLE lines (id INT)").await;
    rig.caught_up("d").await;
    assert_eq!(sql(&rig.redshift, "SELECT count(*) FROM lines").await, json!({"longValue": 3}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurations_are_refused_as_aws_would() {
    let rig = Rig::new().await;
    let with = |path: &[&str], value: Value| {
        let mut destination = to_redshift(60);
        *path.iter().fold(&mut destination, |inner, name| &mut inner[*name]) = value;
        created(&destination)
    };
    let argument = "InvalidArgumentException";
    let cases = [
        (
            with(&["S3Configuration", "Prefix"], json!("in/!{timestamp:yyyy}/")),
            argument,
            "Prefix Expressions or ErrorOutputPrefix is currently not supported for this destination",
        ),
        (with(&["S3Configuration", "ErrorOutputPrefix"], json!("errors/")), argument, "ErrorOutputPrefix is currently"),
        (with(&["S3Configuration", "CompressionFormat"], json!("ZIP")), argument, "COPY operation does not support"),
        (with(&["S3Configuration", "CompressionFormat"], json!("Snappy")), argument, "COPY operation does not support"),
        (with(&["S3Configuration", "BucketARN"], json!("arn:aws:s3:::nowhere")), argument, "does not exist"),
        (with(&["RoleARN"], json!("arn:aws:iam::000000000000:role/none")), argument, "unable to assume role"),
        (with(&["SecretsManagerConfiguration", "SecretARN"], json!("none")), argument, "secret none"),
        (with(&["SecretsManagerConfiguration", "Enabled"], json!(false)), argument, "Username and Password"),
        (with(&["CopyCommand", "CopyOptions"], json!("JSON 'auto' NONSENSE")), argument, "NONSENSE"),
        (with(&["S3BackupMode"], json!("Enabled")), argument, "S3BackupMode"),
        (with(&["ClusterJDBCURL"], json!("jdbc:mysql://h:1/d")), "ValidationException", "clusterJDBCURL"),
        (with(&["RetryOptions", "DurationInSeconds"], json!(7201)), "ValidationException", "7200"),
    ];
    for (request, code, part) in cases {
        let error = rig.refused("CreateDeliveryStream", request).await;
        assert!(error.code == code && error.message.contains(part), "{error} does not say {part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_shown_to_nobody() {
    let rig = Rig::new().await;
    let mut destination = to_redshift(60);
    destination["SecretsManagerConfiguration"] = json!({"Enabled": false});
    destination["Username"] = json!("admin");
    destination["Password"] = json!("hush-hush");
    rig.create(created(&destination)).await;
    let described = rig.describe(&json!({"DeliveryStreamName": "d"})).await;
    let shown = &described["Destinations"][0]["RedshiftDestinationDescription"];
    assert_eq!((text(&shown["Username"]), text(&shown["ClusterJDBCURL"])), ("admin", URL));
    assert!(!described.to_string().contains("hush"), "{described}");
    let stream = rig.firehose().find("d").expect("it is there");
    assert!(!format!("{stream:?}").contains("hush"), "nor by Debug");
    let folder = fs::metadata(rig.folder.path().join("firehose")).expect("a folder");
    assert_eq!(folder.permissions().mode() & 0o777, 0o700, "the file that holds it is its owner's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_redshift_changes_what_it_names_and_the_next_load_follows() {
    let rig = Rig::new().await;
    sql(&rig.redshift, "CREATE TABLE lines (id INT)").await;
    sql(&rig.redshift, "CREATE TABLE others (id INT)").await;
    rig.create(created(&to_redshift(0))).await;
    let update = |version: &str, update: Value| {
        json!({
            "DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": version,
            "DestinationId": "destinationId-000000000001", "RedshiftDestinationUpdate": update,
        })
    };
    let copy = json!({"DataTableName": "others", "DataTableColumns": "id", "CopyOptions": "JSON 'auto'"});
    let whole = json!({
        "CopyCommand": copy, "RetryOptions": {"DurationInSeconds": 7},
        "S3Update": {"CompressionFormat": "GZIP", "BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 0}},
    });
    let nonsense = json!({"CopyCommand": {"DataTableName": "others", "CopyOptions": "NONSENSE"}});
    assert_eq!(rig.refused("UpdateDestination", update("1", nonsense)).await.code, "InvalidArgumentException");
    let of_s3 = json!({
        "DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1",
        "DestinationId": "destinationId-000000000001", "ExtendedS3DestinationUpdate": {"Prefix": "p/"},
    });
    assert_eq!(rig.refused("UpdateDestination", of_s3).await.code, "InvalidArgumentException");
    let options = json!({"CopyCommand": {"DataTableName": "others", "CopyOptions": "JSON 'auto' GZIP"}});
    rig.call("UpdateDestination", update("1", whole)).await;
    rig.call("UpdateDestination", update("2", options)).await;
    let described = rig.describe(&json!({"DeliveryStreamName": "d"})).await;
    assert_eq!(text(&described["VersionId"]), "3");
    let shown = &described["Destinations"][0]["RedshiftDestinationDescription"];
    assert_eq!((text(&shown["ClusterJDBCURL"]), text(&shown["CopyCommand"]["DataTableName"])), (URL, "others"));
    assert_eq!(shown["RetryOptions"]["DurationInSeconds"], 7);
    let objects = &shown["S3DestinationDescription"];
    assert_eq!((text(&objects["CompressionFormat"]), text(&objects["Prefix"])), ("GZIP", "inter/"));
    put(&rig, 0..4).await;
    let loaded = async || sql(&rig.redshift, "SELECT count(*) FROM others").await == json!({"longValue": 4});
    until("it is loaded", loaded).await;
    assert_eq!(sql(&rig.redshift, "SELECT count(*) FROM lines").await, json!({"longValue": 0}));
}
